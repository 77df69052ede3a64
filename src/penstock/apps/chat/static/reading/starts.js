/* How blocks begin: one line each, to what it says. Pure, and linear in the line. */

const FENCE = /^( *)(`{3,}(?=[^`]*$)|~{3,})(.*)$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const HEAD = /^ {0,3}(#{1,6})(?:[ \t](.*))?$/;
const MARKER = /^( *)([-+*]|\d{1,9}[.)])( {1,4}(?! )| |$)/;
const DELIMITER = /^:?-+:?$/;
const COLUMNS_MAX = 64;

export const indentOf = (line) => {
  let n = 0;
  while (line[n] === " ") n++;
  return n;
};

/* Tabs at the front become spaces, to the next of four columns. */
export function untabbed(line) {
  if (!/^ *\t/.test(line)) return line;
  let columns = 0;
  let at = 0;
  for (; line[at] === " " || line[at] === "\t"; at++) {
    columns += line[at] === "\t" ? 4 - (columns % 4) : 1;
  }
  return " ".repeat(columns) + line.slice(at);
}

export const isRule = (line) => RULE.test(line);

export function fenceOf(line) {
  const found = FENCE.exec(line);
  return found && { indent: found[1].length, mark: found[2], info: found[3].trim() };
}

export function isFenceEnd(line, mark) {
  const said = line.trim();
  return said.length >= mark.length && said === mark[0].repeat(said.length);
}

export function headOf(line) {
  const found = HEAD.exec(line);
  if (!found) return null;
  const said = (found[2] ?? "").trim();
  let end = said.length;
  while (said[end - 1] === "#") end--;
  const isClosed = end === 0 || said[end - 1] === " " || said[end - 1] === "\t";
  return { level: found[1].length, text: isClosed ? said.slice(0, end).trim() : said };
}

export function markerOf(line) {
  const found = MARKER.exec(line);
  if (!found || isRule(line)) return null;
  const [whole, lead, mark, gap] = found;
  const isOrdered = mark.length > 1;
  return {
    kind: isOrdered ? mark.at(-1) : mark, isOrdered, start: isOrdered ? Number.parseInt(mark, 10) : 0,
    accept: lead.length + 2, content: whole.length + (gap ? 0 : 1), rest: line.slice(whole.length),
  };
}

/* Cells of a row: | divides, but not \| and not inside of code. */
export function cellsOf(line) {
  const said = line.trim();
  const cells = [];
  let cell = "";
  let ticks = 0; // of the code we are in
  for (let at = said.startsWith("|") ? 1 : 0; at < said.length; at++) {
    if (said[at] === "\\" && said[at + 1] === "|") {
      cell += "|";
      at++;
    } else if (said[at] === "`") {
      let n = 1;
      while (said[at + n] === "`") n++;
      if (ticks === n) ticks = 0;
      else if (!ticks && said.indexOf("`".repeat(n), at + n) !== -1) ticks = n;
      cell += said.slice(at, at + n);
      at += n - 1;
    } else if (said[at] === "|" && !ticks) {
      cells.push(cell.trim());
      cell = "";
    } else cell += said[at];
  }
  if (cell.trim() || !said.endsWith("|")) cells.push(cell.trim());
  return cells.length > COLUMNS_MAX ? [] : cells;
}

/* The line beneath a table's head: how its columns stand; null: it is not one. */
export function alignmentsOf(line) {
  if (!/^[ \t|:-]*$/.test(line) || !line.includes("-") || !/[|:]/.test(line)) return null;
  const cells = cellsOf(line);
  if (!cells.length || !cells.every((cell) => DELIMITER.test(cell))) return null;
  return cells.map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : ""));
}

/* Maths that begins a line: its closer, and what stands on the line. */
export function texOf(line) {
  const said = line.trim();
  const open = said.startsWith("$$") ? "$$" : said.startsWith("\\[") ? "\\[" : "";
  if (!open) return null;
  const close = open === "$$" ? "$$" : "\\]";
  const inner = said.slice(2);
  const at = inner.indexOf(close);
  if (at === -1) return { open, close, text: inner, isClosed: false };
  return at === inner.length - 2 && inner.slice(0, at).trim()
    ? { open, close, text: inner.slice(0, at), isClosed: true } : null;
}
