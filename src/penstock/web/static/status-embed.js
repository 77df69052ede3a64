// How we are, as one line on any page: a shape, a word and a link to the status page.
//
//   <script src="https://STATUS/embed.js" async></script>                    stands where it is
//   <script src="https://STATUS/embed.js" data-into="footer" async></script>  in that selector
//   new StatusPage.page().summary({ success: f, error: g })                   for scripts
//
// It asks the API of whoever it was loaded from, again each minute while the page is looked at. It
// sets no cookie and sends nothing. What cannot be read is told as unknown, never as fine.
(() => {
  "use strict";
  const own = document.currentScript;
  const base = new URL(".", own.src).href.replace(/\/$/, "");
  const AGAIN_MS = 60000;
  const WITHIN_MS = 10000;
  const SHAPES = {
    none: ["\u25cf", "#1a7f37"],
    minor: ["\u25d0", "#9a6700"],
    major: ["\u25b2", "#bc4c00"],
    critical: ["\u25a0", "#cf222e"],
    maintenance: ["\u25c7", "#0969da"],
  };
  const UNKNOWN = ["\u25cb", "#57606a"];

  async function ask(name) {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const answer = await fetch(`${base}/api/v2/${name}.json`, { credentials: "omit", signal });
    if (!answer.ok) throw new Error(`the status page answers ${answer.status}`);
    return answer.json();
  }

  const methods = {
    summary: "summary",
    status: "status",
    components: "components",
    incidents: "incidents",
    scheduled_maintenances: "scheduled-maintenances",
  };
  class Page {}
  for (const [method, name] of Object.entries(methods)) {
    Page.prototype[method] = ({ success, error } = {}) => {
      ask(name).then(success, error ?? (() => {}));
    };
  }
  window.StatusPage ??= { page: Page };

  const line = document.createElement("a");
  line.href = base + "/";
  line.className = "penstock-status";
  const shape = document.createElement("span");
  shape.setAttribute("aria-hidden", "true");
  const words = document.createElement("span");
  line.append(shape, " ", words);

  function show(indicator, text) {
    const [sign, colour] = SHAPES[indicator] ?? UNKNOWN;
    shape.textContent = sign;
    shape.style.color = colour;
    words.textContent = text;
    line.dataset.indicator = indicator;
  }

  async function look() {
    if (document.hidden) return;
    try {
      const { status } = await ask("status");
      show(String(status.indicator), String(status.description));
    } catch {
      show("unknown", "Status unknown");
    }
  }

  show("unknown", "Status");
  const into = own.dataset.into ? document.querySelector(own.dataset.into) : null;
  if (into) into.append(line);
  else own.after(line);
  look();
  setInterval(look, AGAIN_MS);
  document.addEventListener("visibilitychange", look);
})();
