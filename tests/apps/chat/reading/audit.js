/* Looks through what a text became: only tags and attributes that we make, only allowed links. */
window.violated = [];
document.addEventListener("securitypolicyviolation", (event) => window.violated.push(event.violatedDirective));
{
  const TAGS = new Set(("P H3 H4 H5 H6 HR UL OL LI BLOCKQUOTE DIV SPAN A STRONG EM DEL CODE BR INPUT FIGURE " +
    "FIGCAPTION BUTTON PRE TABLE THEAD TBODY TR TH TD").split(" "));
  const ATTRIBUTES = new Set(["class", "href", "rel", "target", "title", "type", "disabled", "checked", "start",
    "tabindex", "role", "aria-label", "aria-pressed", "scope", "data-tex"]);
  const audit = (root) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT, {
      acceptNode: (node) => (node.className === "katex" ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
    });
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!TAGS.has(node.tagName)) found.push(node.tagName);
      for (const { name } of node.attributes) if (!ATTRIBUTES.has(name)) found.push(`${node.tagName} ${name}`);
      if (node.href !== undefined && !/^(https?|mailto):/.test(node.getAttribute("href"))) found.push(node.href);
      if (node.tagName === "A" && node.target !== "_blank") found.push("a target");
    }
    for (const node of root.querySelectorAll(".katex *")) {
      for (const { name } of node.attributes) {
        if (/^(on|href|src|id|data-|xlink)/.test(name)) found.push(`katex ${node.tagName} ${name}`);
      }
      if (/^(A|IMG|SCRIPT|IFRAME)$/i.test(node.tagName)) found.push(`katex ${node.tagName}`);
    }
    return found;
  };
  const settled = () => new Promise((done) => setTimeout(done, 30));
  window.auditAll = async (texts, sizes) => {
    const found = [];
    const places = [];
    for (const [index, text] of texts.entries()) {
      const element = document.createElement("div");
      element.className = "reading";
      document.body.append(element);
      places.push(element);
      const from = performance.now();
      await window.read(text, sizes[index], element);
      const took = performance.now() - from;
      const bad = audit(element);
      if (bad.length || took > 1000) found.push([text.slice(0, 80), took, ...bad.slice(0, 3)]);
    }
    await new Promise((done) => setTimeout(done, 3000));
    for (const [index, element] of places.entries()) {
      const bad = audit(element);
      if (bad.length) found.push(["later", texts[index].slice(0, 80), ...bad.slice(0, 3)]);
      for (const link of element.querySelectorAll("a")) {
        link.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
        if (/[\u202a-\u202e\u2066-\u2069\u200b]/.test(link.textContent)) found.push(["hides", texts[index]]);
      }
    }
    return found;
  };
  window.auditHuge = async (text) => {
    let worst = 0;
    const watch = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) worst = Math.max(worst, entry.duration);
    });
    watch.observe({ entryTypes: ["longtask"] });
    await window.read(text, [4096]);
    await settled();
    watch.disconnect();
    const found = audit(window.answer);
    window.answer.replaceChildren();
    return [found, worst];
  };
}
