// What outlives the page, put in place: drafts, the outbox, whose they are, how the page looks.
//
//   keepAll()   once, as the page begins: after that what is written is kept as it is written
//
// Who was in last is remembered, so that the page that opens offline knows whose drafts to show. Its
// drafts and unsent messages are nobody else's.

import { anew, showThread } from "../loading.js";
import { deliver, isNew, restore, useOutbox } from "../outgoing.js";
import { connection, draftOf, me, messages, thread } from "../state.js";
import { effect, signal } from "../ui.js";
import { drafts } from "./drafts.js";
import { keeping } from "./keeping.js";
import { outbox } from "./outbox.js";
import { applySettings } from "./settings.js";

const ACCOUNT = "penstock.account";
const SETTINGS = "penstock.settings";
const WRITE_MS = 300; // after the last letter
const AGAIN_MS = 10_000; // where the connection stayed, and the process would not take it

export const isLasting = signal(true); // the browser keeps what is unsent

function remembered(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // a browser that keeps nothing
  }
}

/** The messages that nobody has answered for. */
export function unsent() {
  return [...messages].filter(([, one]) => one.peek()?.sending === "unsent" && one.peek().role === "user").map(([id]) => id);
}

function keepDrafts(account) {
  const kept = drafts({ account });
  const seen = new Set();
  let pending = null; // {id, text, timer}
  const write = () => {
    if (!pending) return;
    clearTimeout(pending.timer);
    kept.keep(pending.id, pending.text);
    pending = null;
  };
  addEventListener("pagehide", write);
  const stop = effect(() => {
    const { id } = thread.value;
    const draft = draftOf(id);
    if (!seen.has(id)) {
      seen.add(id);
      if (!draft.peek()) draft.value = kept.text(id);
    }
    const text = draft.value;
    if (pending && pending.id !== id) write();
    if (pending) clearTimeout(pending.timer);
    pending = { id, text, timer: setTimeout(write, WRITE_MS) };
    if (!text) write(); // it has been sent: at once, or a reload would bring it back
  });
  return () => { stop(); write(); removeEventListener("pagehide", write); };
}

async function keepOutbox(account) {
  const box = outbox({ account, store: await keeping() });
  isLasting.value = box.isLasting;
  useOutbox(box);
  const left = await box.load();
  restore(left);
  if (isNew(thread.peek().id)) showThread(thread.peek().id); // it was opened before we knew of it
  for (const entry of left) await deliver(entry.id);
}

function trySometimes() {
  setInterval(async () => {
    if (connection.peek() !== "live") return; // what sends when it is back is outgoing.js
    for (const id of unsent()) await deliver(id);
  }, AGAIN_MS);
}

/** A page that was opened without its server loads what it lacks when that is back. */
function catchUp() {
  let lacks = me.peek() === null;
  effect(() => {
    if (connection.value !== "live") return;
    queueMicrotask(() => {
      const { id, phase } = thread.peek();
      if (phase === "failed") showThread(id);
      if (lacks) anew();
      lacks = false;
    });
  });
}

export function keepAll() {
  try {
    applySettings(JSON.parse(remembered(SETTINGS) || "{}"));
  } catch {
    // not ours
  }
  let whose = "";
  let stop = () => {};
  effect(() => {
    const account = me.value?.account ?? remembered(ACCOUNT);
    if (me.value) {
      remember(ACCOUNT, account);
      remember(SETTINGS, JSON.stringify(me.value.settings ?? {}));
      applySettings(me.value.settings);
    }
    if (!account || account === whose) return;
    whose = account;
    // what it reads is none of this effect's business
    queueMicrotask(() => {
      stop();
      stop = keepDrafts(account);
      keepOutbox(account);
    });
  });
  trySometimes();
  catchUp();
}
