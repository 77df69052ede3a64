// What pages gain by scripts; each works without. One file, no build step.
//   data-refresh-url, data-refresh-s   fetch this fragment again and again, while it is looked at
//   data-copies                        a button that copies the text of the element with that id
//   data-opens                         a link that opens the dialog with that id instead
//   data-fills                         a file that is read into the field of text with that id
//   data-submits                       a control whose change submits its form
//   .toast                             goes after a while; stays while it is pointed at
"use strict";

const FETCH_WITHIN_MS = 8000;
const SHOWN_MS = 6000;

function isInUse(part) {
  const at = document.activeElement;
  return part.contains(at) || part.querySelector("details[open], dialog[open]") !== null;
}

async function refresh(part) {
  if (document.hidden || isInUse(part)) return;
  const note = document.getElementById(part.dataset.refreshNote || "");
  try {
    const answer = await fetch(part.dataset.refreshUrl, {
      signal: AbortSignal.timeout(FETCH_WITHIN_MS),
      headers: { "x-requested-with": "fetch" },
    });
    if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (isInUse(part)) return;
    const found = new DOMParser().parseFromString(text, "text/html").body;
    part.replaceChildren(...found.childNodes);
    part.classList.remove("is-stale");
    if (note) note.textContent = "";
  } catch {
    if (!part.classList.contains("is-stale") && note) {
      const at = new Date().toISOString().slice(11, 19);
      note.textContent = `No fresh figures since ${at} UTC; trying again.`;
    }
    part.classList.add("is-stale");
  }
}

function keepFresh(part) {
  const everyMs = Math.max(1, Number(part.dataset.refreshS) || 5) * 1000;
  let isUnderWay = false;
  const once = async () => {
    if (isUnderWay) return;
    isUnderWay = true;
    await refresh(part);
    isUnderWay = false;
  };
  setInterval(once, everyMs);
  document.addEventListener("visibilitychange", once);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies], [data-opens], [data-closes]");
  if (!button) return;
  if (button.dataset.opens) {
    const dialog = document.getElementById(button.dataset.opens);
    if (!dialog) return;
    event.preventDefault();
    dialog.showModal();
  } else if (button.dataset.closes !== undefined) {
    button.closest("dialog")?.close();
  } else {
    const text = document.getElementById(button.dataset.copies)?.textContent ?? "";
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
  }
});

document.addEventListener("change", async (event) => {
  const file = event.target.files?.[0];
  if (event.target.dataset.fills && file) {
    document.getElementById(event.target.dataset.fills).value = await file.text();
  }
  if (event.target.matches("[data-submits]")) event.target.form?.requestSubmit();
});

// A form of filters sends what is filled in, so that addresses stay short.
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".filters")) return;
  for (const one of event.target.elements) if (one.name && !one.value) one.disabled = true;
});
addEventListener("pageshow", () => {
  for (const one of document.querySelectorAll(".filters [disabled]")) one.disabled = false;
});

for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;
for (const file of document.querySelectorAll("[data-fills]")) file.parentElement.hidden = false;
for (const part of document.querySelectorAll("[data-refresh-url]")) keepFresh(part);
for (const toast of document.querySelectorAll(".toast")) {
  setTimeout(function go() {
    if (toast.matches(":hover, :focus-within")) setTimeout(go, SHOWN_MS);
    else toast.remove();
  }, SHOWN_MS);
}
