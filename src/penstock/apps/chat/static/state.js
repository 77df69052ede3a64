/* What the pages know. Parts read it and are drawn anew when what they read changes; actions.js and
   events.js change it, nobody else.

   me              who is in (shapes.Me); null until known
   conversations   the list as it is shown: pinned first, then newest (shapes.Conversation)
   nextPage        where the list goes on; empty: this is all
   found           null, or the search: {q, items, next, phase}
   thread          what is open: {id, ids, before, phase, error}; id "" is a new conversation;
                   phase: new, loading, ready, failed; ids from older to newer
   messages        id -> signal of shapes.Message without its texts, and with ``sending`` where it
                   is not at the server yet: sending, unsent (nobody answered), failed (refused)
   texts           id -> Text: they grow outside of signals, word by word
   places          id -> signal of shapes.Place, or null
   notices         banners (shapes.Notice)
   connection      live, connecting, offline
   isOld           the server has newer pages than these
   drafts          id of a conversation, or "" -> signal of what is written and not sent
   choices         id, or "" -> signal of {model, system_prompt} for what is not there yet
   toasts          [{id, text, undo}] */
import { computed, signal } from "./ui.js";

export const me = signal(null);
export const conversations = signal([]);
export const nextPage = signal("");
export const found = signal(null);
export const thread = signal({ id: "", ids: [], before: "", phase: "new", error: null });
export const notices = signal([]);
export const connection = signal("connecting");
export const isOld = signal(false);
export const toasts = signal([]);
export const editing = signal(""); // the message that is being edited
export const isDrawerOpen = signal(false);

/** Models as people call them, by id. */
export const names = computed(() => new Map((me.value?.models ?? []).map((one) => [one.id, one.name])));

export const messages = new Map();
export const places = new Map();
export const drafts = new Map();
export const choices = new Map();
export const texts = new Map();

const THREADS_MAX = 12; // kept beside the open one, so that going back is at once
const kept = new Map(); // id -> thread, the least recently open first

/** Return the signal by this name, made if there is none. */
function one(map, name, first) {
  let there = map.get(name);
  if (!there) map.set(name, (there = signal(first)));
  return there;
}

export const messageOf = (id) => one(messages, id, null);
export const placeOf = (id) => one(places, id, null);
export const draftOf = (id) => one(drafts, id, "");
export const choiceOf = (id) => one(choices, id, { model: "", system_prompt: "" });

/** A text that grows. Who hears is called at once: (at, more) keeps what is before ``at``. */
class Text {
  text = "";
  reasoning = "";
  hears = new Set();

  set(text) {
    const before = this.text;
    this.text = text;
    if (text === before) return;
    const at = text.startsWith(before) ? before.length : 0;
    for (const hear of this.hears) hear(at, text.slice(at));
  }

  /** Returns false if something before it is missing. */
  grow(at, more) {
    if (at > this.text.length) return false;
    if (this.text.startsWith(more, at)) return true; // told already
    this.text = this.text.slice(0, at) + more;
    for (const hear of this.hears) hear(at, more);
    return true;
  }

  growReasoning(at, more) {
    if (at > this.reasoning.length) return false;
    this.reasoning = this.reasoning.slice(0, at) + more;
    for (const hear of this.hears) hear(this.text.length, "");
    return true;
  }
}

export function textOf(id) {
  let there = texts.get(id);
  if (!there) texts.set(id, (there = new Text()));
  return there;
}

export const isRunning = (message) =>
  message?.role === "assistant" && (message.state === "waiting" || message.state === "streaming");

/** The last message of what is open, as a signal's value; null: there is none. */
export function lastOf(opened) {
  return opened.ids.length ? messageOf(opened.ids.at(-1)).value : null;
}

/** The conversation that is open, as the list has it; null: it is new. */
export function openConversation() {
  const { id, conversation } = thread.value;
  return conversations.value.find((each) => each.id === id) || conversation || null;
}

/** Put a conversation where it belongs in the list. */
export function putConversation(given) {
  const there = conversations.peek().find((each) => each.id === given.id);
  const rest = conversations.peek().filter((each) => each.id !== given.id);
  const isBeyond = !there && nextPage.peek() && !given.is_pinned && isOlder(given, rest.at(-1));
  if (!isBeyond) conversations.value = [...rest, given].sort(inOrder);
  if (thread.peek().id === given.id) thread.value = { ...thread.peek(), conversation: given };
}

export function dropConversation(id) {
  conversations.value = conversations.peek().filter((each) => each.id !== id);
  const search = found.peek();
  if (search) found.value = { ...search, items: search.items.filter((each) => each.id !== id) };
  forgetThread(id);
}

function isOlder(given, last) {
  return last !== undefined && given.updated_unix_s < last.updated_unix_s;
}

function inOrder(a, b) {
  return Number(b.is_pinned) - Number(a.is_pinned) || b.updated_unix_s - a.updated_unix_s;
}

/** Keep what was open, and forget what was open long ago. */
export function keepThread(opened) {
  if (!opened.id || opened.phase !== "ready") return;
  kept.delete(opened.id);
  kept.set(opened.id, opened);
  while (kept.size > THREADS_MAX) forgetThread(kept.keys().next().value);
}

export const keptThread = (id) => kept.get(id);

export function forgetThread(id) {
  const gone = kept.get(id);
  kept.delete(id);
  if (!gone || thread.peek().id === id) return;
  for (const one of gone.ids) {
    messages.delete(one);
    places.delete(one);
    texts.delete(one);
  }
}

let toastCount = 0;

/** Say something that needs no answer. */
export function toast(text, more = {}) {
  toastCount += 1;
  const id = toastCount;
  toasts.value = [...toasts.peek(), { id, text, ...more }].slice(-3);
  setTimeout(() => dropToast(id), more.lastsMs ?? 6000);
}

export function dropToast(id) {
  toasts.value = toasts.peek().filter((each) => each.id !== id);
}
