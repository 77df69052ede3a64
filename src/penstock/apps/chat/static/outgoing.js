/* What was written here and is on its way to the server. It is shown at once.

   ids        are made here: sending twice is sending once
   an entry   {id, answer, conversation, isNew, parent, text, files, model, system_prompt, at_unix_s}
   sending    until the server has it; then the server's rows take the place of ours
   unsent     nobody answered, or who did cannot now: kept, and sent again when the connection is back
   failed     the server does not take it: it says why; the person sends again, edits or drops it
   outbox     keeps entries where they outlive the page: {keep(entry), done(id)}; useOutbox sets it,
              and restore() puts entries of an earlier page back */
import { ApiError, ask, newId } from "./api.js";
import { take } from "./events.js";
import {
  choiceOf,
  connection,
  draftOf,
  dropConversation,
  me,
  messageOf,
  messages,
  places,
  putConversation,
  textOf,
  thread,
  texts,
} from "./state.js";
import { batch, effect } from "./ui.js";

const TITLE_CHARS = 60;
const pending = new Map(); // id of the person's message -> entry, in the order of writing
const delivering = new Set();
let outbox = { keep() {}, done() {} };

export function useOutbox(given) {
  outbox = given;
  for (const entry of pending.values()) outbox.keep(entry); // written before it was there
}

export const isNew = (conversation) => newEntry(conversation) !== undefined;

const newEntry = (conversation) =>
  [...pending.values()].find((entry) => entry.conversation === conversation && entry.isNew);

/** Conversations that the server does not have yet. */
export function newOnes() {
  return [...pending.values()].filter((entry) => entry.isNew).map(conversationOf);
}

/** A thread with what is on its way to its end. */
export function withPending(opened) {
  let ids = opened.ids;
  for (const entry of pending.values()) {
    if (entry.conversation !== opened.id || ids.includes(entry.id)) continue;
    const at = entry.parent ? ids.indexOf(entry.parent) : -1;
    if (entry.parent && at < 0) continue;
    ids = [...ids.slice(0, at + 1), entry.id, entry.answer];
  }
  return { ...opened, ids };
}

/** Send what a person wrote. ``parent`` is what it follows; an edit follows what the edited one did. */
export function send({ conversation, text, files = [], parent, model = "" }) {
  const isFirst = !conversation;
  const choice = choiceOf(conversation).peek();
  const entry = {
    id: newId(),
    answer: newId(),
    conversation: conversation || newId(),
    isNew: isFirst,
    parent,
    text,
    files,
    model: model || choice.model,
    system_prompt: isFirst ? choice.system_prompt : "",
    at_unix_s: Date.now() / 1000,
  };
  restore([entry]);
  outbox.keep(entry);
  if (isFirst) choiceOf("").value = { model: choice.model, system_prompt: "" };
  deliver(entry.id);
  return entry;
}

/** Put entries where they are shown, also those of an earlier page. */
export function restore(entries) {
  batch(() => {
    for (const entry of entries) {
      if (messages.get(entry.id)?.peek()?.sending === "") continue; // the server has it
      pending.set(entry.id, entry);
      put(entry, "sending");
      if (entry.isNew) putConversation(conversationOf(entry));
    }
    if (thread.peek().id) thread.value = withPending(thread.peek());
  });
}

function put(entry, sending, error = null) {
  const common = { conversation: entry.conversation, created_unix_s: entry.at_unix_s, marks: [] };
  const user = { ...common, id: entry.id, parent: entry.parent, role: "user", state: "done" };
  const answer = { ...common, id: entry.answer, parent: entry.id, role: "assistant", error: null };
  textOf(entry.id).set(entry.text);
  messageOf(entry.id).value = { ...user, files: entry.files, siblings: [], sending, error };
  messageOf(entry.answer).value = {
    ...answer, state: "waiting", model: entry.model, files: [], siblings: [], sending,
  };
}

function conversationOf(entry) {
  const title = entry.text.trim().split("\n")[0].slice(0, TITLE_CHARS) || "New conversation";
  return {
    id: entry.conversation, title, is_titled: false, is_pinned: false, is_running: true,
    model: entry.model, system_prompt: entry.system_prompt, leaf: entry.answer, snippet: "",
    created_unix_s: entry.at_unix_s, updated_unix_s: entry.at_unix_s,
  };
}

/** Try to send an entry; also by hand, after it failed. */
export async function deliver(id) {
  const entry = pending.get(id);
  if (!entry || delivering.has(id)) return;
  delivering.add(id);
  put(entry, "sending");
  try {
    await give(entry);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!pending.has(id)) return;
    batch(() => {
      put(entry, error.isPassing ? "unsent" : "failed", error);
      if (entry.isNew) putConversation({ ...conversationOf(entry), is_running: false });
    });
  } finally {
    delivering.delete(id);
  }
}

async function give(entry) {
  const { conversation, id, answer, parent, text, model } = entry;
  const safe = { isSafe: true };
  if (entry.isNew) {
    const body = { id: conversation, model, system_prompt: entry.system_prompt };
    await ask("POST", "/conversations", { ...safe, body });
  }
  const files = entry.files.map((file) => file.id);
  const body = { id, answer, parent, text, files, model };
  const path = `/conversations/${encodeURIComponent(conversation)}/messages`;
  takeSent(await ask("POST", path, { ...safe, body }), entry);
}

function takeSent(sent, entry) {
  batch(() => {
    pending.delete(entry.id);
    outbox.done(entry.id);
    putConversation(sent.conversation);
    for (const given of [sent.user, sent.answer]) {
      // events may have been faster: they know more than this does
      if (given && messageOf(given.id).peek()?.sending !== "") take(given);
    }
  });
}

/** Forget what was not sent; its text goes back to where it was written. */
export function drop(id) {
  const entry = pending.get(id);
  if (!entry) return;
  batch(() => {
    pending.delete(id);
    outbox.done(id);
    const opened = thread.peek();
    const gone = new Set([id, entry.answer]);
    thread.value = { ...opened, ids: opened.ids.filter((each) => !gone.has(each)) };
    for (const each of gone) for (const map of [messages, texts]) map.delete(each);
    const draft = draftOf(entry.isNew ? "" : entry.conversation);
    if (!draft.peek()) draft.value = entry.text;
    if (entry.isNew) dropConversation(entry.conversation);
  });
  return entry;
}

/** Ask for another answer to a person's message. */
export async function answerAnew(user, model = "") {
  const id = newId();
  const opened = thread.peek();
  const at = opened.ids.indexOf(user);
  const before = messageOf(user).peek();
  const shown = { ...opened, ids: [...opened.ids.slice(0, at + 1), id] };
  batch(() => {
    messageOf(id).value = {
      id, conversation: opened.id, parent: user, role: "assistant", state: "waiting", model,
      marks: [], files: [], siblings: [], sending: "sending", error: null,
      created_unix_s: Date.now() / 1000,
    };
    thread.value = shown;
  });
  try {
    const path = `/messages/${encodeURIComponent(user)}/answers`;
    const body = { id, model: model || choiceOf(opened.id).peek().model };
    const sent = await ask("POST", path, { isSafe: true, body });
    takeSent(sent, { id: before.id });
  } catch (error) {
    if (thread.peek().id === opened.id) thread.value = opened;
    for (const map of [messages, places, texts]) map.delete(id);
    throw error;
  }
}

/** Send what is unsent whenever the connection is back. */
export function sendWhenBack() {
  effect(() => {
    if (connection.value !== "live" || !me.value) return;
    for (const [id] of pending) if (messageOf(id).peek()?.sending === "unsent") deliver(id);
  });
}
