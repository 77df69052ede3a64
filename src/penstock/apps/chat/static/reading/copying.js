/* What one copies from an answer: formulas as the TeX that they were written in.

   copies(root) -> stop. Listens to `copy` in `root`. A selection that holds a formula, or lies in
   one, gives its source instead; anything else is left to the browser. Of buttons and labels of
   code nothing is copied. */

const APART = "button, figcaption, .host";

/** @param {Element | Document} root */
export function copies(root) {
  root.addEventListener("copy", onCopy);
  return () => root.removeEventListener("copy", onCopy);
}

function onCopy(event) {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !event.clipboardData) return;
  const range = whole(selection.getRangeAt(0).cloneRange());
  const said = range.cloneContents();
  if (!said.querySelector("[data-tex]")) return;
  for (const formula of said.querySelectorAll("[data-tex]")) {
    formula.textContent = formula.dataset.tex;
  }
  for (const part of said.querySelectorAll(APART)) part.remove();
  event.clipboardData.setData("text/plain", textOf(said));
  event.preventDefault();
}

/* A range that begins or ends inside a formula takes all of it. */
function whole(range) {
  const around = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest("[data-tex]");
  const first = around(range.startContainer);
  const last = around(range.endContainer);
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  return range;
}

const BLOCK = /^(P|LI|UL|OL|H\d|PRE|DIV|FIGURE|BLOCKQUOTE|TABLE|TR|HR)$/;

function textOf(node) {
  let text = "";
  for (const child of node.childNodes) {
    if (child.nodeType === 3) text += child.data;
    else if (child.tagName === "BR") text += "\n";
    else if (child.nodeType === 1) {
      const inner = textOf(child);
      const isCell = /^T[DH]$/.test(child.tagName);
      if (isCell) text += inner + (child.nextElementSibling ? "\t" : "");
      else text += BLOCK.test(child.tagName) ? `${text && !text.endsWith("\n") ? "\n" : ""}${inner}\n` : inner;
    }
  }
  return text.replace(/\n{3,}/g, "\n\n");
}
