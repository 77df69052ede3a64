// State is shape, word and colour: the same six shapes as on all our pages (web/shapes.py), and the
// few signs that buttons carry. Drawn, not typed: fonts differ. Each stands beside words.

import { html } from "../ui.js";

const PATHS = {
  good: html`<circle cx="8" cy="8" r="6.5" stroke="none" />`,
  degraded: html`<circle cx="8" cy="8" r="6" fill="none" stroke-width="2" /><path d="M8 2a6 6 0 0 0 0 12z" stroke="none" />`,
  partial: html`<path d="M8 1.5 15 14H1z" stroke="none" />`,
  bad: html`<path d="M2 2h12v12H2z" stroke="none" />`,
  work: html`<path d="M8 1.8 14.2 8 8 14.2 1.8 8z" fill="none" stroke-width="2" />`,
  unknown: html`<circle cx="8" cy="8" r="6" fill="none" stroke-width="2" />`,
};

const SIGNS = {
  close: "M4 4l8 8M12 4l-8 8",
  retry: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  clip: "M12.5 7.5 7.8 12a2.8 2.8 0 0 1-4-4l5.4-5.2a1.9 1.9 0 0 1 2.7 2.7L6.7 10.5a.9.9 0 0 1-1.3-1.3l4.3-4.2",
  down: "M4 6l4 4 4-4",
  check: "M3 8.5l3.5 3.5 6.5-7.5",
  page: "M4 1.5h5l3 3v10H4zM9 1.5v3h3",
  image: "M2 3h12v10H2zM2 11l3.5-3.5 3 3 2-2L14 12M10.5 6h.01",
  swap: "M2 5.5h10M9.5 3 12 5.5 9.5 8M14 10.5H4M6.5 8 4 10.5 6.5 13",
  clock: "M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  find: "M11 7A4 4 0 1 1 3 7a4 4 0 0 1 8 0zM10 10l3.5 3.5",
  cut: "M2 8h4M10 8h4M8 3v10",
};

/** The shape of a state: good, degraded, partial, bad, work, unknown. */
export function Shape({ of }) {
  return html`<svg class=${`x-shape state-${of in PATHS ? of : "unknown"}`} viewBox="0 0 16 16" aria-hidden="true">${PATHS[of] ?? PATHS.unknown}</svg>`;
}

/** A sign that stands beside words, or in a button with a label. */
export function Sign({ of }) {
  return html`<svg class="x-sign" viewBox="0 0 16 16" aria-hidden="true"><path d=${SIGNS[of]} /></svg>`;
}
