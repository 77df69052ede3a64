// The service worker: the chat opens without its server, and says so. For static files only.
//
// version   /sw.js?v=HASH, of the files as a whole; another one is another worker, whose cache is
//           its own; the older ones' caches are removed when it takes over
// kept      GET /assets/HASH/... and /static/HASH/...: what never changes; kept when it was asked for,
//           and what the shell names at the start
// pages     always from the server; where it cannot be reached, or a proxy says so (502 to 504), the
//           shell: it holds nothing of anybody, and says that it is not connected
// never     the API, streams, files of people, log-in, other origins: they are not even looked at
"use strict";

const VERSION = /^[0-9a-f]{6,64}$/.exec(new URL(self.location.href).searchParams.get("v") ?? "")?.[0] ?? "";
const PREFIX = "penstock-";
const CACHE = `${PREFIX}${VERSION}`;
const ASSETS = `/assets/${VERSION}/`;
const PASSING = new Set([502, 503, 504]);
const FILES_MAX = 400; // of one version; the parts of the page and of its maths are about two hundred

const SHELL = "/shell"; // the page without anybody's data
const NAMED = /(?:href|src)="(\/(?:assets|static)\/[^"]+)"/g;

const IMPORTED = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+\.js)"/g; // at once, or when it is needed

/** Keep the empty page and all that it names, and all modules that those import, also late ones. */
async function fill() {
  const cache = await caches.open(CACHE);
  const shell = await fetch(SHELL, { cache: "no-store", credentials: "omit" });
  if (!shell.ok) throw new Error(`the shell: ${shell.status}`);
  const text = await shell.clone().text();
  const named = [...text.matchAll(NAMED)].map(([, address]) => address).filter((one) => one.startsWith(ASSETS) || one.startsWith("/static/"));
  const wanted = new Set(named);
  for (const address of wanted) { // a set goes on with what is added meanwhile
    if (wanted.size > FILES_MAX) throw new Error("too many files");
    await keep(cache, address, wanted);
  }
  await cache.put(SHELL, shell);
  await self.skipWaiting(); // it only holds files with their version in the address: nothing mixes
}

async function keep(cache, address, wanted) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  if (address.endsWith(".js")) {
    for (const [, path] of (await answer.clone().text()).matchAll(IMPORTED)) wanted.add(new URL(path, new URL(address, self.location.href)).pathname);
  }
  await cache.put(address, answer);
}

async function clear() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function file(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && answer.type === "basic" && (await cache.keys()).length < FILES_MAX) await cache.put(request, answer.clone());
  return answer;
}

async function page(request) {
  try {
    const answer = await fetch(request);
    return PASSING.has(answer.status) ? away() : answer;
  } catch {
    return away();
  }
}

async function away() {
  const kept = await (await caches.open(CACHE)).match(SHELL);
  return kept ?? Response.error();
}

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(clear()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const at = new URL(request.url);
  if (request.method !== "GET" || at.origin !== self.location.origin || at.pathname.startsWith("/api/")) return;
  if (VERSION && (at.pathname.startsWith(ASSETS) || at.pathname.startsWith("/static/"))) event.respondWith(file(request));
  else if (request.mode === "navigate") event.respondWith(page(request));
});
