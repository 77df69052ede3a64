/* Long conversations: read what is near, keep what is far cheap, never work long at once.

   near(scroller) -> {watch(element, fill, {units, isNow}), stop()}
     watch   `element` (the body of a message) gets its content from `fill(element)`, once: when it
             comes within AHEAD of what is seen, or when the page has nothing else to do. Until then
             it holds its height by an estimate from `units` of text. Returns a function that ends it.
             isNow: at once (the last messages, what streams)
   Elements get the class `far` (reading.css): content-visibility: auto. Chosen by measurement
   (bench/chat_scroll.py) over a window that takes messages out of the page: scrolling costs the
   same, and finding in the page, selecting across messages and screen readers keep all of it.
   What is above grows when it is read: what one looks at stays where it is, also where the browser
   has no scroll anchoring. */

const AHEAD = "1200px 0px";
const BUDGET_MS = 8; // of a frame
const IDLE_MS = 4;
const HEIGHT_MIN = 72;
const UNITS_LINE = 72;
const LINE_PX = 26;

/** @param {Element | Document} scroller */
export function near(scroller) {
  return new Near(scroller);
}

class Near {
  constructor(scroller) {
    this.scroller = scroller;
    this.box = scroller === document ? document.scrollingElement : scroller;
    this.waiting = new Map(); // element -> fill
    this.close = new Set(); // of them, those that come near
    this.isPlanned = false;
    this.isAnchored = CSS.supports("overflow-anchor", "auto");
    this.observer = new IntersectionObserver((seen) => this.seen(seen), {
      root: scroller, rootMargin: AHEAD,
    });
    this.whenIdle();
  }

  watch(element, fill, { units = 0, isNow = false } = {}) {
    element.classList.add("far");
    const height = Math.max(HEIGHT_MIN, Math.ceil(units / UNITS_LINE) * LINE_PX);
    element.style.setProperty("--height", `${height}px`);
    if (isNow) fill(element);
    else {
      element.style.minHeight = `${height}px`;
      this.waiting.set(element, fill);
      this.observer.observe(element);
      this.whenIdle();
    }
    return () => this.forget(element);
  }

  forget(element) {
    this.waiting.delete(element);
    this.close.delete(element);
    this.observer.unobserve(element);
  }

  stop() {
    this.observer.disconnect();
    this.waiting.clear();
    this.close.clear();
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.close.add(target);
      else this.close.delete(target);
    }
    this.plan();
  }

  plan() {
    if (this.isPlanned || !this.close.size) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.fill(performance.now() + BUDGET_MS, this.close);
      this.plan();
    });
  }

  fill(until, elements) {
    for (const element of elements) {
      this.one(element);
      if (performance.now() >= until) return;
    }
  }

  one(element) {
    const fill = this.waiting.get(element);
    this.forget(element);
    if (!fill) return;
    const above = !this.isAnchored && this.isAbove(element) ? element.offsetHeight : -1;
    fill(element);
    element.style.minHeight = "";
    if (above >= 0) this.box.scrollTop += element.offsetHeight - above;
  }

  isAbove(element) {
    const top = this.scroller === document ? 0 : this.box.getBoundingClientRect().top;
    return element.getBoundingClientRect().bottom < top;
  }

  /* The rest of the conversation, while nobody does anything: newest first. */
  whenIdle() {
    if (this.isResting || !this.waiting.size) return;
    this.isResting = true;
    const ask = globalThis.requestIdleCallback ?? ((call) => setTimeout(call, 200));
    ask((deadline) => {
      this.isResting = false;
      this.idle(deadline);
    });
  }

  idle(deadline) {
    const left = deadline?.timeRemaining?.() ?? IDLE_MS;
    const until = performance.now() + Math.min(left / 2, IDLE_MS);
    const newest = [...this.waiting.keys()].at(-1);
    if (newest && left > IDLE_MS) this.fill(until, [newest]);
    this.whenIdle();
  }
}
