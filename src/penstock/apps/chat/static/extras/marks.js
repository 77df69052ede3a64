// What a message has to be honest about: who answered in place of whom, where somebody else went
// on, what load has cut.
//
//   Marks      small labels above or below an answer: those of its whole
//   seams(marks)   the marks that have a place inside the text, in order; each place at most once
//   pieces(text, marks)   the text cut at its seams: [{mark, at, text}], mark null for the first
//   Seam       a small rule with a label, drawn where somebody else goes on
//
// A seam lies at a UTF-16 place of the text. Reading draws the text: ``reader.mark(at, element)``
// where it can, else each piece of ``pieces`` by a reader of its own, with a Seam between.

import { html } from "../ui.js";
import { Sign } from "./shapes.js";

const SEAMS = new Set(["continued", "resumed"]);

// As the gateway says it: "claude: overloaded, gpt: timeout". What is said otherwise is words already.
const CODED = /(?:^|, )([^\s:,]+): ([a-z_]+)(?=,|$)/g;
const FAILED = "failed";
const KINDS = { // core/outcome.py
  overloaded: "was overloaded",
  shared_capacity: "was overloaded",
  quota: "was at its limit",
  unreachable: "could not be reached",
  reset: "broke off",
  broken_stream: "broke off",
  timed_out: "took too long",
  stalled: "fell silent",
};

function because(mark) {
  if (!mark.because) return "";
  const told = [...mark.because.matchAll(CODED)];
  const words = told.map(([, who, kind]) => `${who} ${KINDS[kind] ?? FAILED}`).join(" and ");
  return `, because ${words || mark.because.replace(/\.$/, "")}`;
}

/** A mark in words. */
export function wordsOf(mark, names = new Map()) {
  const who = names.get(mark.model) ?? (mark.model || mark.upstream || "another model");
  switch (mark.kind) {
    case "failover": return `Answered by ${who}${because(mark)}`;
    case "continued": return `Continued by ${who}${because(mark)}`;
    case "resumed": return "The chat was restarted here; the answer went on by itself";
    case "shortened": return `Kept short${because(mark) || ", because many people are asking right now"}`;
    case "smaller": return `Answered by the smaller ${who}${because(mark) || ", because many people are asking right now"}`;
    default: return "";
  }
}

const SIGNS = { failover: "swap", continued: "swap", resumed: "retry", shortened: "cut", smaller: "swap" };

/** The marks with a place inside the text, in order. One at its very beginning is of the whole. */
export function seams(marks) {
  const found = new Map();
  for (const mark of marks) if (SEAMS.has(mark.kind) && (mark.at ?? 0) > 0 && !(found.has(mark.at) && mark.kind === "resumed")) found.set(mark.at, mark);
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/** A place that does not split a character that takes two units. */
function between(text, at) {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
}

/** The text cut at its seams. A seam behind what has come is not there yet. */
export function pieces(text, marks) {
  const found = [{ mark: null, at: 0, text }];
  for (const mark of seams(marks)) {
    const last = found[found.length - 1];
    const at = between(text, mark.at);
    if (at > text.length) break;
    last.text = text.slice(last.at, at);
    found.push({ mark, at, text: text.slice(at) });
  }
  return found;
}

/** The labels of a whole answer; nothing where there is nothing to say. */
export function Marks({ marks, names }) {
  const whole = marks.filter((one) => !seams([one]).length && wordsOf(one, names));
  if (!whole.length) return null;
  return html`<ul class="x-marks" aria-label="About this answer">
    ${whole.map((one) => html`<li key=${one.kind} class=${`x-mark x-mark-${one.kind}`}><${Sign} of=${SIGNS[one.kind]} />${wordsOf(one, names)}</li>`)}
  </ul>`;
}

/** Where somebody else goes on: a rule with a label. */
export function Seam({ mark, names }) {
  return html`<div class=${`x-seam x-seam-${mark.kind}`} role="note"><span><${Sign} of=${SIGNS[mark.kind]} />${wordsOf(mark, names)}</span></div>`;
}

/** The same as an element, for who draws without templates. */
export function seamElement(mark, names, document_ = document) {
  const rule = document_.createElement("div");
  rule.className = `x-seam x-seam-${mark.kind}`;
  rule.setAttribute("role", "note");
  const label = document_.createElement("span");
  label.textContent = wordsOf(mark, names);
  rule.append(label);
  return rule;
}
