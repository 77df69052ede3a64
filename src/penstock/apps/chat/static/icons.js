/* Icons: one stroke, the colour of the text. Always beside a name, seen or for screen readers. */
import { html } from "./ui.js";

const PATHS = {
  menu: "M2 4h12M2 8h12M2 12h12",
  new: "M8 3v10M3 8h10",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5 14 14",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  pin: "M6 2h4l-.5 5 2 2h-7l2-2ZM8 9v5",
  copy: "M6 6h7v7H6ZM10 6V3H3v7h3",
  check: "M3 8.5 6.5 12 13 4.5",
  edit: "M3 13l.6-2.6L11 3l2 2-7.4 7.4ZM9.5 4.5l2 2",
  again: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  before: "M10 3 5 8l5 5",
  after: "m6 3 5 5-5 5",
  down: "M8 3v10M4 9l4 4 4-4",
  up: "M8 13V3M4 7l4-4 4 4",
  close: "m4 4 8 8M12 4l-8 8",
  stop: "M4.5 4.5h7v7h-7Z",
  go_on: "M3 8h9M9 4.5 12.5 8 9 11.5",
};

export function Icon({ name }) {
  const isHeavy = name === "more";
  return html`<svg class="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor"
    stroke-width=${isHeavy ? 2.4 : 1.5} stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

/** A button that is an icon; its name is read out, and shown on hover. */
export function IconButton({ icon, label, children, ...props }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} ...${props}>
    <${Icon} name=${icon} />${children}
  </button>`;
}
