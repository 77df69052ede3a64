// The clients for node: a line of JSON in, a line of JSON out, as tests/clients/drivers/lines.py
// says. One request of one client for each line; the driver ends with its input.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { GoogleGenAI } from "@google/genai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const MAX_TOKENS = 500;
const MESSAGE_MAX = 400;

class Heard {
  text = "";
  finish = null;
  error = null;
  status = null;
  code = null;
  message = "";
  input_tokens = null;
  output_tokens = null;
  error_events = [];

  add(text, finish) {
    this.text += text ?? "";
    this.finish = finish ?? this.finish;
  }

  used(input, output) {
    this.input_tokens = input ?? null;
    this.output_tokens = output ?? null;
  }

  failed(library, error) {
    const isPlain = error?.constructor === TypeError || error?.constructor === Error;
    const name = error?.constructor?.name ?? typeof error;
    this.error = isPlain ? name : `${library}.${name}`;
    const status = error?.status ?? error?.statusCode;
    this.status = typeof status === "number" ? status : null;
    const code = error?.code ?? error?.type;
    this.code = typeof code === "string" ? code : null;
    this.message = String(error?.message ?? JSON.stringify(error)).slice(0, MESSAGE_MAX);
  }
}

const openai = (ask) => new OpenAI({ baseURL: ask.base_url, apiKey: ask.key });
const anthropic = (ask) => new Anthropic({ baseURL: ask.base_url, apiKey: ask.key });
const google = (ask) =>
  new GoogleGenAI({ apiKey: ask.key, httpOptions: { baseUrl: ask.base_url } });
const messages = (ask) => [{ role: "user", content: ask.prompt }];
const message = (ask) => ({
  model: ask.model,
  max_tokens: MAX_TOKENS,
  messages: messages(ask),
});

function takeGoogle(answer, heard) {
  for (const candidate of answer.candidates ?? []) {
    const parts = candidate.content?.parts ?? [];
    heard.add(parts.map((part) => part.text ?? "").join(""), candidate.finishReason);
  }
  const used = answer.usageMetadata;
  if (used) heard.used(used.promptTokenCount, used.candidatesTokenCount);
}

function vercel(kind, ask) {
  const own = { baseURL: ask.base_url, apiKey: ask.key };
  return kind === "anthropic"
    ? createAnthropic(own)(ask.model)
    : createOpenAICompatible({ ...own, name: "penstock", includeUsage: true })(ask.model);
}

// Its own repeats wait for seconds and heed no x-should-retry; lines with "repeat" keep them.
const vercelCall = (kind, ask, repeats) => ({
  model: vercel(kind, ask),
  prompt: ask.prompt,
  maxRetries: repeats,
});

const vercelWhole = (kind, repeats) => async (ask, heard) => {
  const answer = await generateText(vercelCall(kind, ask, repeats));
  heard.add(answer.text, answer.finishReason);
  heard.used(answer.usage.inputTokens, answer.usage.outputTokens);
};

const vercelStream = (kind, repeats) => async (ask, heard) => {
  const result = streamText({ ...vercelCall(kind, ask, repeats), onError: () => {} });
  let trouble;
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") heard.add(part.text);
    if (part.type === "error") trouble ??= { is: part.error };
    if (part.type === "finish") {
      heard.finish = part.finishReason;
      heard.used(part.totalUsage.inputTokens, part.totalUsage.outputTokens);
    }
  }
  if (trouble) throw trouble.is;
};

const ways = {
  openai: {
    chat: async (ask, heard) => {
      const answer = await openai(ask).chat.completions.create({
        model: ask.model,
        messages: messages(ask),
      });
      heard.add(answer.choices[0].message.content, answer.choices[0].finish_reason);
      heard.used(answer.usage?.prompt_tokens, answer.usage?.completion_tokens);
    },
    chat_stream: async (ask, heard) => {
      const stream = await openai(ask).chat.completions.create({
        model: ask.model,
        messages: messages(ask),
        stream: true,
      });
      for await (const chunk of stream) {
        for (const choice of chunk.choices) heard.add(choice.delta.content, choice.finish_reason);
      }
    },
    responses: async (ask, heard) => {
      const answer = await openai(ask).responses.create({ model: ask.model, input: ask.prompt });
      heard.add(answer.output_text, answer.status);
      heard.used(answer.usage?.input_tokens, answer.usage?.output_tokens);
    },
    responses_stream: async (ask, heard) => {
      const stream = await openai(ask).responses.create({
        model: ask.model,
        input: ask.prompt,
        stream: true,
      });
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") heard.add(event.delta);
        if (["error", "response.failed"].includes(event.type)) heard.error_events.push(event.type);
        if (["response.completed", "response.incomplete"].includes(event.type)) {
          heard.finish = event.response.status;
          heard.used(event.response.usage?.input_tokens, event.response.usage?.output_tokens);
        }
      }
    },
  },
  anthropic: {
    messages: async (ask, heard) => {
      const answer = await anthropic(ask).messages.create(message(ask));
      heard.add(answer.content.map((block) => block.text ?? "").join(""), answer.stop_reason);
      heard.used(answer.usage.input_tokens, answer.usage.output_tokens);
    },
    messages_stream: async (ask, heard) => {
      const stream = await anthropic(ask).messages.create({ ...message(ask), stream: true });
      for await (const event of stream) {
        if (event.type === "content_block_delta") heard.add(event.delta.text);
        if (event.type === "message_delta") {
          heard.finish = event.delta.stop_reason;
          heard.used(event.usage.input_tokens, event.usage.output_tokens);
        }
      }
    },
    messages_helper: async (ask, heard) => {
      const stream = anthropic(ask).messages.stream(message(ask));
      stream.on("text", (text) => heard.add(text));
      const final = await stream.finalMessage();
      heard.finish = final.stop_reason;
      heard.used(final.usage.input_tokens, final.usage.output_tokens);
    },
  },
  google: {
    generate: async (ask, heard) => {
      const asked = { model: ask.model, contents: ask.prompt };
      takeGoogle(await google(ask).models.generateContent(asked), heard);
    },
    generate_stream: async (ask, heard) => {
      const asked = { model: ask.model, contents: ask.prompt };
      const stream = await google(ask).models.generateContentStream(asked);
      for await (const chunk of stream) takeGoogle(chunk, heard);
    },
  },
  vercel: {
    chat: vercelWhole("openai", 0),
    chat_repeat: vercelWhole("openai"),
    chat_stream: vercelStream("openai", 0),
    messages: vercelWhole("anthropic", 0),
    messages_stream: vercelStream("anthropic", 0),
  },
};

const packages = {
  openai: ["openai"],
  anthropic: ["@anthropic-ai/sdk"],
  google: ["@google/genai"],
  vercel: ["ai", "@ai-sdk/openai-compatible", "@ai-sdk/anthropic"],
};
const library = process.argv[2];
// What libraries say to the console is not for the tests.
console.log = console.info = console.warn = console.error;
const tell = (document) => process.stdout.write(`${JSON.stringify(document)}\n`);
const version = (name) => {
  const place = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(place, "utf8")).version;
};

tell(Object.fromEntries(packages[library].map((name) => [name, version(name)])));
for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  const heard = new Heard();
  try {
    await ways[library][ask.way](ask, heard);
  } catch (error) {
    heard.failed(library, error);
  }
  tell(heard);
}
