// What is written and not sent, by conversation, kept in this browser over reloads.
//
// Bounded: 100 drafts, the oldest goes first; one of more than 100,000 units is kept up to there. One
// person's are never shown to another: they lie by account, and go when somebody logs out. Where
// the browser keeps nothing (private mode, full), drafts live as long as the page.

const PREFIX = "penstock.drafts.";
const COUNT_MAX = 100;
const UNITS_MAX = 100_000; // as the longest message
const TOTAL_UNITS_MAX = 1_000_000; // browsers keep about five million for a site

/** @param {{account: string, storage?: Storage | null, nowMs?: () => number}} parts */
export function drafts({ account, storage = localStorage, nowMs = Date.now }) {
  const key = PREFIX + account;
  let kept = read(storage, key);

  function write() {
    const rows = Object.entries(kept).sort(([, a], [, b]) => b.at - a.at);
    let left = TOTAL_UNITS_MAX;
    kept = Object.fromEntries(rows.slice(0, COUNT_MAX).filter(([, one]) => (left -= one.text.length) >= 0));
    try {
      storage?.setItem(key, JSON.stringify(kept));
    } catch {
      // full, or not allowed: what is in memory goes on
    }
  }

  return {
    /** What was written there; empty if nothing was. */
    text: (conversation) => kept[conversation]?.text ?? "",
    /** All, the newest first: [{conversation, text, at}]. */
    all: () => Object.entries(kept).map(([conversation, one]) => ({ conversation, ...one })).sort((a, b) => b.at - a.at),
    keep(conversation, text) {
      // Another tab may have written since: what it wrote elsewhere is not lost.
      kept = { ...kept, ...read(storage, key) };
      if (text.trim()) kept[conversation] = { text: text.slice(0, UNITS_MAX), at: nowMs() };
      else delete kept[conversation];
      write();
    },
    forget(conversation) { this.keep(conversation, ""); },
  };
}

function read(storage, key) {
  try {
    const found = JSON.parse(storage?.getItem(key) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([, one]) => typeof one?.text === "string" && Number.isFinite(one.at)));
  } catch {
    return {};
  }
}

/** Takes away what anybody has written in this browser: at a log-out. */
export function forgetDrafts(storage = localStorage) {
  for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
}
