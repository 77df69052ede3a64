// The frame of all dialogs: the browser's own <dialog>, which keeps the focus in and gives it back.
//
// Esc, a click beside it and the cross close it; what the first field is gets the focus. Its name is
// its heading. ``onClose`` is told once, whichever way it went.

import { html, useEffect, useId, useRef } from "../ui.js";
import { Sign } from "./shapes.js";

export function Dialog({ title, onClose, children, wide = false, className = "" }) {
  const frame = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = frame.current;
    const before = document.activeElement;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("[data-first]")?.focus();
    return () => {
      if (dialog.open) dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // A press that began inside, as when text is selected, does not close it.
  const began = useRef(false);
  return html`<dialog ref=${frame} class=${`x-dialog ${wide ? "x-dialog-wide" : ""} ${className}`} aria-labelledby=${id}
      onCancel=${(event) => { event.preventDefault(); onClose(); }}
      onPointerDown=${(event) => { began.current = event.target === frame.current; }}
      onClick=${(event) => { if (began.current && event.target === frame.current) onClose(); }}>
    <div class="x-dialog-inner">
      <header><h2 id=${id}>${title}</h2>
        <button type="button" class="quiet x-icon" aria-label="Close" onClick=${onClose}><${Sign} of="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}

/** Asks before what cannot be undone, and names the thing. */
export function Confirm({ title, children, verb, onYes, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="x-words">${children}</div>
    <div class="actions">
      <button type="button" data-first onClick=${onClose}>Keep it</button>
      <button type="button" class="danger" onClick=${onYes}>${verb}</button>
    </div>
  <//>`;
}
