/* What the server tells, put into what the pages know. See shapes.py for the events.

   order      an event that is older than what was loaded changes nothing: each message knows up to
              which event it was loaded
   text       grows by positions; whoever has less than there must be asks for the message
   a message  that nobody here knows belongs to another tab or device: it is put at the end if it
              follows the last one, else the conversation is loaded again, once it has a new leaf
   anew       reset, or another boot: lists and what is open are loaded again
   an answer  of the API to a question about one message may be older than an event that came while
              it was under way: the event stands, and is asked about again if its text is short
   heard      when something was last said of an answer that runs; watching.js asks where it is long */
import { ask } from "./api.js";
import { anew, refreshThread, showThread } from "./loading.js";
import {
  conversations,
  dropConversation,
  isOld,
  isRunning,
  messageOf,
  messages,
  notices,
  placeOf,
  putConversation,
  textOf,
  thread,
} from "./state.js";
import { batch } from "./ui.js";

const asked = new Set(); // messages that are being asked for
export const heardMs = new Map(); // id of an answer that runs -> when it was last spoken of
const version = document.getElementById("app")?.dataset.version || "";
let boot = "";

const handlers = {
  hello(data) {
    if (data.version && version && data.version !== version) isOld.value = true;
    if (boot && data.boot !== boot) anew();
    boot = data.boot;
  },
  reset: () => anew(),
  conversation(data) {
    putConversation(data);
    const opened = thread.peek();
    const isElsewhere = data.leaf && !opened.ids.includes(data.leaf);
    if (opened.id === data.id && opened.phase === "ready" && isElsewhere) refreshThread();
  },
  conversation_gone(data) {
    dropConversation(data.id);
    if (thread.peek().id === data.id) showThread("", { isGone: true });
  },
  message: (data, seq) => take(data, seq),
  delta: (data) => grow(data, "grow"),
  reasoning: (data) => grow(data, "growReasoning"),
  place(data) {
    heard(data.message);
    placeOf(data.message).value = data;
  },
  notices(data) {
    notices.value = data.notices;
  },
};

/** @param {string} kind @param {any} data @param {number} seq 0: it is not durable */
export function apply(kind, data, seq) {
  const handler = handlers[kind];
  if (handler) batch(() => handler(data, seq));
}

/** Know a message: from the list of a thread, from an answer, from an event. */
export function take(given, seq = 0) {
  const place = messageOf(given.id);
  const before = place.peek();
  const { text, reasoning, ...rest } = given;
  if (before && seq && before.seq >= seq) return;
  heard(given.id);
  const siblings = rest.siblings?.length ? rest.siblings : before?.siblings || [];
  const known = textOf(given.id);
  const isBehind = isRunning(rest) && known.text.startsWith(text); // deltas were faster
  if (text !== null && text !== undefined && !isBehind) known.set(text);
  if (reasoning) known.reasoning = reasoning;
  place.value = { ...rest, siblings, seq: seq || before?.seq || 0, sending: "" };
  for (const id of siblings) {
    const other = messages.get(id);
    if (id !== given.id && other?.peek()) other.value = { ...other.peek(), siblings };
  }
  if (!isRunning(rest)) {
    placeOf(given.id).value = null;
    heardMs.delete(given.id);
  }
  if (known.text.length < rest.text_units || (isEnded(rest) && text === null && known.text.length !== rest.text_units)) {
    whole(given.id);
  }
  follow(rest);
}

const isEnded = (message) => !isRunning(message);

/** Put a message of another tab or device at the end, where it belongs there. */
function follow(message) {
  const opened = thread.peek();
  if (opened.id !== message.conversation || opened.phase !== "ready") return;
  if (opened.ids.includes(message.id)) return;
  if ((opened.ids.at(-1) || "") === message.parent) {
    thread.value = { ...opened, ids: [...opened.ids, message.id] };
  }
}

function grow(delta, how) {
  const place = messages.get(delta.message);
  if (!place?.peek()) return; // nobody here looks at it
  heard(delta.message);
  const message = place.peek();
  if (message.state === "waiting") {
    place.value = { ...message, state: "streaming" };
    placeOf(delta.message).value = null;
  }
  if (!textOf(delta.message)[how](delta.at, delta.text)) whole(delta.message);
}

export function heard(id) {
  heardMs.set(id, performance.now());
}

/** Where a message stands in the order of events: to be compared when an answer of the API is there. */
export const standOf = (id) => messages.get(id)?.peek()?.seq ?? 0;

/** Take what the API answered to a question that was asked when the message stood at ``stand``.
    Returns false if an event has come meanwhile: what it said is newer, and stands. */
export function takeAnswer(given, stand) {
  if (standOf(given.id) > stand) return false;
  batch(() => take(given));
  return true;
}

/** Ask for a message as it is: its text is not all here, or nothing was heard of it for long. */
export async function whole(id) {
  if (asked.has(id)) return;
  asked.add(id);
  try {
    for (let isTaken = false; !isTaken && messages.get(id)?.peek(); ) {
      const stand = standOf(id);
      const message = await ask("GET", `/messages/${encodeURIComponent(id)}`);
      isTaken = !messages.get(id)?.peek() || takeAnswer(message, stand);
    }
  } catch {
    // the next event of it, or the watch, asks again
  } finally {
    asked.delete(id);
  }
}

/** Whether something runs that nobody looks at. */
export function runningElsewhere() {
  return conversations.value.some((each) => each.is_running && each.id !== thread.value.id);
}
