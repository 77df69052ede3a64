/* No answer stays unfinished on the screen because an event was missed: what is open and runs is asked
   for again, whatever became of the event.

   back       the connection is live again, or somebody looks at the page again: the open thread is
              loaded anew if anything in it has not ended
   silent     nothing was said of an answer for SILENT_MS (a wait without news, or an event that never
              came): the answer is asked for; looked at each LOOK_MS, by pages that are seen */
import { heard, heardMs, whole } from "./events.js";
import { refreshThread } from "./loading.js";
import { connection, isRunning, messages, thread } from "./state.js";
import { effect } from "./ui.js";

const SILENT_MS = 20_000;
const LOOK_MS = 5_000;

const isSeen = () => document.visibilityState === "visible";

/** The open answers that run at the server, as far as this page knows. */
function running() {
  const isThere = (message) => isRunning(message) && !message.sending;
  return thread.peek().ids.filter((id) => isThere(messages.get(id)?.peek()));
}

function loadUnfinished() {
  if (running().length) refreshThread();
}

function askSilent() {
  if (!isSeen() || connection.peek() === "offline") return;
  const now = performance.now();
  for (const id of running()) {
    if (!heardMs.has(id)) heard(id);
    if (now - heardMs.get(id) < SILENT_MS) continue;
    heard(id); // it is asked for: the next silence begins
    whole(id);
  }
}

export function watchAnswers() {
  document.addEventListener("visibilitychange", () => isSeen() && loadUnfinished());
  setInterval(askSilent, LOOK_MS);
  let before = connection.peek();
  effect(() => {
    const isBack = connection.value === "live" && before !== "live";
    before = connection.value;
    if (isBack) loadUnfinished();
  });
}
