/* Formulas: the source at once, the formula when KaTeX is there.

   KaTeX (vendored) is fetched with the first formula. It is asked for its tree, which makes DOM
   nodes and sets styles by CSSOM, so that the pages' policy holds; style attributes, which it has
   for few things in MathML, are left out. `trust` is off: no links, images, classes or data.
   A formula that is wrong stays source. Formulas are set a few at a time, SLICE_MS a frame, those
   of what is on the page only; copying.js gives the source back. */

const BASE = new URL("../vendor/katex/", import.meta.url);
const SLICE_MS = 8;
const DEPTH_MAX = 160; // of elements: browsers crash, not fail, where a formula is as deep as it is long
const OPTIONS = {
  throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 400,
  output: "htmlAndMathml",
};

let coming = null; // the promise of KaTeX
const waiting = [];
let isSetting = false;

/** An element that says a formula. @param {{text: string, source: string, isBlock: boolean}} node */
export function texSpan(node) {
  const element = document.createElement("span");
  element.className = node.isBlock ? "tex tex-block" : "tex";
  element.setAttribute("data-tex", node.source);
  element.textContent = node.source;
  setTex(element, node.text, node.isBlock);
  return element;
}

/** Set a formula in `element`, soon. */
export function setTex(element, text, isBlock) {
  waiting.push({ element, text, isBlock });
  void work();
}

async function work() {
  if (isSetting) return;
  isSetting = true;
  coming ??= fetched();
  const katex = await coming;
  while (katex && waiting.length) {
    await new Promise((done) => requestAnimationFrame(done));
    const until = performance.now() + SLICE_MS;
    while (waiting.length && performance.now() < until) set(katex, waiting.shift());
  }
  waiting.length = 0;
  isSetting = false;
}

async function fetched() {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("katex.min.css", BASE).href;
  document.head.append(style);
  try {
    await import(new URL("katex.min.js", BASE).href);
  } catch {
    coming = null; // asked again with the next formula
    return null;
  }
  return globalThis.katex;
}

function set(katex, { element, text, isBlock }) {
  try {
    const tree = katex.__renderToDomTree(text, { ...OPTIONS, displayMode: isBlock, macros: {} });
    withoutStyles(tree, DEPTH_MAX);
    element.replaceChildren(tree.toNode());
    element.classList.add("is-set");
  } catch {
    element.classList.add("is-wrong"); // the source stays
  }
}

function withoutStyles(node, deeper) {
  if (deeper === 0) throw new RangeError("the formula is nested too deeply");
  if (node.attributes) delete node.attributes.style;
  for (const child of node.children ?? []) withoutStyles(child, deeper - 1);
}
