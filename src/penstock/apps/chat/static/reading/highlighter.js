/* A worker: code to coloured pieces, with highlight.js (vendored), common languages only.

   in   {language, text}
   out  [[name, units], ...], in order and without gaps; name is "" or one of KNOWN; empty: the
        language is not known. Names only: no markup leaves the worker. */
import hljs from "../vendor/highlight/highlight.min.js";

const KNOWN = new Map(Object.entries({
  keyword: "keyword", built_in: "type", type: "type", class: "type", literal: "value",
  number: "value", string: "string", regexp: "string", char: "string", comment: "comment",
  doctag: "comment", quote: "comment", meta: "meta", title: "title", section: "title",
  name: "keyword", tag: "meta", attr: "attribute", attribute: "attribute", variable: "variable",
  "template-variable": "variable", symbol: "value", bullet: "value", link: "string",
  "selector-tag": "keyword", "selector-id": "title", "selector-class": "title",
  addition: "added", deletion: "removed", property: "attribute", subst: "",
}));

function* pieces(node, name) {
  if (typeof node === "string") {
    if (node) yield [name, node.length];
    return;
  }
  const own = (node.scope ?? "").split(".")[0];
  const inner = KNOWN.has(own) ? KNOWN.get(own) : name;
  for (const child of node.children ?? []) yield* pieces(child, inner);
}

function merged(all) {
  const out = [];
  for (const [name, units] of all) {
    if (out.length && out.at(-1)[0] === name) out.at(-1)[1] += units;
    else out.push([name, units]);
  }
  return out;
}

addEventListener("message", ({ data: { language, text } }) => {
  if (!hljs.getLanguage(language)) {
    postMessage([]);
    return;
  }
  const result = hljs.highlight(text, { language, ignoreIllegals: true });
  postMessage(merged(pieces(result._emitter.rootNode, "")));
});
