// Words and figures for people: durations, sizes, states, keys. Pure; nothing here knows a page.
//
//   about(s)        "about 40 s": coarse, so that it does not twitch while it counts down
//   between(a, b)   "1 to 3 min"; "about 2 min" where that is nearly the same
//   size(bytes)     "3.2 MB"
//   stateOf(state)  the shape and the word of a state as the status page calls it
//   number(n)       1,234

const MINUTE_S = 60;
const HOUR_S = 3600;
const NEAR_RATIO = 1.5; // a range that is no wider is one figure

/** @type {Record<string, {shape: string, word: string}>} */
const STATES = {
  operational: { shape: "good", word: "works" },
  degraded_performance: { shape: "degraded", word: "slow or partly failing" },
  partial_outage: { shape: "partial", word: "fails for many" },
  major_outage: { shape: "bad", word: "fails" },
  under_maintenance: { shape: "work", word: "in maintenance" },
};

/** The shape and the word of a state; a state that we do not know is not made up. */
export function stateOf(state) {
  return STATES[state] ?? { shape: "unknown", word: "state unknown" };
}

/** How long, in words that stay the same for a while. */
export function about(s) {
  if (s <= 0) return "any moment now";
  if (s <= 8) return "a few seconds";
  if (s < MINUTE_S) return `about ${Math.ceil(s / 5) * 5} s`;
  if (s < 100) return `about ${Math.ceil(s / 10) * 10} s`;
  if (s < 100 * MINUTE_S) return `about ${Math.ceil(s / MINUTE_S)} min`;
  return `about ${Math.ceil(s / HOUR_S)} h`;
}

/** A wait that ends between two times, in words; where these are near, as one. */
export function between(least, most) {
  if (most <= 8 || most <= least * NEAR_RATIO) return about((least + most) / 2);
  const [unit, step, word] = most < 100 ? [1, most < MINUTE_S ? 5 : 10, "s"] : most < 100 * MINUTE_S ? [MINUTE_S, 1, "min"] : [HOUR_S, 1, "h"];
  const upTo = Math.ceil(most / unit / step) * step;
  const from = Math.floor(least / unit / step) * step;
  return from > 0 ? `${from} to ${upTo} ${word}` : `up to ${upTo} ${word}`;
}

/** 1,234 */
export function number(n) {
  return new Intl.NumberFormat("en").format(n);
}

/** A size in units of a thousand, as people's file managers show them. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ["kB", "MB", "GB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${units[unit]}`;
}

/** "1 message", "3 messages" */
export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** 12 -> "12th" */
export function ordinal(n) {
  const ends = { one: "st", two: "nd", few: "rd", other: "th" };
  return number(n) + ends[new Intl.PluralRules("en", { type: "ordinal" }).select(n)];
}

/** An e-mail's or model's name of unknown length, for a place that has little room. */
export function short(text, units = 60) {
  return text.length <= units ? text : `${text.slice(0, units - 1).trimEnd()}…`;
}

/** Does this machine call the key of commands ⌘? */
export function isMac(platform = navigator.platform) {
  return /Mac|iPhone|iPad/.test(platform);
}

/** "mod+k" -> ["⌘", "K"] or ["Ctrl", "K"] */
export function keys(shortcut, mac = isMac()) {
  const named = { mod: mac ? "⌘" : "Ctrl", shift: mac ? "⇧" : "Shift", alt: mac ? "⌥" : "Alt", esc: "Esc", enter: "Enter", up: "↑", down: "↓" };
  return shortcut.split("+").map((one) => named[one] ?? one.toUpperCase());
}
