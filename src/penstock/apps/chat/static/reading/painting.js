/* Blocks to DOM. What is settled is never touched again; what is open is brought up to date.

   The DOM stands as the blocks do: a kid's element is at the place of the kid. An element that was
   made for a glimpsed block is taken over by the block that stands there next, if it is of the same
   make (`shapeOf`), so that what one selects or what a screen reader stands on stays. */
import { codeFigure, paintCode } from "./code.js";
import { inline } from "./inline.js";
import { setTex } from "./maths.js";
import { patch } from "./spans.js";

const CELLS_MAX = 64;

export class Painting {
  /** @param {Element} element */
  constructor(element) {
    this.element = element;
    this.views = new WeakMap(); // element -> view
  }

  /** @param {import("./blocks.js").Blocks} blocks */
  paint(blocks, { isEnded, isWhole }) {
    this.leaf = isEnded ? null : blocks.leaf;
    this.isWhole = isWhole;
    blocks.root.view ??= { dom: this.element, body: this.element, done: 0 };
    this.kids(blocks.root);
  }

  kids(box) {
    const { view } = box;
    for (let index = view.done; index < box.kids.length; index++) {
      const kid = box.kids[index];
      this.take(view.body, index, kid);
      paintOne(this, kid);
    }
    const isReread = box.kind === "root" && !this.isWhole; // what is below comes again
    while (!isReread && view.body.childNodes.length > box.kids.length) view.body.lastChild.remove();
    view.done = Math.min(box.settled, box.kids.length);
  }

  /* See that the kid has its element, and that it stands at its place. */
  take(body, index, kid) {
    const there = body.childNodes[index];
    if (kid.view && kid.view.dom === there) return;
    const shape = shapeOf(kid);
    const found = there && this.views.get(there);
    if (!kid.view && found?.shape === shape) {
      kid.view = found;
      found.done = 0;
      if (found.code) found.code.count = 0;
      return;
    }
    kid.view ??= { ...made(kid), shape, done: 0 };
    this.views.set(kid.view.dom, kid.view);
    if (there) there.replaceWith(kid.view.dom);
    else body.append(kid.view.dom);
  }
}

function shapeOf(block) {
  if (block.kind === "list") return block.isOrdered ? "ol" : "ul";
  if (block.kind === "head") return `h${block.level}`;
  if (block.kind === "item") return block.task ? "task" : "item";
  if (block.kind === "table") return `table ${block.aligns.length}`;
  return block.kind;
}

const MADE = {
  quote: () => simple("blockquote"),
  list: (block) => simple(block.isOrdered ? "ol" : "ul"),
  item: (block) => (block.task ? task() : simple("li")),
  para: () => simple("p"),
  head: (block) => simple(`h${Math.min(6, block.level + 2)}`), // the page has its own h1 and h2
  rule: () => simple("hr"),
  fence: () => {
    const view = codeFigure();
    return { dom: view.figure, body: view.code, code: view };
  },
  tex: () => simple("div"),
  table: () => table(),
};

const made = (block) => MADE[block.kind](block);

function simple(tag) {
  const dom = document.createElement(tag);
  return { dom, body: dom };
}

function task() {
  const dom = document.createElement("li");
  dom.className = "task";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.disabled = true;
  const body = document.createElement("div");
  dom.append(box, body);
  return { dom, body, box };
}

/* A frame that scrolls by itself, so that the page does not. */
function table() {
  const dom = document.createElement("div");
  dom.className = "grid";
  dom.tabIndex = 0;
  dom.setAttribute("role", "group");
  dom.setAttribute("aria-label", "Table");
  const frame = document.createElement("table");
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  frame.append(head, body);
  dom.append(frame);
  return { dom, body, head, rows: [] };
}

function paintOne(painting, block) {
  const { view } = block;
  const isOpen = block === painting.leaf;
  switch (block.kind) {
    case "quote": return painting.kids(block);
    case "list": return paintList(painting, block);
    case "item": return paintItem(painting, block);
    case "para": case "head": return paintWords(view, block, isOpen);
    case "fence": return paintCode(view.code, block, isOpen);
    case "tex": return paintTex(view, block);
    case "table": return paintTable(view, block, isOpen);
    default: return undefined;
  }
}

function paintList(painting, block) {
  const { dom } = block.view;
  dom.classList.toggle("is-loose", block.isLoose);
  if (block.isOrdered && dom.start !== block.start) dom.setAttribute("start", String(block.start));
  painting.kids(block);
}

function paintItem(painting, block) {
  if (block.task) {
    block.view.box.toggleAttribute("checked", block.task === "x");
    block.view.box.setAttribute("aria-label", block.task === "x" ? "Done" : "To do");
  }
  painting.kids(block);
}

function paintWords(view, block, isOpen) {
  if (view.text === block.text && view.isOpen === isOpen) return;
  if (block.isOn !== undefined) view.dom.classList.toggle("is-on", block.isOn);
  view.text = block.text;
  view.isOpen = isOpen;
  view.words = patch(view.dom, inline(block.text, isOpen), view.words);
}

/* Source while it comes and where it never ends; a formula when it is closed. */
function paintTex(view, block) {
  const source = block.isClosed ? block.open + block.text + block.close : block.open + block.text;
  if (view.source === source && view.isClosed === block.isClosed) return;
  view.source = source;
  view.isClosed = block.isClosed;
  view.dom.className = "tex tex-block";
  view.dom.setAttribute("data-tex", source);
  view.dom.textContent = source;
  if (block.isClosed) setTex(view.dom, block.text, true);
}

function paintTable(view, block, isOpen) {
  for (let index = view.done; index < block.kids.length; index++) {
    const row = (view.rows[index] ??= tableRow(view, index));
    const isLast = isOpen && index === block.kids.length - 1;
    paintRow(row, block, block.kids[index].cells, index === 0 ? "th" : "td", isLast);
  }
  for (const row of view.rows.splice(block.kids.length)) row.dom.remove();
  view.done = Math.min(block.settled, block.kids.length);
}

function tableRow(view, index) {
  const dom = document.createElement("tr");
  (index === 0 ? view.head : view.body).append(dom);
  return { dom, cells: [] };
}

function paintRow(row, block, texts, tag, isOpen) {
  const columns = Math.min(CELLS_MAX, block.aligns.length);
  for (let column = 0; column < columns; column++) {
    const cell = (row.cells[column] ??= { dom: row.dom.appendChild(document.createElement(tag)) });
    if (tag === "th") cell.dom.setAttribute("scope", "col");
    if (block.aligns[column]) cell.dom.className = block.aligns[column];
    else cell.dom.removeAttribute("class");
    const isLast = isOpen && column === Math.min(columns, texts.length) - 1;
    paintWords(cell, { text: texts[column] ?? "" }, isLast);
  }
}
