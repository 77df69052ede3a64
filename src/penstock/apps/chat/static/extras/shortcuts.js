// The keys, on one page.

import { html } from "../ui.js";
import { Dialog } from "./dialog.js";
import { SHORTCUTS } from "./keys.js";
import { keys } from "./words.js";

export function Keys({ of }) {
  return html`<span class="x-keys">${keys(of).map((one) => html`<kbd>${one}</kbd>`)}</span>`;
}

export function ShortcutsDialog({ sendsWith = "enter", onClose }) {
  return html`<${Dialog} title="Keys" onClose=${onClose}><div class="x-shortcuts">
    ${SHORTCUTS.map((group) => html`<section key=${group.group}><h3>${group.group}</h3><dl>
      ${group.keys.map(([id, shortcut, words]) => html`<div key=${id}><dt>${words}</dt><dd><${Keys} of=${shortcut === "{send}" ? sendsWith : shortcut} /></dd></div>`)}
    </dl></section>`)}
  </div><//>`;
}
