/* The list of conversations: pinned ones, then by day; found ones with the words that were found.

   running    a dot, and the word for screen readers: an answer is under way
   more       is loaded when the end of the list comes into view
   phone      the list is a drawer: it is opened by a button, closed by Esc, a choice, or beside it */
import { change, exportPath, go, remove } from "./actions.js";
import { confirm } from "./confirm.js";
import { Icon, IconButton } from "./icons.js";
import { loadMore, search } from "./loading.js";
import { Menu } from "./menu.js";
import { act, Slot } from "./slots.js";
import { conversations, found, isDrawerOpen, nextPage, thread } from "./state.js";
import { html, signal, useEffect, useRef } from "./ui.js";

const PAUSE_MS = 180; // between a key and the search
const DAY_MS = 86400000;
const renaming = signal("");

export function Sidebar({ name }) {
  const side = useRef(null);
  const isOpen = isDrawerOpen.value;
  useEffect(() => {
    if (isOpen) side.current.querySelector("button, a")?.focus();
  }, [isOpen]);
  return html`<aside ref=${side} id="side" class=${isOpen ? "side is-open" : "side"} aria-label="Conversations">
      <div class="side-head">
        <a class="brand" href="/" onClick=${follow("")}>${name}</a>
        <${IconButton} icon="close" label="Close the list" class="icon-button only-phone"
          onClick=${() => closeDrawer()} />
      </div>
      <a class="button new" href="/" onClick=${follow("")}><${Icon} name="new" /> New conversation</a>
      <${Search} />
      <nav class="list" aria-label="Conversations"><${List} /></nav>
      <div class="side-foot"><${Slot} name="settings" fallback=${html`<${Account} />`} /></div>
    </aside>
    ${isOpen && html`<div class="backdrop only-phone" onClick=${() => closeDrawer()}></div>`}`;
}

export function closeDrawer() {
  if (!isDrawerOpen.peek()) return false;
  isDrawerOpen.value = false;
  document.getElementById("open-side")?.focus();
  return true;
}

function Account() {
  return html`<a href="/account">Account</a>`;
}

const follow = (id) => (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return; // another tab
  event.preventDefault();
  go(id);
};

let waiting = 0;

function Search() {
  const onInput = (event) => {
    const words = event.target.value;
    clearTimeout(waiting);
    waiting = setTimeout(() => search(words), words.trim() ? PAUSE_MS : 0);
  };
  const onKey = (event) => {
    if (event.key !== "Escape" || !event.target.value) return;
    event.stopPropagation();
    event.target.value = "";
    search("");
  };
  return html`<div class="search" role="search">
    <${Icon} name="search" />
    <input id="search" type="search" placeholder="Search" aria-label="Search conversations"
      autocomplete="off" onInput=${onInput} onKeyDown=${onKey} />
  </div>`;
}

function List() {
  const looked = found.value;
  if (looked) return html`<${Found} looked=${looked} />`;
  const all = conversations.value;
  if (!all.length) return html`<p class="side-note">Your conversations will be listed here.</p>`;
  return html`${groups(all, Date.now()).map(([title, items]) => html`<section key=${title}>
      <h2>${title}</h2>
      <ul>${items.map((each) => html`<${Line} key=${each.id} conversation=${each} />`)}</ul>
    </section>`)}<${End} next=${nextPage.value} />`;
}

function Found({ looked }) {
  const { phase, items, error } = looked;
  if (phase === "failed") return html`<p class="side-note" role="alert">${error.message}</p>`;
  const count = `${items.length}${looked.next ? "+" : ""} found`;
  const told = phase === "loading" ? "Searching" : items.length ? count : "Nothing found";
  return html`<section><h2 role="status">${told}</h2>
    <ul>${items.map((each) => html`<${Line} key=${each.id} conversation=${each} />`)}</ul>
    <${End} next=${looked.next} /></section>`;
}

