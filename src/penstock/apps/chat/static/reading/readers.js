/* All answers of a page: what the page's parts need of this folder, in one function.

   readers(region) -> (element) => {set, append, end, close}, one for each answer (see reader.js)
     region    an element with aria-live=polite, or null: what runs is announced there
   A text that is set and ended at once, as all of an opened conversation, is read when it comes near
   (window.js); the newest of a turn, NOW_UNITS of them, are read at once. What is appended to is read as it comes.
   Formulas are copied as TeX. */
import { announcer } from "./announcer.js";
import { reader } from "./reader.js";
import { near } from "./window.js";

const NOW_UNITS = 12_000; // read at once in a turn, from the newest up: more than a screen

/** @param {Element | null} region */
export function readers(region) {
  const page = { region, windows: new WeakMap(), opened: [] };
  // Fetched meanwhile: until then, and where it cannot be fetched, formulas are copied as they look.
  import("./copying.js").then(({ copies }) => copies(document), () => {});
  return (element) => new Answer(page, element);
}

class Answer {
  constructor(page, element) {
    Object.assign(this, { page, element, text: "", isEnded: false, reading: null, forget: null });
    this.voice = null;
  }

  set(text) {
    this.text = text;
    if (this.reading) this.reading.set(text);
    else later(this.page, this);
  }

  append(at, text) {
    this.begin();
    if (this.page.region) this.voice ??= announcer(this.page.region);
    this.isEnded = false;
    return this.reading.append(at, text);
  }

  end() {
    if (this.isEnded) return;
    this.isEnded = true;
    this.reading?.end();
    this.voice?.end();
  }

  close() {
    this.isClosed = true;
    this.forget?.();
    this.reading?.close();
    this.voice?.stop();
  }

  /* Read it now. */
  begin() {
    this.forget?.();
    this.forget = null;
    if (this.reading || this.isClosed) return;
    const onPaint = () => this.voice?.follow(this.element);
    this.element.style.minHeight = "";
    this.reading = reader(this.element, { onPaint });
    this.reading.set(this.text);
    if (this.isEnded) this.reading.end();
    this.reading.now();
  }

  watch() {
    const { windows } = this.page;
    const scroller = scrollerOf(this.element);
    if (!windows.has(scroller)) windows.set(scroller, near(scroller));
    const units = this.text.length;
    this.forget = windows.get(scroller).watch(this.element, () => this.begin(), { units });
  }
}

/* When all answers of this turn are there, the newest are read at once and the others watched. */
function later(page, answer) {
  page.opened.push(answer);
  if (page.opened.length > 1) return;
  queueMicrotask(() => {
    let units = 0;
    for (const one of page.opened.splice(0).reverse()) {
      if (one.reading || one.isClosed) continue;
      units += one.text.length;
      if (units - one.text.length < NOW_UNITS || !one.isEnded) one.begin();
      else one.watch();
    }
  });
}

function scrollerOf(element) {
  for (let box = element.parentElement; box; box = box.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(box).overflowY) && box !== document.body) return box;
  }
  return document;
}
