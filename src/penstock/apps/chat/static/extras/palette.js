// The command palette: Ctrl/⌘ K. Type to find a conversation (by title here, by its words at the
// server) or a command; arrows and Enter. A combobox: the focus stays in the field.
//
// The server is asked once somebody has stopped typing for a moment; an answer to an older question
// is dropped. Where it does not answer, titles and commands still are found, and that is said.

import { html, useEffect, useMemo, useRef, useState } from "../ui.js";
import { Dialog } from "./dialog.js";
import { moved } from "./picker.js";
import { Sign } from "./shapes.js";
import { Keys } from "./shortcuts.js";

const PAUSE_MS = 150;
const RECENT_MAX = 6;
const FOUND_MAX = 20;
const FIRST = "\u2068";
const LAST = "\u2069";

/** Do all the words begin a word of the text? */
export function matches(text, query) {
  const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return query.toLowerCase().split(/\s+/).filter(Boolean).every((one) => words.some((word) => word.startsWith(one)));
}

/** A snippet as pieces: [text, is it a found word]. */
export function found(snippet) {
  const pieces = [];
  let isFound = false;
  for (const part of snippet.split(/([\u2068\u2069])/)) {
    if (part === FIRST) isFound = true;
    else if (part === LAST) isFound = false;
    else if (part) pieces.push([part, isFound]);
  }
  return pieces;
}

/** What is shown for a query: [{id, kind, title, ...}], conversations by title, then by words. */
export function entries(query, { commands, conversations, hits }) {
  const byTitle = conversations.filter((one) => matches(one.title || "Untitled", query)).slice(0, query ? FOUND_MAX : RECENT_MAX);
  const known = new Set(byTitle.map((one) => one.id));
  const byWords = hits.filter((one) => !known.has(one.id)).slice(0, FOUND_MAX);
  const wanted = commands.filter((one) => matches(one.name, query)).map((one) => ({ ...one, kind: "command", title: one.name }));
  const there = [...byTitle, ...byWords].map((one) => ({ ...one, kind: "conversation", title: one.title || "Untitled" }));
  return query ? [...there, ...wanted] : [...wanted, ...there];
}

/**
 * @param {{commands: {id: string, name: string, keys?: string, run: () => void}[], conversations: object[],
 *          search: (query: string) => Promise<object[]>, onOpen: (conversation: object) => void, onClose: () => void, query?: string}} props
 */
export function Palette({ commands, conversations, search, onOpen, onClose, query: begins = "" }) {
  const [query, setQuery] = useState(begins);
  const [at, setAt] = useState(0);
  const [hits, setHits] = useState({ is: "none", rows: [] });
  const list = useRef(null);
  useEffect(() => {
    const asked = query.trim();
    if (!asked) { setHits({ is: "none", rows: [] }); return undefined; }
    let isCurrent = true;
    const timer = setTimeout(async () => {
      try {
        const rows = await search(asked);
        if (isCurrent) setHits({ is: "here", rows });
      } catch {
        if (isCurrent) setHits({ is: "failed", rows: [] });
      }
    }, PAUSE_MS);
    return () => { isCurrent = false; clearTimeout(timer); };
  }, [query]);
  const shown = useMemo(() => entries(query.trim(), { commands, conversations, hits: hits.rows }), [query, commands, conversations, hits]);
  const index = Math.min(at, Math.max(0, shown.length - 1));
  useEffect(() => list.current?.querySelector(".is-at")?.scrollIntoView({ block: "nearest" }), [index, shown]);
  const take = (one) => {
    onClose();
    if (one.kind === "command") one.run(); else onOpen(one);
  };
  const onKey = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && shown[index]) { event.preventDefault(); take(shown[index]); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); setAt(moved(event.key, index, shown.length)); }
  };
  return html`<${Dialog} title="Search" onClose=${onClose} wide className="x-palette">
    <div class="x-palette-field"><${Sign} of="find" /><input data-first role="combobox" aria-expanded="true" aria-controls="x-palette-list" aria-autocomplete="list"
      aria-activedescendant=${shown.length ? `x-palette-${index}` : undefined} aria-label="Search conversations and commands" placeholder="Search conversations and commands" autocomplete="off" spellcheck="false"
      value=${query} onInput=${(event) => { setQuery(event.target.value); setAt(0); }} onKeyDown=${onKey} /></div>
    <ul id="x-palette-list" role="listbox" aria-label="Found" ref=${list}>
      ${shown.map((one, i) => html`<li key=${`${one.kind}-${one.id}`} id=${`x-palette-${i}`} role="option" aria-selected=${i === index} class=${i === index ? "is-at" : ""} onPointerMove=${() => setAt(i)} onClick=${() => take(one)}>
        <span class="x-palette-title">${one.title}${one.snippet && html`<small>${found(one.snippet).map(([text, is]) => (is ? html`<mark>${text}</mark>` : text))}</small>`}</span>
        ${one.kind === "command" ? (one.keys ? html`<${Keys} of=${one.keys} />` : html`<span class="muted small">Command</span>`) : one.is_running && html`<span class="muted small">answering</span>`}
      </li>`)}
    </ul>
    <p class="x-palette-note" role="status">${hits.is === "failed" ? "The server does not answer: only titles were searched." : shown.length === 0 && hits.is === "here" ? `Nothing has “${query.trim()}” in it.` : ""}</p>
  <//>`;
}