/** Names of groups with what belongs to them, in the order of the list. */
export function groups(all, nowMs) {
  const today = new Date(nowMs).setHours(0, 0, 0, 0);
  const nameOf = (each) => {
    if (each.is_pinned) return "Pinned";
    const atMs = each.updated_unix_s * 1000;
    if (atMs >= today) return "Today";
    if (atMs >= today - DAY_MS) return "Yesterday";
    return atMs >= today - 7 * DAY_MS ? "Last seven days" : "Earlier";
  };
  const made = new Map();
  for (const each of all) {
    const name = nameOf(each);
    made.set(name, [...(made.get(name) || []), each]);
  }
  return [...made];
}

/** What loads more when it is seen. */
function End({ next }) {
  const mark = useRef(null);
  useEffect(() => {
    if (!next) return undefined;
    const watch = new IntersectionObserver(([seen]) => seen.isIntersecting && loadMore().catch(() => {}));
    watch.observe(mark.current);
    return () => watch.disconnect();
  }, [next]);
  return next ? html`<div ref=${mark} class="end">
    <button type="button" class="quiet tiny" onClick=${() => loadMore()}>Show more</button></div>` : null;
}

function Line({ conversation }) {
  const { id, title, is_running: isRunning, snippet } = conversation;
  const isOpen = thread.value.id === id;
  if (renaming.value === id) return html`<li><${Rename} conversation=${conversation} /></li>`;
  return html`<li class=${isOpen ? "line is-current" : "line"}>
    <a href=${`/c/${id}`} aria-current=${isOpen ? "page" : undefined} title=${title} onClick=${follow(id)}>
      <span class="title">${title || "New conversation"}</span>
      ${isRunning && html`<span class="running"><span class="sr">, an answer is under way</span></span>`}
      ${snippet && html`<${Snippet} text=${snippet} />`}
    </a>
    <${Menu} label=${`More about ${title}`} entries=${entriesOf(conversation)} />
  </li>`;
}

/** Where it was found; the words stand between U+2068 and U+2069. */
function Snippet({ text }) {
  const pieces = text.split(/\u2068([^\u2069]*)\u2069/);
  return html`<span class="snippet">${pieces.map((piece, at) => (at % 2 ? html`<mark>${piece}</mark>` : piece))}</span>`;
}

/** What can be done to a conversation; also in the head of the page. */
export function entriesOf(conversation) {
  const { id, is_pinned: isPinned } = conversation;
  return [
    { label: "Rename", act: () => rename(id) },
    { label: isPinned ? "Unpin" : "Pin", act: () => change(conversation, { is_pinned: !isPinned }) },
    { label: "Instructions", act: () => act("instructions", conversation) },
    { label: "Export as Markdown", href: exportPath(conversation, "markdown") },
    { label: "Export as JSON", href: exportPath(conversation, "json") },
    { label: "Delete", isDangerous: true, act: () => askToDelete(conversation) },
  ];
}

function rename(id) {
  renaming.value = id;
  if (matchMedia("(max-width: 760px)").matches) isDrawerOpen.value = true; // the field lies there
}

export async function askToDelete(conversation) {
  const title = `Delete “${conversation.title}”?`;
  const words = "All of its messages and files are deleted. This cannot be undone.";
  if (await confirm({ title, words, verb: "Delete" })) remove(conversation);
}

function Rename({ conversation }) {
  const field = useRef(null);
  useEffect(() => field.current.select(), []);
  const done = (isKept) => {
    if (renaming.peek() !== conversation.id) return;
    const title = field.current.value.trim();
    renaming.value = "";
    if (isKept && title && title !== conversation.title) change(conversation, { title });
  };
  const onKey = (event) => {
    if (event.key === "Enter" && !event.isComposing) done(true);
    if (event.key === "Escape") {
      event.stopPropagation();
      done(false);
    }
  };
  return html`<input ref=${field} class="rename" value=${conversation.title} maxlength="200"
    aria-label="Name of the conversation" onKeyDown=${onKey} onBlur=${() => done(true)} />`;
}
