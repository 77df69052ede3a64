/* Fetches what the pages show: the list, a thread, what is older. What is asked for last wins. */
import { ask } from "./api.js";
import { take } from "./events.js";
import * as outgoing from "./outgoing.js";
import {
  conversations,
  found,
  keepThread,
  keptThread,
  me,
  nextPage,
  putConversation,
  thread,
  toast,
} from "./state.js";
import { batch } from "./ui.js";

export const LIST_LIMIT = 50;
export const THREAD_LIMIT = 40;
const EMPTY = { id: "", ids: [], before: "", phase: "new", error: null, conversation: null };
let looking = 0; // which search was asked for last
let isLoadingMore = false;

/** Load everything again: after a reset, or when the server has been started anew. */
export async function anew() {
  await Promise.allSettled([loadMe(), loadList(), refreshThread()]);
}

export async function loadMe() {
  const before = me.peek();
  const told = await ask("GET", "/me");
  if (before && before.account !== told.account) location.assign("/"); // somebody else logged in
  me.value = told;
}

export async function loadList() {
  const page = await ask("GET", `/conversations?limit=${LIST_LIMIT}`);
  batch(() => {
    conversations.value = page.items;
    nextPage.value = page.next;
    for (const entry of outgoing.newOnes()) putConversation(entry);
  });
}

/** Load what comes next in the list, or in what was found. */
export async function loadMore() {
  const search = found.peek();
  const after = search ? search.next : nextPage.peek();
  if (!after || isLoadingMore) return;
  isLoadingMore = true;
  const words = search ? `/search?q=${encodeURIComponent(search.q)}&` : "/conversations?";
  try {
    const page = await ask("GET", `${words}limit=${LIST_LIMIT}&after=${encodeURIComponent(after)}`);
    if (search) {
      if (found.peek()?.q !== search.q) return;
      found.value = { ...search, items: [...search.items, ...page.items], next: page.next };
      return;
    }
    const there = new Set(conversations.peek().map((each) => each.id));
    const more = page.items.filter((each) => !there.has(each.id));
    conversations.value = [...conversations.peek(), ...more];
    nextPage.value = page.next;
  } finally {
    isLoadingMore = false;
  }
}

export async function search(q) {
  looking += 1;
  const mine = looking;
  if (!q.trim()) {
    found.value = null;
    return;
  }
  found.value = { q, items: found.peek()?.items || [], next: "", phase: "loading" };
  try {
    const page = await ask("GET", `/search?q=${encodeURIComponent(q)}&limit=${LIST_LIMIT}`);
    if (mine === looking) found.value = { q, items: page.items, next: page.next, phase: "ready" };
  } catch (error) {
    if (mine === looking) found.value = { q, items: [], next: "", phase: "failed", error };
  }
}

/** Open a conversation; "" is a new one. What was open goes on by itself. */
export function showThread(id, { isGone = false } = {}) {
  keepThread(thread.peek());
  if (!id) {
    thread.value = EMPTY;
    if (isGone) toast("This conversation was deleted.");
    if (isGone) history.replaceState(null, "", "/");
    return;
  }
  const before = keptThread(id);
  const conversation = conversations.peek().find((each) => each.id === id) || null;
  thread.value = before || { ...EMPTY, id, phase: "loading", conversation };
  if (outgoing.isNew(id)) {
    thread.value = outgoing.withPending({ ...EMPTY, id, phase: "ready", conversation });
    return;
  }
  refreshThread();
}

/** Take a thread as the server gave it. */
export function takeThread(given) {
  batch(() => {
    for (const message of given.messages) take(message, given.seq);
    putConversation(given.conversation);
    const { id } = given.conversation;
    if (thread.peek().id !== id) return;
    const ids = given.messages.map((message) => message.id);
    const opened = { id, ids: withOlder(ids), before: given.before, phase: "ready", error: null };
    if (opened.ids.length > ids.length) opened.before = thread.peek().before;
    thread.value = outgoing.withPending({ ...opened, conversation: given.conversation });
  });
}

/** Keep what was loaded of the past, where the branch is still the same. */
function withOlder(ids) {
  const before = thread.peek().ids;
  const at = before.indexOf(ids[0]);
  return at > 0 ? [...before.slice(0, at), ...ids] : ids;
}

export async function refreshThread() {
  const { id } = thread.peek();
  if (!id || outgoing.isNew(id)) return;
  try {
    takeThread(await ask("GET", `/conversations/${encodeURIComponent(id)}?limit=${THREAD_LIMIT}`));
  } catch (error) {
    const opened = thread.peek();
    if (opened.id === id && opened.phase === "loading") {
      thread.value = { ...opened, phase: "failed", error };
    }
  }
}

/** Load what is older than what is shown. */
export async function loadOlder() {
  const { id, before } = thread.peek();
  if (!before) return;
  const path = `/conversations/${encodeURIComponent(id)}?limit=${THREAD_LIMIT}`;
  const given = await ask("GET", `${path}&before=${encodeURIComponent(before)}`);
  const opened = thread.peek();
  if (opened.id !== id || opened.before !== before) return;
  batch(() => {
    for (const message of given.messages) take(message, given.seq);
    const older = given.messages.map((each) => each.id).filter((each) => !opened.ids.includes(each));
    thread.value = { ...opened, ids: [...older, ...opened.ids], before: given.before };
  });
}
