/* An answer for those who listen: whole sentences, one announcement at a time, politely.

   announcer(region, {every_ms, later}) -> {follow(element), end(word), stop()}
     region    an element with aria-live=polite that holds nothing else; the answer itself must not
               be a live region, or each letter would be said
     follow    this element is being painted by reader.js; called at each painting, costs nothing
     end       the answer is over: what is left is said, then `word` ("Answer complete.")
   Code is said as "Code, python, 12 lines.", a table as "Table, 3 rows.", a formula as its source:
   who wants them whole goes there. At most every_ms (2.5 s) one announcement of at most SAID_MAX
   units: who falls behind by more than BEHIND_MAX hears "..." and goes on at the end. */

const EVERY_MS = 2500;
const SAID_MAX = 600;
const BEHIND_MAX = 6000;
const SENTENCE = /^[\s\S]*[.!?…。！？:](?=["'”’)\]]*(?:\s|$))["'”’)\]]*/u;

/** @param {Element} region */
export function announcer(region, { every_ms = EVERY_MS, later = setTimeout } = {}) {
  return new Announcer(region, every_ms, later);
}

class Announcer {
  constructor(region, everyMs, later) {
    Object.assign(this, { region, everyMs, later, element: null, block: 0, said: 0, queue: "" });
    this.isWaiting = false;
    this.isStopped = false;
    this.last = "";
  }

  follow(element) {
    if (this.element !== element) Object.assign(this, { element, block: 0, said: 0, queue: "" });
    this.plan();
  }

  end(word = "Answer complete.") {
    this.last = word;
    this.plan();
  }

  stop() {
    this.isStopped = true;
    this.region.textContent = "";
  }

  plan() {
    if (this.isWaiting || this.isStopped) return;
    this.isWaiting = true;
    const { later } = this; // bare: setTimeout wants no `this` of ours
    later(() => {
      this.isWaiting = false;
      if (!this.isStopped) this.speak();
    }, this.everyMs);
  }

  speak() {
    this.gather();
    if (this.queue.length > BEHIND_MAX) this.queue = `… ${this.queue.slice(-SAID_MAX)}`;
    const now = upTo(this.queue, SAID_MAX);
    this.queue = this.queue.slice(now.length);
    const isLast = this.last && !this.queue.trim();
    const words = [now.trim(), isLast ? this.last : ""].filter(Boolean).join(" ");
    if (words) this.region.textContent = words;
    if (isLast) this.last = "";
    else if (this.queue.trim() || this.last) this.plan();
  }

  /* Blocks that are finished, and the whole sentences of the one that is not. */
  gather() {
    const blocks = this.element?.children ?? [];
    while (this.block < blocks.length) {
      const isOpen = this.block === blocks.length - 1 && !this.last;
      const words = spoken(blocks[this.block], isOpen);
      const fresh = words.slice(this.said);
      const ready = isOpen ? SENTENCE.exec(fresh)?.[0] ?? "" : fresh;
      this.queue += ready + (isOpen || !fresh ? "" : "\n");
      this.said += ready.length;
      if (isOpen) return;
      this.block++;
      this.said = 0;
    }
  }
}

function upTo(text, max) {
  if (text.length <= max) return text;
  const part = text.slice(0, max);
  return SENTENCE.exec(part)?.[0] ?? part.slice(0, part.lastIndexOf(" ") + 1 || max);
}

function spoken(block, isOpen) {
  if (block.matches("figure, .grid")) return isOpen ? "" : summary(block);
  if (block.hasAttribute("data-tex")) return block.dataset.tex;
  return [...block.childNodes].map((node) => wordsOf(node, isOpen)).join("");
}

function wordsOf(node, isOpen) {
  if (node.nodeType === 3) return node.data;
  const words = spoken(node, isOpen);
  return node.tagName === "LI" || node.tagName === "P" ? `${words}\n` : words;
}

function summary(block) {
  if (block.matches(".grid")) return `Table, ${Math.max(0, block.querySelectorAll("tr").length - 1)} rows. `;
  const lines = block.querySelector("code").textContent.trimEnd().split("\n").length;
  return `Code, ${block.querySelector(".language").textContent}, ${lines} ${lines === 1 ? "line" : "lines"}. `;
}
