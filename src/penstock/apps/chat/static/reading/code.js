/* A block of code: its language, copy, wrap, and colours when it is complete.

   Lines stand in groups, so that a line that comes lays out one group and not the whole. Colours
   are found in a worker (highlighter.js), which is ended when it takes longer than PATIENCE_MS; here
   they are only put on, group by group, SLICE_MS a frame. */

const GROUP_LINES = 64;
const GROUP_UNITS = 8192;
const COLOURED_MAX = 100_000; // units: longer code stays plain
const PATIENCE_MS = 3000;
const SLICE_MS = 8;
const COPIED_MS = 1600;

export function codeFigure() {
  const figure = document.createElement("figure");
  figure.className = "fenced";
  const bar = document.createElement("figcaption");
  const label = document.createElement("span");
  label.className = "language";
  const wrap = button("Wrap", "Wrap long lines");
  wrap.setAttribute("aria-pressed", "false");
  const copy = button("Copy", "Copy code");
  bar.append(label, wrap, copy);
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  const code = document.createElement("code");
  pre.append(code);
  figure.append(bar, pre);
  const view = { figure, label, pre, code, groups: [], count: 0, language: null, asked: "" };
  wrap.addEventListener("click", () => wrapped(view, wrap));
  copy.addEventListener("click", () => void copied(view, copy));
  return view;
}

function button(word, title) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = word;
  made.title = title;
  return made;
}

function wrapped(view, wrap) {
  const isOn = view.figure.classList.toggle("is-wrapped");
  wrap.setAttribute("aria-pressed", String(isOn));
}

async function copied(view, copy) {
  let word = "Copied";
  try {
    await navigator.clipboard.writeText(textOf(view));
  } catch {
    getSelection()?.selectAllChildren(view.code);
    word = "Press Ctrl+C";
  }
  copy.textContent = word;
  setTimeout(() => (copy.textContent = "Copy"), COPIED_MS);
}

const textOf = (view) => view.groups.map((group) => group.text).join("").replace(/\n$/, "");

/** Make the figure say the lines of `fence`; those before `fence.settled` are final. */
export function paintCode(view, fence, isOpen) {
  const language = /^[\w+#.-]{1,32}/.exec(fence.info)?.[0] ?? "";
  if (view.language !== language) {
    view.language = language;
    view.label.textContent = language || "text";
    view.pre.setAttribute("aria-label", `Code, ${language || "text"}`);
  }
  const from = grouped(view, fence.kids, Math.min(view.count, fence.settled));
  view.count = fence.kids.length;
  for (let index = from; index < view.groups.length; index++) say(view.groups[index]);
  if (!isOpen && view.coloured !== view.count) colour(view);
  view.coloured = isOpen ? -1 : view.count;
}

/* Put lines into groups; returns the first group that may have changed. */
function grouped(view, lines, settled) {
  let index = view.groups.findIndex((group) => group.first + group.lines > settled);
  if (index === -1) index = Math.max(0, view.groups.length - 1);
  const start = view.groups[index]?.first ?? 0;
  const kept = view.groups.splice(index);
  let group = null;
  for (let at = start; at < lines.length; at++) {
    if (!group || group.lines >= GROUP_LINES || group.text.length > GROUP_UNITS) {
      group = { first: at, lines: 0, text: "", ...elementOf(view, kept.shift()) };
      view.groups.push(group);
    }
    group.text += lines[at];
    group.lines++;
  }
  for (const left of kept) left.element.remove();
  return index;
}

function elementOf(view, old) {
  if (old) return { element: old.element, said: old.said, isPlain: old.isPlain };
  const element = document.createElement("span");
  element.className = "lines";
  element.append(document.createTextNode(""));
  view.code.append(element);
  return { element, said: "", isPlain: true };
}

function say(group) {
  if (!group.isPlain) {
    if (group.said === group.text) return;
    group.element.textContent = "";
    group.element.append(document.createTextNode(""));
    group.said = "";
    group.isPlain = true;
  }
  const words = group.element.firstChild;
  if (group.text.startsWith(group.said)) words.appendData(group.text.slice(group.said.length));
  else words.data = group.text;
  group.said = group.text;
}

/* --- colours */

let worker = null;
let asking = null; // what the worker is at
const queue = [];

function colour(view) {
  const text = view.groups.map((group) => group.text).join("");
  const key = `${view.language}\n${text}`;
  if (view.asked === key || !view.language || text.length > COLOURED_MAX) return;
  view.asked = key;
  queue.push({ view, key, language: view.language, text });
  ask();
}

function ask() {
  if (asking || !queue.length) return;
  asking = queue.shift();
  worker ??= started();
  asking.timer = setTimeout(() => given(null), PATIENCE_MS);
  worker.postMessage({ language: asking.language, text: asking.text });
}

function started() {
  const made = new Worker(new URL("highlighter.js", import.meta.url), { type: "module" });
  made.addEventListener("message", (event) => given(event.data));
  made.addEventListener("error", () => given(null));
  return made;
}

/* [[name, units], ...] of the text, or null: it took too long or could not be done. */
function given(tokens) {
  const { view, key, timer } = asking;
  clearTimeout(timer);
  asking = null;
  if (tokens === null) {
    worker.terminate();
    worker = null;
  } else if (view.asked === key && tokens.length) put(view, tokens, key, 0, { index: 0, used: 0 });
  ask();
}

function put(view, tokens, key, from, place) {
  requestAnimationFrame(() => {
    const until = performance.now() + SLICE_MS;
    let index = from;
    if (view.asked !== key) return;
    while (index < view.groups.length && performance.now() < until) {
      putGroup(view.groups[index++], tokens, place);
    }
    if (index < view.groups.length) put(view, tokens, key, index, place);
  });
}

function putGroup(group, tokens, place) {
  const parts = [];
  for (let at = 0; at < group.text.length && place.index < tokens.length; ) {
    const [name, units] = tokens[place.index];
    const taken = Math.min(units - place.used, group.text.length - at);
    parts.push(part(name, group.text.slice(at, at + taken)));
    at += taken;
    place.used += taken;
    if (place.used === units) {
      place.index++;
      place.used = 0;
    }
  }
  group.element.replaceChildren(...parts);
  group.isPlain = false;
}

function part(name, text) {
  if (!name) return document.createTextNode(text);
  const element = document.createElement("span");
  element.className = `hl-${name}`;
  element.textContent = text;
  return element;
}
