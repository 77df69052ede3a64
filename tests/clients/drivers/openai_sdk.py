"""The official OpenAI SDK for Python."""

from functools import cache

from openai import OpenAI
from tests.clients.drivers.lines import Ask, Heard, serve


@cache
def client(base_url: str, key: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key=key)


def chat(ask: Ask, heard: Heard) -> None:
    answer = client(ask.base_url, ask.key).chat.completions.create(
        model=ask.model, messages=[{"role": "user", "content": ask.prompt}]
    )
    heard.add(answer.choices[0].message.content, answer.choices[0].finish_reason)
    if answer.usage:
        heard.used(answer.usage.prompt_tokens, answer.usage.completion_tokens)


def chat_stream(ask: Ask, heard: Heard) -> None:
    stream = client(ask.base_url, ask.key).chat.completions.create(
        model=ask.model, messages=[{"role": "user", "content": ask.prompt}], stream=True
    )
    for chunk in stream:
        for choice in chunk.choices:
            heard.add(choice.delta.content, choice.finish_reason)


def chat_helper(ask: Ask, heard: Heard) -> None:
    with client(ask.base_url, ask.key).chat.completions.stream(
        model=ask.model,
        messages=[{"role": "user", "content": ask.prompt}],
        stream_options={"include_usage": True},
    ) as stream:
        for event in stream:
            if event.type == "content.delta":
                heard.add(event.delta)
        final = stream.get_final_completion()
    heard.finish = final.choices[0].finish_reason
    if final.usage:
        heard.used(final.usage.prompt_tokens, final.usage.completion_tokens)


def responses(ask: Ask, heard: Heard) -> None:
    answer = client(ask.base_url, ask.key).responses.create(model=ask.model, input=ask.prompt)
    heard.add(answer.output_text, answer.status)
    if answer.usage:
        heard.used(answer.usage.input_tokens, answer.usage.output_tokens)


def responses_stream(ask: Ask, heard: Heard) -> None:
    stream = client(ask.base_url, ask.key).responses.create(
        model=ask.model, input=ask.prompt, stream=True
    )
    for event in stream:
        if event.type == "response.output_text.delta":
            heard.add(event.delta)
        elif event.type in ("error", "response.failed"):
            heard.error_events.append(event.type)
        elif event.type in ("response.completed", "response.incomplete"):
            heard.finish = event.response.status
            if event.response.usage:
                usage = event.response.usage
                heard.used(usage.input_tokens, usage.output_tokens)


def responses_helper(ask: Ask, heard: Heard) -> None:
    with client(ask.base_url, ask.key).responses.stream(
        model=ask.model, input=ask.prompt
    ) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                heard.add(event.delta)
        final = stream.get_final_response()
    heard.finish = final.status
    if final.usage:
        heard.used(final.usage.input_tokens, final.usage.output_tokens)


if __name__ == "__main__":
    serve(
        {
            "chat": chat,
            "chat_stream": chat_stream,
            "chat_helper": chat_helper,
            "responses": responses,
            "responses_stream": responses_stream,
            "responses_helper": responses_helper,
        },
        "openai",
    )
