/* What a person does to conversations and answers, beside writing. What the server refuses is said in
   a toast, in its words; what is shown at once is put back then. */
import { ApiError, ask } from "./api.js";
import { standOf, takeAnswer } from "./events.js";
import { showThread, takeThread, THREAD_LIMIT } from "./loading.js";
import { answerAnew, send } from "./outgoing.js";
import {
  choiceOf,
  draftOf,
  dropConversation,
  editing,
  isDrawerOpen,
  isRunning,
  lastOf,
  messageOf,
  openConversation,
  putConversation,
  thread,
  toast,
} from "./state.js";

/** Run it; say what went wrong. */
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(`${error.message} ${error.remedy}`.trim(), { isBad: true });
    return undefined;
  }
}

const pathOf = (id) => `/conversations/${encodeURIComponent(id)}`;

/** Open a conversation, or a new one by "", as an address of its own. */
export function go(id, { isReplacing = false } = {}) {
  const path = id ? `/c/${encodeURIComponent(id)}` : "/";
  if (isReplacing) history.replaceState(null, "", path);
  else if (location.pathname !== path) history.pushState(null, "", path);
  editing.value = "";
  isDrawerOpen.value = false;
  if (thread.peek().id !== id || thread.peek().phase === "failed" || !id) showThread(id);
}

/** The id that an address names. */
export function idIn(pathname) {
  const named = /^\/c\/([A-Za-z0-9_-]{8,64})$/.exec(pathname);
  return named ? named[1] : "";
}

/** Send what is written under what is open. Returns false if an answer is under way. */
export function sendHere(text, files = []) {
  const opened = thread.peek();
  const last = lastOf(opened);
  if (isRunning(last) || opened.phase === "loading") return false;
  const isUnanswered = last?.role === "user"; // its answer is gone: what is written stands beside
  const parent = last ? (isUnanswered ? last.parent : last.id) : "";
  const entry = send({ conversation: opened.id, text, files, parent });
  draftOf(opened.id).value = "";
  if (!opened.id) go(entry.conversation);
  return true;
}

/** Send another version of a message: a branch of its own. */
export function sendEdited(id, text) {
  const message = messageOf(id).peek();
  const opened = thread.peek();
  const at = opened.ids.indexOf(id);
  editing.value = "";
  thread.value = { ...opened, ids: opened.ids.slice(0, at) };
  send({ conversation: opened.id, text, files: message.files, parent: message.parent });
}

export function regenerate(answer, model = "") {
  return tried(() => answerAnew(messageOf(answer).peek().parent, model));
}

export function carryOn(answer) {
  return tried(async () => {
    const path = `/messages/${encodeURIComponent(answer)}/continue`;
    const stand = standOf(answer);
    const sent = await ask("POST", path, { isSafe: true });
    takeAnswer(sent.answer, stand); // events of a fast answer may have been faster than this
    putConversation(sent.conversation);
  });
}

export function stop(answer) {
  return tried(async () => {
    const path = `/messages/${encodeURIComponent(answer)}/stop`;
    const stand = standOf(answer);
    takeAnswer(await ask("POST", path, { isSafe: true }), stand);
  });
}

/** Stop what runs in what is open; false: nothing does. */
export function stopHere() {
  const last = lastOf(thread.peek());
  if (!isRunning(last) || last.sending) return false;
  stop(last.id);
  return true;
}

/** Show the branch through a sibling. */
export function showBranch(sibling) {
  const { id } = thread.peek();
  return tried(async () => {
    const path = `${pathOf(id)}/leaf?limit=${THREAD_LIMIT}`;
    const given = await ask("PUT", path.split("?")[0], { body: { message: sibling } });
    takeThread(given);
  });
}

/** Change a conversation: shown at once, put back where the server does not take it. */
export async function change(conversation, changes) {
  const shown = { ...conversation, ...changes };
  if ("title" in changes) shown.is_titled = true;
  putConversation(shown);
  const told = await tried(() => ask("PATCH", pathOf(conversation.id), { body: changes }));
  putConversation(told || conversation);
}

export async function remove(conversation) {
  const path = pathOf(conversation.id);
  const done = await tried(async () => {
    await ask("DELETE", path);
    return true;
  });
  if (!done) return;
  const isOpen = thread.peek().id === conversation.id;
  dropConversation(conversation.id);
  if (isOpen) go("", { isReplacing: true });
  toast(`“${conversation.title}” was deleted.`);
}

/** Where a conversation can be fetched as a file; the browser keeps it. */
export function exportPath(conversation, kind) {
  return `/api/v1${pathOf(conversation.id)}/export?kind=${kind}`;
}

/** Choose a model for what comes next in what is open. */
export function chooseModel(model) {
  const conversation = openConversation();
  const id = thread.peek().id;
  choiceOf(id).value = { ...choiceOf(id).peek(), model };
  if (conversation) change(conversation, { model });
}
