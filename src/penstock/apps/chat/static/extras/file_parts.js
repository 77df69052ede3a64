// How files look: on their way in the composer, and in messages (images with a lightbox, PDFs as
// cards). A preview is drawn on a canvas from what is in hand: no address, so no policy to widen.

import { html, useEffect, useRef, useState } from "../ui.js";
import { Dialog } from "./dialog.js";
import { ACCEPT } from "./files.js";
import { Sign } from "./shapes.js";
import { count, size } from "./words.js";

const THUMB_PX = 80; // 40 on the page, for sharp screens

function Preview({ source, file, kind }) {
  const canvas = useRef(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    if (!source || !kind.startsWith("image/")) return undefined;
    let isThere = true;
    createImageBitmap(source).then((image) => {
      const paper = canvas.current;
      if (isThere && paper) {
        const scale = Math.max(THUMB_PX / image.width, THUMB_PX / image.height);
        const [w, h] = [image.width * scale, image.height * scale];
        paper.getContext("2d").drawImage(image, (THUMB_PX - w) / 2, (THUMB_PX - h) / 2, w, h);
        setDrawn(true);
      }
      image.close();
    }, () => {});
    return () => { isThere = false; };
  }, [source]);
  const isImage = kind.startsWith("image/");
  return html`<span class="x-file-sign">
    ${isImage && source && html`<canvas ref=${canvas} width=${THUMB_PX} height=${THUMB_PX} hidden=${!isDrawn}></canvas>`}
    ${isImage && !source && file && html`<img src=${`/api/v1/files/${file.id}`} alt="" loading="lazy" />`}
    ${(!isImage || (source && !isDrawn)) && html`<${Sign} of=${isImage ? "image" : "page"} />`}
  </span>`;
}

function Attached({ one, why, onRemove, onAgain }) {
  const words = why || (one.state === "failed" ? one.words : one.state === "sending" ? `${Math.round(one.part * 100)} % of ${size(one.bytes)}` : detail(one));
  const isBad = Boolean(why) || one.state === "failed";
  return html`<li class=${`x-file ${isBad ? "x-file-bad" : ""}`}>
    <${Preview} source=${one.source} file=${one.file} kind=${one.kind} />
    <span class="x-file-words"><b title=${one.name}>${one.name}</b><span>${words}</span>
      ${one.state === "sending" && html`<progress class="x-progress" max="1" value=${one.part} aria-label=${`Sending ${one.name}`}></progress>`}</span>
    ${one.state === "failed" && one.canRetry && html`<button type="button" class="quiet x-icon tiny" aria-label=${`Send ${one.name} again`} onClick=${onAgain}><${Sign} of="retry" /></button>`}
    <button type="button" class="quiet x-icon tiny" aria-label=${`Take ${one.name} out`} onClick=${onRemove}><${Sign} of="close" /></button>
  </li>`;
}

function detail({ kind, bytes, file }) {
  const pages = file?.pages ? `${count(file.pages, "page")}, ` : "";
  const wide = file?.width ? `${file.width} × ${file.height}, ` : "";
  return `${kind === "application/pdf" ? "PDF, " : ""}${pages}${wide}${size(bytes)}`;
}

/** The files of the composer. ``whyNot(one)`` says why the chosen model cannot read one. */
export function AttachedFiles({ attached, whyNot = () => "" }) {
  const files = attached.files.value;
  const told = attached.words.value || files.filter((one) => one.state === "failed").map((one) => `${one.name}: ${one.words}`).join(" ");
  return html`<div class="x-attached">
    ${files.length > 0 && html`<ul class="x-files" aria-label="Files of this message">${files.map((one) => html`<${Attached} key=${one.key} one=${one} why=${one.state === "ready" ? whyNot(one) : ""} onRemove=${() => attached.remove(one.key)} onAgain=${() => attached.again(one.key)} />`)}</ul>`}
    ${attached.words.value && html`<p class="error small">${attached.words.value}</p>`}
    <span class="sr" role="status">${told}</span>
  </div>`;
}

/** The button that picks files. */
export function PickFiles({ attached, isDisabled = false }) {
  const field = useRef(null);
  const take = (event) => { attached.add([...event.target.files]); event.target.value = ""; };
  return html`<span class="x-pick"><input ref=${field} type="file" multiple accept=${ACCEPT} hidden tabindex="-1" aria-hidden="true" onChange=${take} />
    <button type="button" class="quiet x-icon" aria-label="Add images or PDFs" title="Add images or PDFs" disabled=${isDisabled} onClick=${() => field.current.click()}><${Sign} of="clip" /></button></span>`;
}

function Lightbox({ files, at, onAt, onClose }) {
  const file = files[at];
  const step = (by) => { const next = at + by; if (files[next]) onAt(next); };
  useEffect(() => {
    const onKey = (event) => { if (event.key === "ArrowLeft") step(-1); else if (event.key === "ArrowRight") step(1); };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  return html`<${Dialog} title=${file.name} onClose=${onClose} className="x-lightbox">
    <img src=${`/api/v1/files/${file.id}`} alt=${file.name} width=${file.width || undefined} height=${file.height || undefined} />
    <div class="actions"><span class="muted small">${detail({ kind: file.kind, bytes: file.bytes, file })}</span>
      ${files.length > 1 && html`<span class="x-keys"><button type="button" class="tiny" disabled=${at === 0} onClick=${() => step(-1)}>Previous</button><button type="button" class="tiny" disabled=${at === files.length - 1} onClick=${() => step(1)}>Next</button></span>`}
      <a href=${`/api/v1/files/${file.id}`} download=${file.name}>Download</a></div>
  <//>`;
}

/** The files of a message. */
export function MessageFiles({ files }) {
  const [at, setAt] = useState(-1);
  if (!files?.length) return null;
  const images = files.filter((one) => one.kind.startsWith("image/"));
  return html`<ul class="x-files" aria-label="Files">
    ${files.map((file) => html`<li key=${file.id}>${file.kind.startsWith("image/")
      ? html`<button type="button" class="x-thumb" aria-label=${`Look at ${file.name}`} onClick=${() => setAt(images.indexOf(file))}><img src=${`/api/v1/files/${file.id}`} alt="" loading="lazy" decoding="async" width=${file.width || undefined} height=${file.height || undefined} /></button>`
      : html`<a class="x-file" href=${`/api/v1/files/${file.id}`} download=${file.name}><span class="x-file-sign"><${Sign} of="page" /></span><span class="x-file-words"><b>${file.name}</b><span>${detail({ kind: file.kind, bytes: file.bytes, file })}</span></span></a>`}</li>`)}
  </ul>${at >= 0 && html`<${Lightbox} files=${images} at=${at} onAt=${setAt} onClose=${() => setAt(-1)} />`}`;
}
