// The page without its server: the service worker is put in place, and whether the browser is online.
//
//   installWorker()   once, after the page works; the version is the address that this file came from
//   online            a signal; what the browser believes (it errs: a live stream is better evidence)

import { signal } from "../ui.js";

export const online = signal(globalThis.navigator?.onLine ?? true);
globalThis.addEventListener?.("online", () => { online.value = true; });
globalThis.addEventListener?.("offline", () => { online.value = false; });

/** /assets/HASH/extras/offline.js -> HASH */
export function versionOf(address) {
  return /\/assets\/([0-9a-f]+)\//.exec(address)?.[1] ?? "";
}

/** Put the service worker in place. A browser that has none, or http on a network, goes without. */
export async function installWorker(address = import.meta.url) {
  const version = versionOf(address);
  if (!version || !navigator.serviceWorker) return null;
  try {
    return await navigator.serviceWorker.register(`/sw.js?v=${version}`);
  } catch {
    return null;
  }
}
