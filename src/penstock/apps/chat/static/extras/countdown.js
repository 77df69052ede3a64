// How the estimate of the waiting room is shown. Pure: time is handed in.
//
// With few before one, chance decides: then it is told between which times the wait ends, eight times
// in ten. It counts down by itself between what the server says. What the server says replaces it,
// but where that is the same but for noise, the one that is being shown goes on: a figure that goes
// up and down by a little tells people nothing. When it runs out and nothing has come, that is said.
//
//   taken(shown, place, nowS)  what is shown from now on
//   leftS(shown, nowS)         seconds left; null: it cannot be said
//   rangeS(shown, nowS)        between which of them it ends
//   isLate(shown, nowS)        it has run out for a while
//   said(place, shown, before, nowS)  a sentence for screen readers when it is worth one; else ""

import { between, ordinal } from "./words.js";

const NOISE_RATIO = 0.15;
const NOISE_S = 3;
const LATE_S = 5;
const ASKING_S = 8; // an answer that has not begun by then is late, whatever the reason
const ASKING = "Your question is being asked.";
const STILL = "No model has begun to answer yet. We go on asking; you need do nothing.";
const SAY_S = 20; // between two announcements, unless something turned

/** @typedef {{etaS: number, atS: number, leastS?: number, mostS?: number}} Shown  an estimate, and when it was said */

/** @returns {Shown} */
export function taken(shown, place, nowS) {
  const etaS = place.eta_s;
  const left = shown ? leftS(shown, nowS) : null;
  const isNoise = left !== null && left > 0 && etaS >= 0 && Math.abs(etaS - left) <= Math.max(NOISE_S, left * NOISE_RATIO);
  return isNoise ? shown : { etaS, atS: nowS, leastS: place.least_s ?? etaS, mostS: place.most_s ?? etaS };
}

export function leftS(shown, nowS) {
  return shown.etaS < 0 ? null : Math.max(0, shown.etaS - (nowS - shown.atS));
}

/** @returns {[number, number] | null} */
export function rangeS(shown, nowS) {
  const left = leftS(shown, nowS);
  if (left === null) return null;
  const passed = nowS - shown.atS;
  const [least, most] = shown.mostS >= 0 ? [shown.leastS - passed, shown.mostS - passed] : [left, left];
  return [Math.max(0, least), Math.max(left, most)];
}

export function isLate(shown, nowS) {
  return shown.etaS >= 0 && nowS - shown.atS > Math.max(shown.etaS, shown.mostS ?? 0) + LATE_S;
}

/** Where somebody is, in one sentence. */
export function sentence(place, range, late, askedForS = 0) {
  if (place.position <= 0) return askedForS < ASKING_S ? ASKING : STILL;
  const where = place.position === 1 ? "You are next" : `You are ${ordinal(place.position)} in line`;
  if (late) return `${where}. It takes longer than we thought.`;
  if (range === null) return `${where}. We cannot say yet how long it takes.`;
  return range[1] <= 0 ? `${where}: any moment now.` : `${where}, ${between(...range)}.`;
}

/**
 * What a screen reader is told, and when: at first, at half of the line, at the turn, and where the
 * reason changes; never more often than every 20 s but for a turn.
 * @param {{position: number, reason: string, atS: number} | null} before  what was told last
 */
export function said(place, shown, before, nowS) {
  const text = sentence(place, rangeS(shown, nowS), isLate(shown, nowS));
  if (before === null) return text;
  const isTurn = before.reason !== place.reason || (place.position <= 1 && before.position > 1) || (place.position <= 0 && before.position > 0);
  const isMuch = place.position <= before.position / 2 && nowS - before.atS >= SAY_S;
  return isTurn || isMuch ? text : "";
}
