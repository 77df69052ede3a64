/* Nodes of inline.js to DOM: what is the same stays, a text that grew is appended to.

   Everything is made with createElement and text nodes; an attribute is one of those below.
   A link's words may not lie: `behind` (links.js) puts the true host beside them. */
import { behind, plain } from "./links.js";
import { texSpan } from "./maths.js";



/** Make `element` say `nodes`; `old` is what it says now. @returns {any[]} what it says then */
export function patch(element, nodes, old = []) {
  const said = nodes.map((node, index) => one(element, node, old[index], index));
  while (element.childNodes.length > nodes.length) element.lastChild.remove();
  return said;
}

function one(element, node, was, index) {
  const dom = element.childNodes[index];
  if (was !== undefined && isLike(node, was)) {
    if (typeof node === "string") return grown(dom, node, was);
    return node.href || !node.kids ? was : { ...node, kids: patch(dom, node.kids, was.kids) };
  }
  const made = make(node);
  if (dom) dom.replaceWith(made.dom);
  else element.append(made.dom);
  return made.node;
}

function isLike(node, was) {
  if (typeof node === "string" || typeof was === "string") return typeof node === typeof was;
  if (node.href) return node.href === was.href && keyOf(node) === was.key;
  return node.tag === was.tag && node.text === was.text && node.source === was.source;
}

function grown(dom, node, was) {
  if (node === was) return node;
  if (node.startsWith(was)) dom.appendData(node.slice(was.length));
  else dom.data = node;
  return node;
}

const keyOf = (node) => JSON.stringify([node.tag, node.kids]);

function clear(node) {
  if (typeof node === "string") return plain(node);
  return node.kids ? { ...node, kids: node.kids.map(clear) } : node;
}

/** @returns {string} what nodes say, without their marks */
export function wordsOf(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    return node.kids ? wordsOf(node.kids) : node.text ?? "";
  }).join("");
}

function make(node) {
  if (typeof node === "string") return { dom: document.createTextNode(node), node };
  if (node.tag === "tex") return { dom: texSpan(node), node };
  if (node.href) return link(node);
  const dom = document.createElement(node.tag);
  if (node.text !== undefined) dom.textContent = node.text;
  return { dom, node: { ...node, kids: node.kids && patch(dom, node.kids) } };
}

/* <span class="link"><a>words</a> (host)</span>: the span is always there, so that places count. */
function link(node) {
  const dom = document.createElement("span");
  const anchor = document.createElement("a");
  const claim = wordsOf(node.kids);
  dom.className = node.tag;
  anchor.setAttribute("href", node.href);
  anchor.setAttribute("rel", "noopener noreferrer nofollow");
  anchor.setAttribute("target", "_blank");
  anchor.setAttribute("title", node.href);
  dom.append(anchor);
  const kids = plain(claim).trim() ? node.kids.map(clear) : [node.href];
  patch(anchor, node.tag === "image" ? ["Image: ", ...kids] : kids);
  const host = behind(claim, node.href);
  if (host) {
    const beside = document.createElement("span");
    beside.className = "host";
    beside.textContent = ` (${host})`;
    dom.append(beside);
  }
  return { dom, node: { ...node, key: keyOf(node) } };
}
