// Files on their way into a message: checked here, sent at once, shown with how far they are.
//
//   attaching({limits, upload})   one composer's files: .files (a signal), .add(list), .remove(key),
//                                 .again(key), .ready() the ids in order, .isBusy, .clear()
//   filesOf(event)                what a drop or a paste brings
//
// What the browser says of a kind is only believed to tell people early; the server looks itself.
// Whoever takes a file away stops its way; one that is there already is deleted at the server.
//
// state   sending (part: 0 to 1) -> ready (file) | failed (words, can it be tried again?)

import { signal } from "../ui.js";
import { count, size } from "./words.js";

export const KINDS = ["image/png", "image/jpeg", "image/webp", "image/gif", "application/pdf"];
export const ACCEPT = KINDS.join(",");
const STYLED = ["text/html", "text/rtf"];

/** Why a file cannot be taken; "" if it can. */
export function refusal(file, limits, model = null) {
  if (!KINDS.includes(file.type)) return "Only images (PNG, JPEG, WebP, GIF) and PDFs can be added. For text, paste it.";
  if (file.size === 0) return "This file is empty.";
  if (limits.bytes && file.size > limits.bytes) return `This file has ${size(file.size)}; ${size(limits.bytes)} is the most.`;
  if (model && file.type === "application/pdf" && model.takes_documents === false) return `${model.name} reads no PDFs. Choose another model, or take it out.`;
  if (model && file.type !== "application/pdf" && model.takes_images === false) return `${model.name} reads no images. Choose another model, or take it out.`;
  return "";
}

/**
 * The files of a drop or a paste. A text processor copies a picture of its text too: then the text is
 * meant. A file manager copies the file's name as text too, but as nothing else: then the file is.
 */
export function filesOf(event) {
  const data = event.dataTransfer ?? event.clipboardData;
  if (!data) return [];
  if (event.clipboardData && data.types.includes("text/plain") && STYLED.some((type) => data.types.includes(type))) return [];
  return [...data.files];
}

/**
 * @typedef {{key: number, name: string, kind: string, bytes: number, source: Blob | null, state: string, part: number, words: string, canRetry: boolean, file: object | null}} Attached
 * @param {{limits: () => {bytes: number, count: number}, upload: (file: Blob & {name: string}, on: {part: (ratio: number) => void, signal: AbortSignal}) => Promise<object>, drop?: (id: string) => void}} parts
 */
export function attaching({ limits, upload, drop = () => {} }) {
  /** @type {import("../ui.js").Signal<Attached[]>} */
  const files = signal([]);
  const under = new Map(); // key -> AbortController
  const words = signal(""); // of those that did not even begin
  let keys = 0;
  const change = (key, changed) => { files.value = files.value.map((one) => (one.key === key ? { ...one, ...changed } : one)); };

  async function send(one) {
    const control = new AbortController();
    under.set(one.key, control);
    change(one.key, { state: "sending", part: 0, words: "" });
    try {
      const file = await upload(one.source, { part: (part) => change(one.key, { part }), signal: control.signal });
      if (control.signal.aborted) drop(file.id); else change(one.key, { state: "ready", part: 1, file });
    } catch (error) {
      if (!control.signal.aborted) change(one.key, { state: "failed", words: error?.message || "It could not be sent.", canRetry: error?.canRetry !== false });
    } finally {
      under.delete(one.key);
    }
  }

  return {
    files,
    words,
    get isBusy() { return files.value.some((one) => one.state === "sending"); },
    add(list) {
      const { bytes, count: most } = limits();
      words.value = "";
      for (const source of list) {
        if (most && files.value.length >= most) {
          words.value = `One message takes ${count(most, "file")}; the others were left out.`;
          break;
        }
        keys += 1;
        const one = { key: keys, name: source.name || "pasted image", kind: source.type, bytes: source.size, source, state: "sending", part: 0, words: "", canRetry: true, file: null };
        const why = refusal(source, { bytes });
        files.value = [...files.value, why ? { ...one, state: "failed", words: why, canRetry: false } : one];
        if (!why) send(one);
      }
    },
    /** Files that are there already, as of a draft or of an edited message. */
    put(there) {
      files.value = there.map((file) => ({ key: (keys += 1), name: file.name, kind: file.kind, bytes: file.bytes, source: null, state: "ready", part: 1, words: "", canRetry: false, file, isOwned: false }));
    },
    remove(key) {
      const one = files.value.find((other) => other.key === key);
      files.value = files.value.filter((other) => other.key !== key);
      under.get(key)?.abort();
      if (one?.file && one.isOwned !== false) drop(one.file.id);
    },
    again(key) {
      const one = files.value.find((other) => other.key === key);
      if (one?.state === "failed" && one.source && one.canRetry) send(one);
    },
    ready() { return files.value.filter((one) => one.state === "ready").map((one) => one.file); },
    clear() { files.value = []; words.value = ""; },
  };
}

/** Sends one file; XMLHttpRequest, because fetch does not say how far it is. */
export function uploading(base = "/api/v1") {
  return (file, { part, signal: stop }) => new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open("POST", `${base}/files?name=${encodeURIComponent(file.name || "pasted image")}`);
    asked.setRequestHeader("content-type", file.type);
    asked.responseType = "json";
    asked.upload.onprogress = (event) => { if (event.lengthComputable) part(event.loaded / event.total); };
    asked.onload = () => {
      if (asked.status < 300) { resolve(asked.response); return; }
      const told = asked.response?.error ?? {};
      reject(Object.assign(new Error([told.message || "The chat did not take it.", told.remedy].filter(Boolean).join(" ")), { canRetry: asked.status >= 500 || asked.status === 429 }));
    };
    asked.onerror = () => reject(new Error("The chat cannot be reached. Try again when you are online."));
    stop.addEventListener("abort", () => { asked.abort(); reject(new DOMException("taken away", "AbortError")); });
    asked.send(file);
  });
}
