// Draws an answer's text with the seams inside it, by readers that know nothing of seams.
//
//   seamed(make, names)   takes reader(element), gives a reader that also has marks(list): it draws
//                         each piece by a reader of its own, with a rule between
//   drawnAt(text, at)     where a seam is drawn: at its place, but a table's row, a line of a list,
//                         or a block of code or of a formula is not cut in two; then it stands behind
//
// Pieces grow as the text does; only what changes is drawn again.

import { seamElement, seams } from "./marks.js";

const FENCE = /^ {0,3}(`{3,}|~{3,}|\$\$)/;
const WHOLE = /^\s*(\||[-*+] |\d+[.)] |#{1,6} |>)/; // lines that lose their meaning when they are cut

/** @returns {number} a place in UTF-16 units; Infinity while what must not be cut is not over yet */
export function drawnAt(text, at) {
  if (at >= text.length) return at > text.length ? Infinity : at;
  let open = "";
  let begin = 0;
  while (begin <= text.length) {
    const newline = text.indexOf("\n", begin);
    const end = newline < 0 ? text.length : newline + 1;
    const line = text.slice(begin, end);
    const fence = FENCE.exec(line)?.[1] ?? "";
    const wasOpen = open;
    if (fence && !open) open = fence;
    else if (fence && fence[0] === open[0] && fence.length >= open.length) open = "";
    if (at <= begin && !wasOpen && !(line.trimStart().startsWith("|") && text.slice(0, begin).trimEnd().endsWith("|") && !text.slice(0, begin).endsWith("\n\n"))) return Math.max(at, begin);
    if (at < end && !wasOpen && !fence && !WHOLE.test(line)) return at;
    if (newline < 0) return open || wasOpen ? Infinity : text.length;
    begin = end;
  }
  return text.length;
}

/** @param {(element: HTMLElement) => {set(text: string): void, append(at: number, text: string): void, end(): void}} make */
export function seamed(make, names = () => new Map()) {
  return (element, message) => {
    let text = "";
    let marks = seams(message?.marks ?? []);
    let isOver = false;
    let parts = []; // {at, reader, place}

    function begin(at, mark) {
      if (mark) element.append(seamElement(mark, names()));
      const place = element.ownerDocument.createElement("div");
      place.className = "x-piece";
      element.append(place);
      parts.push({ at, mark, reader: make(place, message), place });
    }

    /** Where the text is cut, as it is now. */
    function cuts() {
      const found = [{ at: 0, mark: null }];
      for (const mark of marks) {
        const at = drawnAt(text, mark.at);
        if (at <= text.length && at >= found[found.length - 1].at) found.push({ at, mark });
      }
      return found;
    }

    function draw() {
      const wanted = cuts();
      const isSame = parts.length <= wanted.length && parts.every((part, i) => part.at === wanted[i].at && part.mark?.kind === wanted[i].mark?.kind);
      if (!isSame) {
        for (const part of parts) part.reader.stop?.();
        element.replaceChildren();
        parts = [];
      }
      const known = parts.length;
      for (const { at, mark } of wanted.slice(known)) begin(at, mark);
      parts.forEach((part, i) => {
        if (known && i < known - 1) return; // a piece that is over does not change
        part.reader.set(text.slice(part.at, wanted[i + 1]?.at ?? text.length));
        if (isOver || i < parts.length - 1) part.reader.end();
      });
    }

    return {
      set(whole) { text = whole; draw(); },
      append(at, more) {
        text = text.slice(0, at) + more;
        const last = parts[parts.length - 1];
        if (marks.length >= parts.length || !last || at < last.at) draw();
        else last.reader.append(at - last.at, more);
      },
      marks(list) {
        const next = seams(list);
        if (next.length === marks.length) return;
        marks = next;
        draw();
      },
      end() {
        isOver = true;
        for (const part of parts) part.reader.end();
      },
      close() { for (const part of parts) part.reader.stop?.(); },
    };
  };
}
