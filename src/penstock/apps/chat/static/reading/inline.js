/* Words of one paragraph, heading or cell: text to nodes. Pure.

   A node is a string, or {tag, kids, ...}: strong, em, del, link {href}, image {href}, code {text},
   tex {text, isBlock}, br. The dialect is CommonMark's and GitHub's, with these differences:
   - no raw HTML: it is text, but for <br>, which tables need
   - no references ([a][b]) and no footnotes: what comes later must not change what is painted
   - a link that leads nowhere allowed stays text, so that nothing is hidden
   - an image is a link to it; a single ~ is a tilde
   - maths stands in \( \), \[ \], $$ $$, and $ $ as pandoc has it (no space inside, no digit behind)
   - next to Han, Kana and Hangul, emphasis needs no space
   While words are still coming (isOpen) what is not closed yet counts as closed at the end, and
   marks that may be half there are left out; what is final never depends on it.

   Costs: the callers give at most 4,096 units (blocks.js); nesting is at most FRAMES_MAX deep. */
import { ADDRESS_MAX, address } from "./links.js";

const FRAMES_MAX = 24;
const TEX_MAX = 2000; // units; a longer formula is a mistake
const ESCAPED = /[!-/:-@[-`{-~]/;
const SPECIAL = /[\\`*_~[\]!<&$hHwW\n]/g;
const DIGIT = /[0-9]/;
const SPACE = /\s/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const BARE = /(?:https?:\/\/|www\.)[^\s<>`|"\u3000-\u303f\uff00-\uffef\p{Cf}]{1,2048}/iuy;
const ANGLE = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2048})>/iy;
const MAIL = /<([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6})>/y;
const BREAK = /<br {0,4}\/?>/iy;
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));/y;
const HALF = /(?:\*{1,3}|_{1,3}|~{1,2}|`+|!?\[|\\|\$\$?)$/;
const NAMED = new Map(Object.entries({
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®",
  trade: "™", hellip: "…", mdash: "—", ndash: "–", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”",
  times: "×", divide: "÷", deg: "°", plusmn: "±", larr: "←", rarr: "→", uarr: "↑", darr: "↓",
  rArr: "⇒", le: "≤", ge: "≥", ne: "≠", infin: "∞", middot: "·", bull: "•", sect: "§", para: "¶",
  euro: "€", pound: "£", yen: "¥", cent: "¢", micro: "µ", frac12: "½", sup2: "²", sup3: "³",
}));

/** @param {string} source @param {boolean} isOpen */
export function inline(source, isOpen = false) {
  const text = isOpen ? withoutHalf(source) : source.trimEnd();
  const atoms = atomsOf(text, isOpen);
  return new Words(text, atoms, bracketsOf(text, atoms), isOpen).read(0, text.length, false);
}

function withoutHalf(source) {
  const cut = source.slice(-8).replace(HALF, "");
  const text = source.slice(0, -8) + cut;
  return (text.trim() ? text : source).trimEnd();
}

/* What is looked at by nobody else: code, formulas, escapes. Place -> {end, node}. */
function atomsOf(text, isOpen) {
  const atoms = new Map();
  const missing = new Set(); // closers that do not come any more
  for (let at = 0; at < text.length; at++) {
    const atom = text[at] === "`" ? codeAt(text, at, missing, isOpen)
      : text[at] === "\\" || text[at] === "$" ? texAt(text, at, missing) ?? escapeAt(text, at) : null;
    if (atom) {
      atoms.set(at, atom);
      at = atom.end - 1;
    }
  }
  return atoms;
}

function codeAt(text, at, missing, isOpen) {
  let from = at;
  while (text[from] === "`") from++;
  const marks = text.slice(at, from);
  let close = missing.has(marks) ? -1 : text.indexOf(marks, from);
  while (close !== -1 && (text[close + marks.length] === "`" || text[close - 1] === "`")) {
    let over = close;
    while (text[over] === "`") over++;
    close = text.indexOf(marks, over);
  }
  if (close === -1) {
    missing.add(marks);
    if (!isOpen) return { end: from, node: marks };
    close = text.length;
  }
  const inner = text.slice(from, close).replaceAll("\n", " ");
  const isPadded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim();
  const node = { tag: "code", text: isPadded ? inner.slice(1, -1) : inner };
  return { end: Math.min(text.length, close + marks.length), node };
}

const PAIRS = [["\\(", "\\)", false], ["\\[", "\\]", true], ["$$", "$$", true]];

function texAt(text, at, missing) {
  const pair = PAIRS.find(([open]) => text.startsWith(open, at));
  if (!pair) return dollarAt(text, at, missing);
  const [open, closer, isBlock] = pair;
  if (missing.has(closer)) return null;
  const close = text.indexOf(closer, at + 2);
  if (close === -1) missing.add(closer);
  const inner = text.slice(at + 2, close);
  if (close === -1 || close - at > TEX_MAX || !inner.trim()) return null;
  return { end: close + 2, node: { tag: "tex", text: inner, source: open + inner + closer, isBlock } };
}

function dollarAt(text, at, missing) {
  if (text[at] !== "$" || missing.has("$") || !text[at + 1] || SPACE.test(text[at + 1])) return null;
  if (text[at + 1] === "$") return null;
  const until = Math.min(text.length, at + TEX_MAX);
  for (let close = at + 1; close < until; close++) {
    if (text[close] === "\\") close++;
    else if (text[close] === "$") {
      if (SPACE.test(text[close - 1]) || /\d/.test(text[close + 1] ?? "")) return null;
      const inner = text.slice(at + 1, close);
      return { end: close + 1, node: { tag: "tex", text: inner, source: `$${inner}$`, isBlock: false } };
    }
  }
  if (until === text.length) missing.add("$");
  return null;
}

function escapeAt(text, at) {
  const next = text[at + 1] ?? "";
  if (text[at] !== "\\") return null;
  if (next === "\n") return { end: at + 2, node: { tag: "br", kids: [] } };
  return ESCAPED.test(next) ? { end: at + 2, node: next } : null;
}

/* The place of each [ -> the place of its ]. */
function bracketsOf(text, atoms) {
  const brackets = new Map();
  const open = [];
  for (let at = 0; at < text.length; at++) {
    const atom = atoms.get(at);
    if (atom) at = atom.end - 1;
    else if (text[at] === "[") open.push(at);
    else if (text[at] === "]" && open.length) brackets.set(open.pop(), at);
  }
  return brackets;
}

/* Where "(...)" behind a link's words ends, and what it says; null: there is none. */
function targetAt(text, at) {
  const until = Math.min(text.length, at + ADDRESS_MAX);
  let from = at + 1;
  while (SPACE.test(text[from] ?? "")) from++;
  let to = from;
  if (text[from] === "<") {
    to = text.indexOf(">", from);
    if (to === -1 || to > until) return null;
    return closeAt(text, to + 1, until, text.slice(from + 1, to));
  }
  for (let deep = 0; to < until && !SPACE.test(text[to]); to++) {
    if (text[to] === "\\") to++;
    else if (text[to] === "(") deep++;
    else if (text[to] === ")" && deep-- === 0) break;
  }
  return closeAt(text, to, until, text.slice(from, to));
}

function closeAt(text, at, until, raw) {
  let to = at;
  while (to < until && SPACE.test(text[to])) to++;
  const quote = { '"': '"', "'": "'", "(": ")" }[text[to]];
  if (quote && to > at) {
    const end = text.indexOf(quote, to + 1);
    if (end === -1 || end > until) return null;
    to = end + 1;
    while (to < until && SPACE.test(text[to])) to++;
  }
  if (text[to] !== ")") return null;
  return { end: to + 1, raw: raw.replace(/\\([!-/:-@[-`{-~])/g, "$1").replace(/&[#\w]{2,9};/g, entity) };
}

function entity(raw) {
  ENTITY.lastIndex = 0;
  const found = ENTITY.exec(raw);
  return found ? letter(found) ?? raw : raw;
}

function letter([, decimal, hex, name]) {
  if (name) return NAMED.get(name);
  const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
  const isNone = point === 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
  return isNone ? "\ufffd" : String.fromCodePoint(point);
}

class Words {
  constructor(text, atoms, brackets, isOpen) {
    Object.assign(this, { text, atoms, brackets, isOpen });
  }

  read(from, to, isInLink) {
    const outer = this.frames;
    this.frames = [{ kids: [], mark: "", n: 0 }];
    let at = from;
    while (at < to) at = this.step(at, to, isInLink);
    while (this.frames.length > 1) this.drop();
    const { kids } = this.frames[0];
    this.frames = outer;
    return kids;
  }

  add(node) {
    const { kids } = this.frames.at(-1);
    if (node === "") return;
    if (typeof node === "string" && typeof kids.at(-1) === "string") kids[kids.length - 1] += node;
    else kids.push(node);
  }

  /* One thing; returns where the next begins. */
  step(at, to, isInLink) {
    const atom = this.atoms.get(at);
    if (atom) {
      this.add(atom.node);
      return atom.end;
    }
    const known = this.special(at, to, isInLink);
    if (known) return known;
    SPECIAL.lastIndex = at + 1;
    const next = SPECIAL.exec(this.text);
    const end = Math.min(to, next ? next.index : to);
    this.add(this.text.slice(at, end));
    return end;
  }

  special(at, to, isInLink) {
    const { text } = this;
    switch (text[at]) {
      case "*": case "_": case "~": return this.marks(at, to);
      case "!": return text[at + 1] === "[" ? this.link(at + 1, isInLink, true) : 0;
      case "[": return isInLink ? 0 : this.link(at, false, false);
      case "<": return this.angle(at, isInLink);
      case "&": return this.entity(at);
      case "\n": return this.lineEnd(at);
      case "h": case "H": case "w": case "W": return isInLink ? 0 : this.bare(at, to);
      default: return 0;
    }
  }

  lineEnd(at) {
    const { kids } = this.frames.at(-1);
    const last = kids.at(-1);
    const isHard = typeof last === "string" && last.endsWith("  ");
    if (typeof last === "string") kids[kids.length - 1] = last.trimEnd();
    this.add(isHard ? { tag: "br", kids: [] } : "\n");
    return at + 1;
  }

  entity(at) {
    ENTITY.lastIndex = at;
    const found = ENTITY.exec(this.text);
    const said = found && letter(found);
    if (said === undefined || said === null) return 0;
    this.add(said);
    return at + found[0].length;
  }

  angle(at, isInLink) {
    for (const [pattern, scheme] of [[ANGLE, ""], [MAIL, "mailto:"]]) {
      pattern.lastIndex = at;
      const found = isInLink ? null : pattern.exec(this.text);
      const href = found && address(scheme + found[1]);
      if (href) {
        this.add({ tag: "link", href, kids: [found[1]] });
        return at + found[0].length;
      }
    }
    BREAK.lastIndex = at;
    const found = BREAK.exec(this.text);
    if (!found) return 0;
    this.add({ tag: "br", kids: [] });
    return at + found[0].length;
  }

  bare(at, to) {
    if (at > 0 && /[\p{L}\p{N}_]/u.test(this.text[at - 1])) return 0;
    BARE.lastIndex = at;
    const found = BARE.exec(this.text);
    if (!found) return 0;
    let words = found[0].slice(0, to - at);
    for (let last = ""; last !== words; ) {
      last = words;
      words = words.replace(/[?!.,:;*_~'\]$]$/, "");
      if (words.endsWith(")") && words.split(")").length > words.split("(").length) {
        words = words.slice(0, -1);
      }
    }
    const href = address(/^www/i.test(words) ? `https://${words}` : words);
    if (!href || (this.isOpen && at + words.length >= this.text.length)) return 0;
    this.add({ tag: "link", href, kids: [words] });
    return at + words.length;
  }

  link(at, isInLink, isImage) {
    const close = this.brackets.get(at);
    if (close === undefined || this.text[close + 1] !== "(") return 0;
    const target = targetAt(this.text, close + 1);
    const isHalf = !target && this.isOpen && !this.text.slice(close).includes(" ");
    const href = target && address(target.raw);
    if (!href && !isHalf) return 0;
    const kids = this.read(at + 1, close, true);
    const tag = isImage ? "image" : "link";
    if (isHalf || (isImage && isInLink)) for (const kid of kids) this.add(kid);
    else this.add({ tag, href, kids });
    return isHalf ? this.text.length : target.end;
  }

  /* A run of * _ or ~: closes frames, opens one, or is text. */
  marks(at, to) {
    const { text } = this;
    const mark = text[at];
    let end = at;
    while (end < to && text[end] === mark) end++;
    let n = end - at;
    const { canOpen, canClose } = flanks(text, at, end, mark);
    if (mark === "~" && n !== 2) {
      this.add(text.slice(at, end));
      return end;
    }
    while (canClose && n > 0) {
      const used = this.close(mark, n, canOpen);
      if (!used) break;
      n -= used;
    }
    if (n > 0 && canOpen && this.frames.length < FRAMES_MAX) {
      this.frames.push({ kids: [], mark, n, whole: n, canClose });
    } else if (n > 0) this.add(mark.repeat(n));
    return end;
  }

  close(mark, n, canOpen) {
    let index = this.frames.length - 1;
    while (index > 0 && !fits(this.frames[index], mark, n, canOpen)) index--;
    if (index === 0) return 0;
    while (this.frames.length - 1 > index) this.drop(true);
    const frame = this.frames[index];
    const used = n >= 2 && frame.n >= 2 ? 2 : 1;
    const tag = mark === "~" ? "del" : used === 2 ? "strong" : "em";
    frame.n -= used;
    frame.kids = [{ tag, kids: frame.kids }];
    if (frame.n === 0) {
      this.frames.pop();
      for (const kid of frame.kids) this.add(kid);
    }
    return used;
  }

  /* The innermost frame was not closed: its mark is text, or its end is still to come. */
  drop(isMisnested = false) {
    const { kids, mark, n } = this.frames.pop();
    if (this.isOpen && !isMisnested && kids.length) {
      const tag = mark === "~" ? "del" : n >= 2 ? "strong" : "em";
      this.add({ tag, kids: n >= 3 ? [{ tag: "em", kids }] : kids });
      return;
    }
    this.add(mark.repeat(n));
    for (const kid of kids) this.add(kid);
  }
}

function fits(frame, mark, n, canOpen) {
  if (frame.mark !== mark || frame.kids.length === 0) return false;
  if (mark === "~") return true;
  const isEither = frame.canClose || canOpen; // the rule of three
  return !(isEither && (frame.whole + n) % 3 === 0 && !(frame.whole % 3 === 0 && n % 3 === 0));
}

function flanks(text, at, end, mark) {
  const before = at === 0 ? " " : text[at - 1];
  const after = end >= text.length ? " " : text[end];
  const isLoose = (one) => SPACE.test(one) || PUNCTUATION.test(one) || WIDE.test(one);
  const isLeft = !SPACE.test(after) && (!PUNCTUATION.test(after) || isLoose(before));
  const isRight = !SPACE.test(before) && (!PUNCTUATION.test(before) || isLoose(after));
  if (DIGIT.test(before) && DIGIT.test(after)) return { canOpen: false, canClose: false }; // 2*3*4
  if (mark !== "_") return { canOpen: isLeft, canClose: isRight };
  return {
    canOpen: isLeft && (!isRight || PUNCTUATION.test(before)),
    canClose: isRight && (!isLeft || PUNCTUATION.test(after)),
  };
}
