/* Lines to blocks: a tree that only grows at its end. Pure.

   Kinds: root, quote, list > item, para, head, rule, fence (kids: its lines), tex, table > row.
   CommonMark's rules, with these differences, for the sake of texts that models write:
   - indented text is no code, and a line of - or = beneath words makes no heading of them
   - what is indented by two belongs to the item above, whatever the width of its marker
   - code in an item ends with its fence only, not where its lines stand further left
   - no HTML, no definitions: nothing that comes changes what was finished before
   - a paragraph over PARA_MAX goes on as another one (isOn), so that what is open stays small;
     so does what is behind the first LINE_MAX units of a line (reader.js)

   feed     a whole line; what it says is final
   glimpse  the beginning of a line: as feed, until `unglimpse`, which is called before the next feed
   settle   how many kids of each open block cannot change any more (`settled`)
   Blocks hold `view`, which belongs to painting.js. */
import { alignmentsOf, cellsOf, fenceOf, headOf, indentOf, isFenceEnd, isRule, markerOf, texOf,
  untabbed } from "./starts.js";

const PARA_MAX = 4096; // units: so much is read again with each frame
const DEPTH_MAX = 24; // lists and items count one each; deeper markers are text
const TEX_MAX = 8192;
const HALF = /^(?:[-+*]|#{1,6}|[*_]{2,3}|`{1,3}|~{1,3}|\\|\$\$?|\d{1,9}[.)])$/;

export class Blocks {
  constructor() {
    this.root = block("root");
    this.path = [this.root]; // of containers
    this.leaf = null; // what lines go on in
    this.wasBlank = false;
    this.before = null;
  }

  feed(raw) {
    const line = untabbed(raw);
    const { depth, rest } = this.enter(line);
    const isIn = depth === this.path.length;
    if (isIn && this.leaf?.kind === "fence") this.code(rest);
    else if (isIn && this.leaf?.kind === "tex" && this.tex(rest)) return;
    else if (!rest.trim()) this.blank(depth);
    else this.start(depth, rest, isIn);
  }

  /* More of a line whose beginning was fed. */
  more(text) {
    if (this.leaf?.kind === "fence") {
      const last = this.leaf.kids.length - 1;
      if (last >= 0) this.leaf.kids[last] = this.leaf.kids[last].replace(/\n$/, "");
      this.leaf.kids.push(`${text}\n`);
    } else if (this.leaf?.kind === "tex") this.leaf.text += text;
    else this.put(block("para", { text, isOn: true }));
  }

  glimpse(raw, isMore) {
    const { path, leaf, wasBlank } = this;
    const blocks = leaf ? [...path, leaf] : path;
    this.before = { path: [...path], leaf, wasBlank, blocks: blocks.map(kept) };
    if (isMore) this.more(raw);
    else if (raw && !this.isHalf(raw)) this.feed(raw);
    if (this.leaf?.kind === "fence" && !this.leaf.isClosed) {
      const last = this.leaf.kids.length - 1;
      if (raw && last >= 0) this.leaf.kids[last] = this.leaf.kids[last].replace(/\n$/, "");
    }
    this.expectTable(raw);
  }

  /* A marker whose meaning the next letters decide: better not seen than seen and taken back. */
  isHalf(raw) {
    const said = raw.trim();
    if (this.leaf?.kind === "fence") return this.leaf.mark.startsWith(said) && said !== "";
    return HALF.test(said);
  }

  unglimpse() {
    if (!this.before) return;
    const { path, leaf, wasBlank, blocks } = this.before;
    for (const { one, fields, count, last } of blocks) {
      Object.assign(one, fields);
      one.kids.length = count;
      if (count) one.kids[count - 1] = last;
    }
    Object.assign(this, { path, leaf, wasBlank, before: null });
  }

  settle() {
    for (const box of this.path) box.settled = Math.max(0, box.kids.length - 1);
    if (this.leaf) this.leaf.settled = Math.max(0, this.leaf.kids.length - 1);
  }

  /* Into which open containers the line goes, and what is left of it. */
  enter(line) {
    let rest = line;
    let depth = 1;
    for (; depth < this.path.length; depth++) {
      const box = this.path[depth];
      if (box.kind === "list") continue;
      const next = inside(box, rest, this.leaf);
      if (next === null) break;
      rest = next;
    }
    return { depth, rest };
  }

  blank(depth) {
    if (this.leaf?.kind !== "fence" || depth < this.path.length) this.leaf = null;
    if (depth < this.path.length) this.leave(depth);
    this.wasBlank = true;
  }

  leave(depth) {
    this.path.length = depth;
    if (this.path.at(-1).kind === "list") this.path.pop();
    this.leaf = null;
  }

  /* A line that may begin something. */
  start(entered, line, isIn) {
    let depth = entered;
    let rest = line;
    let isNew = false;
    while (this.path.length < DEPTH_MAX || depth < this.path.length) {
      const next = this.container(depth, rest, isIn && !isNew);
      if (next === null) break;
      rest = next;
      depth = this.path.length;
      isNew = true;
    }
    this.words(depth, rest, isIn && !isNew, isNew);
    this.wasBlank = false;
  }

  container(depth, line, isIn) {
    const quote = /^ {0,3}> ?/.exec(line);
    if (quote) {
      if (!isIn || this.path.length !== depth) this.leave(depth);
      this.push(block("quote"));
      return line.slice(quote[0].length);
    }
    const marker = markerOf(line);
    if (!marker || depth >= DEPTH_MAX) return null;
    const list = this.path[depth - 1];
    const isSame = list.kind === "list" && list.mark === marker.kind;
    const isInWords = isIn && this.leaf?.kind === "para" && list.kind !== "list";
    if (isInWords && (!marker.rest.trim() || (marker.isOrdered && marker.start !== 1))) return null;
    return this.item(depth, marker, isSame);
  }

  item(depth, marker, isSame) {
    if (isSame) {
      this.path.length = depth;
      this.leaf = null;
    } else {
      this.leave(depth);
      const { kind, isOrdered, start } = marker;
      this.push(block("list", { mark: kind, isOrdered, start, isLoose: false }));
    }
    const list = this.path.at(-1);
    if (this.wasBlank && list.kids.length) list.isLoose = true;
    this.wasBlank = false;
    const task = /^\[([ xX])\] +/.exec(marker.rest);
    const { accept, content } = marker;
    this.push(block("item", { accept, content, task: task ? task[1].toLowerCase() : "" }));
    return marker.rest.slice(task ? task[0].length : 0);
  }

  push(box) {
    this.leaf = null;
    this.loosen();
    this.path.at(-1).kids.push(box);
    this.path.push(box);
  }

  put(leaf) {
    this.loosen();
    this.path.at(-1).kids.push(leaf);
    this.leaf = leaf;
  }

  loosen() {
    const box = this.path.at(-1);
    if (this.wasBlank && box.kind === "item" && box.kids.length) this.path.at(-2).isLoose = true;
  }

  words(depth, line, isIn, isNew) {
    if (isNew && !line.trim()) return;
    const leaf = leafOf(line);
    if (!leaf && this.leaf?.kind === "para" && !isNew) {
      if (!(isIn && this.table(line))) this.goOn(line);
      return;
    }
    if (!leaf && isIn && this.leaf?.kind === "table" && line.includes("|")) {
      this.leaf.kids.push(block("row", { cells: cellsOf(line) }));
      return;
    }
    if (!isIn && !isNew) this.leave(depth);
    if (this.path.at(-1).kind === "list") this.path.pop();
    this.put(leaf ?? block("para", { text: line.trimStart(), isOn: false }));
    if (leaf && (leaf.kind === "head" || leaf.kind === "rule" || leaf.isClosed)) this.leaf = null;
  }

  goOn(line) {
    const { text } = this.leaf;
    if (text.length + line.length >= PARA_MAX) {
      this.put(block("para", { text: line.trimStart(), isOn: true }));
    } else this.leaf.text = `${text}\n${line.trimStart()}`;
  }

  code(line) {
    const { leaf } = this;
    if (isFenceEnd(line, leaf.mark)) {
      leaf.isClosed = true;
      this.leaf = null;
    } else leaf.kids.push(`${line.slice(Math.min(leaf.indent, indentOf(line)))}\n`);
    this.wasBlank = false;
  }

  /* True if the line belongs to the formula; else the formula was none, and is words. */
  tex(line) {
    const { leaf } = this;
    const at = line.indexOf(leaf.close);
    if (!line.trim() || leaf.text.length + line.length > TEX_MAX || (at !== -1 && line.slice(at + 2).trim())) {
      const para = block("para", { text: leaf.open + leaf.text, isOn: false });
      this.path.at(-1).kids[this.path.at(-1).kids.length - 1] = para;
      this.leaf = para;
      return false;
    }
    leaf.text += `\n${at === -1 ? line : line.slice(0, at)}`;
    if (at !== -1) {
      leaf.isClosed = true;
      this.leaf = null;
    }
    return true;
  }

  /* The last line of the paragraph and this one make a table. */
  table(line) {
    const aligns = alignmentsOf(line);
    if (!aligns) return false;
    const from = this.leaf.text.lastIndexOf("\n") + 1;
    const cells = cellsOf(this.leaf.text.slice(from));
    if (cells.length !== aligns.length) return false;
    this.tableFrom(from, cells, aligns);
    return true;
  }

  tableFrom(from, cells, aligns) {
    const { kids } = this.path.at(-1);
    if (from > 0) this.leaf.text = this.leaf.text.slice(0, from - 1);
    else kids.pop();
    this.leaf = block("table", { aligns, kids: [block("row", { cells })] });
    kids.push(this.leaf);
  }

  /* While its second line is still coming, a row in pipes is shown as the head that it will be. */
  expectTable(raw) {
    if (this.leaf?.kind !== "para" || this.leaf.isOn) return;
    const lines = this.leaf.text.split("\n");
    if (/^[ \t|:-]*$/.test(raw) && raw.includes("|") && lines.length > 1) lines.pop();
    const head = lines.at(-1);
    if (!/^\|.*\S/.test(head)) return;
    const from = lines.slice(0, -1).join("\n").length;
    const cells = cellsOf(head);
    if (cells.length) this.tableFrom(from && from + 1, cells, cells.map(() => ""));
  }
}

function block(kind, fields = {}) {
  return { kind, kids: [], settled: 0, view: null, ...fields };
}

/* A block as it is now; its view stays what it becomes. */
function kept(one) {
  const { view: _view, settled: _settled, kids, ...fields } = one;
  return { one, fields, count: kids.length, last: kids.at(-1) };
}

function inside(box, line, leaf) {
  if (box.kind === "quote") {
    const mark = /^ {0,3}> ?/.exec(line);
    return mark && line.slice(mark[0].length);
  }
  if (!line.trim()) return "";
  const indent = indentOf(line);
  const isRaw = leaf?.kind === "fence" || leaf?.kind === "tex";
  return indent >= box.accept || isRaw ? line.slice(Math.min(indent, box.content)) : null;
}

function leafOf(line) {
  const fence = fenceOf(line);
  if (fence) return block("fence", { ...fence, isClosed: false });
  const head = headOf(line);
  if (head) return block("head", head);
  if (isRule(line)) return block("rule");
  const tex = texOf(line);
  return tex && block("tex", tex);
}
