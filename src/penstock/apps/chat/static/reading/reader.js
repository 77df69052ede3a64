/* An answer's text, as it comes, in an element: Markdown to DOM.

   reader(element, {onPaint}) -> {set, append, end, now, close}
     set(text)         this is the text; what comes may go on behind it
     append(at, text)  keep what is before `at` (UTF-16 units), then this; false: something before
                       `at` is missing, and the message is to be asked for
     end()             nothing more comes; `append` after it goes on all the same
     now()             paint at once what a frame may paint (for what is opened, not streamed)
     close()           paint no more: the element is gone
   onPaint({units, isWhole, isEnded}) is called after each painting.

   The element holds nothing else. One painting an animation frame, SLICE_UNITS of new
   text (or SLICE_LINES) in each: what comes faster, or all at once, takes several frames. Lines are final when they end (a line
   over LINE_MAX: in parts), and are never read again; of the last line, and the paragraph that it
   belongs to, each frame paints a glimpse. The DOM in the end depends on the text alone, not on the
   pieces it came in. Nothing in a text can make a script run or a request leave: see spans.js. */
import { Blocks } from "./blocks.js";
import { Painting } from "./painting.js";

const SLICE_UNITS = 8192; // some 15 ms of a slow phone
const SLICE_LINES = 200; // each may be a block
const LINE_MAX = 4096; // units: so much is looked at again with each frame
const CUT_BACK = 256; // a long line is cut at a space, if there is one so near

/**
 * @param {Element} element
 * @param {{onPaint?: (told: {units: number, isWhole: boolean, isEnded: boolean}) => void}} options
 */
export function reader(element, { onPaint } = {}) {
  return new Reader(element, onPaint);
}

class Reader {
  constructor(element, onPaint) {
    this.element = element;
    this.onPaint = onPaint;
    this.frame = 0;
    element.classList.add("reading"); // reading.css; also where a piece of an answer is read
    this.painting = new Painting(element);
    this.clear();
  }

  clear() {
    this.fed = []; // what is final, in pieces
    this.fedUnits = 0;
    this.tail = ""; // what is not
    this.isMore = false; // the tail goes on with a line whose beginning is final
    this.isEnded = false;
    this.hasEnded = false; // the last line was taken as whole
    this.blocks = new Blocks();
  }

  set(text) {
    this.clear();
    this.tail = text;
    this.plan();
  }

  append(at, text) {
    const units = this.fedUnits + this.tail.length;
    if (at > units) return false;
    this.isEnded = false;
    if (at === units && !this.hasEnded) this.tail += text;
    else if (at >= this.fedUnits && !this.hasEnded) {
      this.tail = this.tail.slice(0, at - this.fedUnits) + text;
    } else this.again(at, text);
    this.plan();
    return true;
  }

  /* Something final is said once more: read anew only if it is said otherwise. */
  again(at, text) {
    const fed = this.fed.join("");
    const next = (fed + this.tail).slice(0, at) + text;
    if (this.hasEnded || !next.startsWith(fed)) {
      this.clear();
      this.tail = next;
    } else this.tail = next.slice(fed.length);
  }

  end() {
    if (this.isEnded) return;
    this.isEnded = true;
    this.plan();
  }

  now() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.work();
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.frame = -1; // nothing is planned any more
  }

  plan() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.work());
  }

  work() {
    this.frame = 0;
    this.blocks.unglimpse();
    const isWhole = this.feed();
    this.blocks.settle();
    if (isWhole && this.isEnded) this.last();
    else this.blocks.glimpse(isWhole ? this.tail : "", this.isMore);
    this.painting.paint(this.blocks, { isEnded: this.hasEnded, isWhole });
    this.onPaint?.({ units: this.fedUnits + this.tail.length, isWhole, isEnded: this.hasEnded });
    if (!isWhole) this.plan();
  }

  /* Give the blocks all lines that are complete, but not more than a slice; true: no more there. */
  feed() {
    let from = 0;
    let lines = 0;
    for (let end = this.lineEnd(from); end !== -1; end = this.lineEnd(from)) {
      const isCut = this.tail[end] !== "\n";
      this.line(this.tail.slice(from, end), isCut);
      from = isCut ? end : end + 1;
      if (from > SLICE_UNITS || ++lines >= SLICE_LINES) break;
    }
    if (from) {
      this.fed.push(this.tail.slice(0, from));
      this.fedUnits += from;
      this.tail = this.tail.slice(from);
    }
    return this.lineEnd(0) === -1;
  }

  line(text, isCut) {
    const said = text.endsWith("\r") && !isCut ? text.slice(0, -1) : text;
    if (this.isMore) this.blocks.more(said);
    else this.blocks.feed(said);
    this.isMore = isCut;
  }

  /* Where the line that begins at `from` ends, or is cut; -1: not to be said yet. */
  lineEnd(from) {
    const part = this.tail.slice(from, from + LINE_MAX + 1);
    const end = part.indexOf("\n");
    if (end !== -1 || part.length <= LINE_MAX) return end === -1 ? -1 : from + end;
    const space = part.lastIndexOf(" ", LINE_MAX - 1);
    if (space > LINE_MAX - CUT_BACK) return from + space;
    const isPair = /[\ud800-\udbff]/.test(part[LINE_MAX - 1]);
    return from + LINE_MAX - (isPair ? 1 : 0);
  }

  last() {
    if (this.tail || this.isMore) this.line(this.tail, false);
    this.fed.push(this.tail);
    this.fedUnits += this.tail.length;
    this.tail = "";
    this.hasEnded = true;
  }
}
