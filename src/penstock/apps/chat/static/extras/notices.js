// Banners above the composer: what is not as it should be, one sentence each, the gravest first.
//
// They come from the server (Notices); what only the browser knows stands among them: that it is
// offline, that the process does not answer, what waits to be sent. More than two fold into one
// line. An info may be put away until it changes; what is degraded or bad stays while it is true.
// Screen readers hear a banner when it comes, politely.

import { html, useState } from "../ui.js";
import { Shape, Sign } from "./shapes.js";
import { count } from "./words.js";

const SHOWN_MAX = 2; // of a phone's height; the others are one press away
const SHAPES = { info: "unknown", degraded: "degraded", bad: "bad" };
const CUT_OFF = new Set(["own-offline", "own-away"]); // what the others say may be old then
const RANK = { bad: 0, degraded: 1, info: 2 };

/** What the browser itself knows, as notices. */
export function ownNotices({ connection = "live", unsent = 0, isOnline = true } = {}) {
  const kept = unsent ? ` ${count(unsent, "message")} will be sent when the chat is back.` : "";
  if (!isOnline) return [{ id: "own-offline", level: "degraded", text: `You are offline. What you write is kept.${kept}` }];
  if (connection === "offline") return [{ id: "own-away", level: "degraded", text: `The chat does not answer. That is our fault, not yours; we try again by ourselves.${kept}` }];
  if (unsent) return [{ id: "own-unsent", level: "info", text: `${count(unsent, "message")} ${unsent === 1 ? "is" : "are"} being sent.` }];
  return [];
}

/** All that is to be shown: what keeps this browser from the chat, then the gravest first; what came
    first stays first among equals. */
export function ordered(notices) {
  const rank = ({ id, level }) => (CUT_OFF.has(id) ? -1 : (RANK[level] ?? 2));
  return [...notices].sort((a, b) => rank(a) - rank(b));
}

/** One sentence ends like one, whoever wrote it. */
const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

function Banner({ notice, onAway, onReport }) {
  const level = notice.level in SHAPES ? notice.level : "info";
  return html`<li class=${`x-banner x-banner-${level}`}>
    <${Shape} of=${SHAPES[level]} />
    <p>${sentence(notice.text)}${notice.href && html` <a href=${notice.href} target="_blank" rel="noopener">What is known</a>`}</p>
    ${notice.component && onReport && level !== "info" && html`<button type="button" class="tiny quiet" onClick=${() => onReport(notice.component)}>It fails for me</button>`}
    ${level === "info" && html`<button type="button" class="quiet x-icon tiny" aria-label="Put this away" onClick=${onAway}><${Sign} of="close" /></button>`}
  </li>`;
}

/** @param {{notices: {id: string, level: string, text: string, href?: string, component?: string}[], onReport?: (component: string) => void}} props */
export function Notices({ notices, onReport }) {
  const [away, setAway] = useState(() => new Set());
  const [isOpen, setOpen] = useState(false);
  const all = ordered(notices).filter((one) => !away.has(one.id + one.text));
  const shown = isOpen ? all : all.slice(0, SHOWN_MAX);
  const more = all.length - shown.length;
  return html`<div class="x-notices" role="status" aria-label="Notices">
    ${shown.length > 0 && html`<ul>${shown.map((one) => html`<${Banner} key=${one.id} notice=${one} onReport=${onReport} onAway=${() => setAway(new Set(away).add(one.id + one.text))} />`)}</ul>`}
    ${(more > 0 || isOpen) && all.length > SHOWN_MAX && html`<button type="button" class="tiny quiet" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? "Show fewer" : `${count(more, "more notice")}`}</button>`}
  </div>`;
}
