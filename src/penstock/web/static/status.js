// What public status pages gain by a script; each works without.
//   data-ago                 times told anew, relative to this clock
//   main[data-status]        the first line, counts and the time are fetched again every 30 s while
//                            the page is looked at; if more has changed, a link says so
"use strict";

const EVERY_MS = 30_000;
const WITHIN_MS = 8000;
const STALE_S = 300;
const STEPS = [[89.5, 1, "s"], [5370, 60, "min"], [129000, 3600, "h"], [5180000, 86400, "d"]];

function ago(date) {
  const passed = (Date.now() - date) / 1000;
  if (Math.abs(passed) < 1.5) return "just now";
  const size = Math.abs(passed);
  const [, by, unit] = STEPS.find(([upto]) => size < upto) || [0, 2629800, "months"];
  const words = `${Math.round(size / by)} ${unit}`;
  return passed > 0 ? `${words} ago` : `in ${words}`;
}

function retell() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = ago(new Date(time.dateTime));
  }
  const main = document.querySelector("main[data-status]");
  const stale = document.querySelector("[data-stale]");
  if (!main || !stale) return;
  const age = (Date.now() - new Date(main.dataset.rendered)) / 1000;
  stale.hidden = age < STALE_S;
  stale.querySelector("span").textContent =
    `This is from ${ago(new Date(main.dataset.rendered))}: what you see may be old.`;
}

function use(now, main) {
  const sentence = document.querySelector("[data-sentence]");
  if (sentence.textContent !== now.sentence) sentence.textContent = now.sentence;
  const headline = document.getElementById("headline");
  const shapes = document.querySelector("[data-shapes]").content;
  const shape = shapes.querySelector(`.state-${CSS.escape(now.state)} svg`);
  if (shape && !headline.classList.contains(`state-${now.state}`)) {
    headline.className = `headline state-${now.state}`;
    headline.querySelector("svg").replaceWith(shape.cloneNode(true));
  }
  for (const one of now.components) {
    for (const place of document.querySelectorAll(`[data-reports="${CSS.escape(one.id)}"]`)) {
      place.textContent = String(one.reports_hour);
    }
  }
  const all = document.querySelector("[data-reports-all]");
  if (all) all.textContent = String(now.reports_hour);
  const at = new Date(now.rendered_unix_s * 1000);
  main.dataset.rendered = at.toISOString();
  const updated = document.querySelector("[data-updated] time");
  updated.dateTime = at.toISOString();
  updated.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const icon = document.querySelector("link[rel=icon]");
  const wanted = `/favicon-${now.state}.svg`;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  document.querySelector("[data-changed]").hidden = now.version === main.dataset.version;
}

async function refresh(main) {
  if (document.hidden) return;
  try {
    const answer = await fetch(main.dataset.status, {
      cache: "no-cache",
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    if (answer.ok) use(await answer.json(), main);
  } catch {
    // What was known keeps standing; its age says so.
  }
  retell();
}

const main = document.querySelector("main[data-status]");
retell();
setInterval(() => (main ? refresh(main) : retell()), EVERY_MS);
if (main) document.addEventListener("visibilitychange", () => refresh(main));
