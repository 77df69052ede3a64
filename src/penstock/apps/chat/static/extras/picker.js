// The model picker: each model with its state as the status page knows it (shape and word), "auto"
// first, which takes whichever works. A listbox: arrows, Home, End, first letters, Enter, Esc.

import { html, useEffect, useId, useRef, useState } from "../ui.js";
import { Shape, Sign } from "./shapes.js";
import { stateOf } from "./words.js";

const TYPED_MS = 700; // letters that come closer together are one word

/** What is said of a model beneath its name. */
export function hintOf(model) {
  if (model.id === "auto") return "Takes a model that works; says which one it was";
  const takes = [model.takes_images !== false && "images", model.takes_documents !== false && "PDFs"].filter(Boolean);
  return takes.length ? `Reads ${takes.join(" and ")}` : "Reads text only";
}

/** Where a key leads to in a list. */
export function moved(key, at, length) {
  switch (key) {
    case "ArrowDown": return Math.min(length - 1, at + 1);
    case "ArrowUp": return Math.max(0, at - 1);
    case "Home": case "PageUp": return 0;
    case "End": case "PageDown": return length - 1;
    default: return at;
  }
}

/** @param {{models: object[], value: string, onPick: (id: string) => void, opensUp?: boolean, isOpen?: boolean}} props */
export function ModelPicker({ models, value, onPick, opensUp = false, isOpen: opens = false }) {
  const [isOpen, setOpen] = useState(opens);
  const chosen = Math.max(0, models.findIndex((one) => one.id === value));
  const [at, setAt] = useState(chosen);
  const id = useId();
  const frame = useRef(null);
  const button = useRef(null);
  const list = useRef(null);
  const typed = useRef({ text: "", atMs: 0 });
  useEffect(() => {
    if (!isOpen) return undefined;
    setAt(chosen);
    list.current.focus();
    const away = (event) => { if (!frame.current.contains(event.target)) setOpen(false); };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [isOpen]);
  useEffect(() => { if (isOpen) list.current.children[at]?.scrollIntoView({ block: "nearest" }); }, [at, isOpen]);
  const close = () => { setOpen(false); button.current.focus(); };
  const pick = (index) => { close(); if (models[index]) onPick(models[index].id); };
  const find = (key) => {
    const now = performance.now();
    typed.current = { text: (now - typed.current.atMs < TYPED_MS ? typed.current.text : "") + key.toLowerCase(), atMs: now };
    const found = models.findIndex((one) => one.name.toLowerCase().startsWith(typed.current.text));
    if (found >= 0) setAt(found);
  };
  const onKey = (event) => {
    if (event.key === "Escape") { event.stopPropagation(); event.preventDefault(); close(); }
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(at); }
    else if (event.key === "Tab") setOpen(false);
    else if (/^(Arrow(Up|Down)|Home|End|Page(Up|Down))$/.test(event.key)) { event.preventDefault(); setAt(moved(event.key, at, models.length)); }
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) find(event.key);
  };
  const model = models[chosen];
  if (!model) return null;
  const state = stateOf(model.state);
  return html`<div class=${`x-picker ${opensUp ? "x-picker-up" : ""}`} ref=${frame}>
    <button type="button" ref=${button} class="quiet x-picker-button" aria-haspopup="listbox" aria-expanded=${isOpen} aria-controls=${isOpen ? id : undefined}
        aria-label=${`Model: ${model.name}${model.id === "auto" ? "" : `, ${state.word}`}`} onClick=${() => setOpen(!isOpen)}
        onKeyDown=${(event) => { if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); setOpen(true); } }}>
      ${model.id !== "auto" && html`<${Shape} of=${state.shape} />`}<span>${model.name}</span><${Sign} of="down" /></button>
    ${isOpen && html`<ul id=${id} ref=${list} role="listbox" tabindex="0" aria-label="Model" aria-activedescendant=${`${id}-${at}`} onKeyDown=${onKey}>
      ${models.map((one, index) => {
        const is = stateOf(one.state);
        return html`<li key=${one.id} id=${`${id}-${index}`} role="option" aria-selected=${one.id === value} class=${index === at ? "is-at" : ""} onPointerMove=${() => setAt(index)} onClick=${() => pick(index)}>
          <span class="x-picker-check">${one.id === value && html`<${Sign} of="check" />`}</span>
          <span class="x-picker-name">${one.name}<small>${hintOf(one)}</small></span>
          ${one.id !== "auto" && html`<span class="x-picker-state"><${Shape} of=${is.shape} />${is.word}</span>`}</li>`;
      })}</ul>`}
  </div>`;
}
