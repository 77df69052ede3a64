/* A menu behind a button: arrows, Home, End, first letters; Esc and Tab close it, the focus returns.

   entries   [{label, act, href, isDangerous, isChecked}]; with href it is a link, which the browser
             follows (a file to keep). The place is found when it opens: below, or above if there is
             no room; it stands outside of what scrolls (popover)
   note      words under the entries, which cannot be chosen */
import { Icon } from "./icons.js";
import { html, useEffect, useRef, useState } from "./ui.js";

const GAP = 4;

export function Menu({ label, icon = "more", entries, align = "end", note = "" }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef(null);
  const list = useRef(null);
  const close = (isBack = true) => {
    setOpen(false);
    if (isBack) button.current?.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    const panel = list.current;
    panel.showPopover?.();
    put(panel, button.current, align);
    panel.querySelector("[role^=menuitem]")?.focus();
    const outside = (event) => {
      if (!panel.contains(event.target) && !button.current?.contains(event.target)) close(false);
    };
    const scrolled = (event) => {
      if (!panel.contains(event.target)) close(false);
    };
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("scroll", scrolled, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("scroll", scrolled, true);
    };
  }, [isOpen]);
  const onKey = (event) => {
    if (event.key === "Escape" || event.key === "Tab") {
      if (event.key === "Escape") event.preventDefault();
      event.stopPropagation();
      close(event.key === "Escape");
      return;
    }
    const items = [...list.current.querySelectorAll("[role^=menuitem]")];
    const to = moved(event.key, items.indexOf(document.activeElement), items);
    if (to < 0) return;
    event.preventDefault();
    items[to].focus();
  };
  const chosen = (entry) => () => {
    close();
    entry.act?.();
  };
  return html`<button ref=${button} type="button" class="icon-button menu-button" aria-label=${label}
      title=${label} aria-haspopup="menu" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
      <${Icon} name=${icon} /></button>
    ${isOpen && html`<div ref=${list} class="menu-list" popover="manual" onKeyDown=${onKey}>
      <div role="menu" aria-label=${label} aria-description=${note || undefined}>
        ${entries.filter(Boolean).map((entry) => html`<${Entry} key=${entry.label} entry=${entry}
          chosen=${chosen(entry)} />`)}</div>
      ${note && html`<p class="menu-note">${note}</p>`}</div>`}`;
}

function Entry({ entry, chosen }) {
  const kind = entry.isDangerous ? "danger-entry" : "";
  if (entry.href) {
    return html`<a class=${kind} role="menuitem" tabindex="-1" href=${entry.href} download
      onClick=${chosen}>${entry.label}</a>`;
  }
  return html`<button type="button" class=${kind} role="menuitem" tabindex="-1" onClick=${chosen}>
    ${entry.label}</button>`;
}

/** Where a key leads to; -1: nowhere. */
function moved(key, at, items) {
  const last = items.length - 1;
  switch (key) {
    case "ArrowDown": return at >= last ? 0 : at + 1;
    case "ArrowUp": return at <= 0 ? last : at - 1;
    case "Home": return 0;
    case "End": return last;
    default: break;
  }
  if (key.length !== 1) return -1;
  const rest = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  const found = rest.find((item) => item.textContent.trim().toLowerCase().startsWith(key.toLowerCase()));
  return found ? items.indexOf(found) : -1;
}

function put(panel, button, align) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const isBelow = at.bottom + GAP + height <= innerHeight || at.top < height;
  const left = align === "end" ? at.right - width : at.left;
  panel.style.top = `${isBelow ? at.bottom + GAP : at.top - GAP - height}px`;
  panel.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
}
