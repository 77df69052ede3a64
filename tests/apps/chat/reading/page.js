/* What tests reach from outside: the modules, and a counter of whatever should never run. */
import { reader } from "/reading/reader.js";

window.ran = 0;
window.alert = window.confirm = window.prompt = window.evil = () => (window.ran += 1);
window.reader = reader;
window.answer = document.getElementById("answer");

/* All of a text, given in the pieces that `sizes` says in turn; resolves when it is painted. */
window.read = (text, sizes, element = window.answer) =>
  new Promise((done) => {
    const reading = reader(element, { onPaint: (told) => told.isEnded && told.isWhole && done(reading) });
    reading.set("");
    let at = 0;
    let turn = 0;
    const step = () => {
      const size = sizes[turn++ % sizes.length] || text.length;
      reading.append(at, text.slice(at, at + size));
      at += size;
      if (at >= text.length) reading.end();
      else if (turn % 3 === 0) {
        reading.now();
        step();
      } else if (turn % 500 === 0) setTimeout(step);
      else step();
    };
    step();
  });
window.isReady = true;

/* A conversation in a scroller, as bench/chat_scroll.py wants it; resolves when its end is painted. */
window.openThread = async (texts, mode) => {
  const { near } = await import("/reading/window.js");
  const from = performance.now();
  const scroller = document.createElement("div");
  scroller.className = "scroller";
  window.answer.replaceWith(scroller);
  const watching = near(scroller);
  const fill = (text) => (element) => {
    const reading = reader(element);
    reading.set(text);
    reading.end();
    reading.now();
  };
  const elements = texts.map((text, index) => {
    const element = document.createElement("div");
    element.className = "reading";
    scroller.append(element);
    if (mode === "plain") fill(text)(element);
    else watching.watch(element, fill(text), { units: text.length, isNow: index >= texts.length - 4 });
    return element;
  });
  if (mode === "window") taking(scroller, elements, texts, watching, fill);
  scroller.scrollTop = 1e9;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - from;
};

function taking(scroller, elements, texts, watching, fill) {
  const places = new Map(elements.map((element, index) => [element, index]));
  const observer = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting || !target.firstChild) continue;
      const text = texts[places.get(target)];
      const height = target.offsetHeight;
      target.replaceChildren();
      watching.watch(target, fill(text), { units: text.length });
      target.style.minHeight = `${height}px`;
    }
  }, { root: scroller, rootMargin: "2400px 0px" });
  for (const element of elements) observer.observe(element);
}
