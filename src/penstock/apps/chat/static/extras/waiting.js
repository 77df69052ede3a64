// The waiting room, in place of the answer: where one is, how long it takes, why, and the way out.
//
// The figure counts down by itself (countdown.js) and is replaced when the server says better. A
// screen reader hears it when it is worth a sentence, not each second. Nobody has to stay: the
// answer comes to the conversation wherever its person is. Who is not in a line sees one quiet line,
// which the composer's stop ends; where no word comes for long, it says that.

import { html, useEffect, useRef, useState } from "../ui.js";
import { isLate, rangeS, said, sentence, taken } from "./countdown.js";
import { Sign } from "./shapes.js";

const TICK_MS = 1000;

const REASONS = {
  capacity: "All places at the models are taken right now. Everybody waits in one fair line; nobody can buy a place before you in it.",
  gateway: "We cannot reach our own gateway. That is our fault; your question is kept and asked as soon as it answers.",
  person: "Your other answers go first. This one begins when one of them ends.",
  told: "The model asked us to come back a little later. We do that for you.",
};

const performanceS = () => performance.now() / 1000;

/** How long the line was when one came: the bar fills from there. */
function ratio(first, position) {
  return first > 1 ? Math.min(1, Math.max(0, (first - Math.max(position, 0)) / first)) : 0;
}

/**
 * @param {{place: {message: string, position: number, eta_s: number, least_s: number, most_s: number, reason: string} | null,
 *          onLeave: () => void, isLeaving?: boolean, nowS?: () => number}} props
 *   place is null until the server has said where one is
 */
export function WaitingRoom({ place, onLeave, isLeaving = false, nowS = performanceS }) {
  const [, tick] = useState(0);
  const kept = useRef({ place: null, shown: null, first: 0, told: null, spoken: "", askedAtS: null }).current;
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const now = nowS();
  if (!place || place.position <= 0) {
    kept.askedAtS ??= now;
    const words = place ? sentence(place, null, false, now - kept.askedAtS) : "Your question is on its way.";
    return html`<p class="x-asking" role="status">${words}</p>`;
  }
  kept.askedAtS = null;
  if (kept.place !== place) {
    kept.shown = taken(kept.shown, place, now);
    kept.first = Math.max(kept.first, place.position);
    kept.place = place;
    const words = said(place, kept.shown, kept.told, now);
    if (words) {
      kept.spoken = words;
      kept.told = { position: place.position, reason: place.reason, atS: now };
    }
  }
  const text = sentence(place, rangeS(kept.shown, now), isLate(kept.shown, now));
  return html`<div class="x-waiting" data-reason=${place.reason}>
    <span class="sr" role="status">${kept.spoken}</span>
    <p class="x-waiting-line" aria-hidden="true"><${Sign} of="clock" /><strong>${text}</strong></p>
    ${kept.first > 1 && html`<progress class="x-progress" max="1" value=${ratio(kept.first, place.position)} aria-label="How far the line has come"></progress>`}
    <p class="x-waiting-why">${REASONS[place.reason] ?? REASONS.capacity} You may leave this page; the answer comes here.</p>
    <p class="x-waiting-end"><button type="button" class="tiny" disabled=${isLeaving} onClick=${onLeave}>${isLeaving ? "Leaving…" : "Leave the line"}</button></p>
  </div>`;
}
