/* Keys of the whole page. What they are is listed by the help (extras); Ctrl is Cmd on a Mac.

   Ctrl K         the palette, or the search where there is none
   Ctrl Shift O   a new conversation
   Ctrl Shift C   copies the last answer
   Ctrl /         the list of keys
   /              to the field, from anywhere that is no field; so does Shift Esc
   Esc            closes the list on a phone, else stops the answer that is open */
import { go, stopHere } from "./actions.js";
import { copyText } from "./message.js";
import { closeDrawer } from "./sidebar.js";
import { act } from "./slots.js";
import { isDrawerOpen, messageOf, textOf, thread, toast } from "./state.js";

const KEYS = {
  "mod+k": () => act("palette") || focusSearch(),
  "mod+shift+o": () => go(""),
  "mod+shift+c": () => copyLast(),
  "mod+/": () => act("help"),
  "shift+escape": () => focusField(),
};

export function listen() {
  document.addEventListener("keydown", onKey);
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const name = nameOf(event);
  const work = KEYS[name];
  if (work) {
    event.preventDefault();
    work();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (name === "/" && !isField(event.target)) {
    event.preventDefault();
    focusField();
  } else if (name === "escape" && (closeDrawer() || stopHere())) {
    event.preventDefault();
  }
}

function nameOf(event) {
  const key = event.key.toLowerCase();
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  return `${mod}${event.shiftKey && key !== "/" ? "shift+" : ""}${key}`;
}

const isField = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function focusField() {
  document.getElementById("write")?.focus();
}

function focusSearch() {
  isDrawerOpen.value = true;
  requestAnimationFrame(() => document.getElementById("search")?.focus());
}

async function copyLast() {
  const answers = thread.peek().ids.filter((id) => messageOf(id).peek()?.role === "assistant");
  const text = answers.length ? textOf(answers.at(-1)).text : "";
  if (text && (await copyText(text))) toast("The last answer is copied.", { lastsMs: 2000 });
}
