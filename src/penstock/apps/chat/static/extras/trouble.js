// Why there is no answer, or no more of it: what happened and whose fault it is, what to do, an id
// to quote, and the one action that helps. For each end that is not "done".
//
//   refused   nothing came: ask again, or another model
//   broken    some came and stays: continue it, or ask again
//   stopped   by its person: continue it, or ask again; no fault, so it is said quietly
//   length    the answer is as long as it may be: continue

import { html, useState } from "../ui.js";
import { Shape, Sign } from "./shapes.js";

const SHOWN_MS = 2000;

function Quoted({ id }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(id);
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    } catch {
      setCopied(false);
    }
  };
  return html`<p class="x-quote">If you ask somebody about this, quote <code class="id">${id}</code> <button type="button" class="tiny quiet" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button></p>`;
}

/** What stands beneath an answer that has ended otherwise than well; null where all is well. */
export function kindOf(message) {
  if (["refused", "broken", "stopped"].includes(message.state)) return message.state;
  return message.state === "done" && message.finish === "length" ? "length" : null;
}

const HEADS = {
  refused: "There is no answer.",
  broken: "The answer broke off.",
  stopped: "Stopped.",
  length: "The answer is as long as one answer may be.",
};

/** @param {{message: object, onRetry: () => void, onContinue: () => void, onReport?: () => void, isBusy?: boolean}} props */
export function Trouble({ message, onRetry, onContinue, onReport, isBusy = false }) {
  const kind = kindOf(message);
  if (!kind) return null;
  const error = message.error;
  const isFault = kind === "refused" || kind === "broken";
  const canContinue = kind !== "refused";
  const canRetry = kind !== "length" && error?.can_retry !== false;
  const words = isFault ? error?.message || (kind === "broken" ? "The model stopped in the middle. That is not your fault." : "No model answered. That is not your fault.") : "";
  return html`<div class=${`x-trouble x-trouble-${kind}`} role=${isFault ? "alert" : "note"}>
    ${isFault && html`<${Shape} of=${kind === "refused" ? "bad" : "partial"} />`}
    <div>
      <p><strong>${HEADS[kind]}</strong> ${words}</p>
      ${isFault && error?.remedy && html`<p>${error.remedy}</p>`}
      <p class="x-actions">
        ${canContinue && html`<button type="button" class=${isFault ? "primary" : ""} disabled=${isBusy} onClick=${onContinue}>Continue</button>`}
        ${canRetry && html`<button type="button" class=${kind === "refused" ? "primary" : ""} disabled=${isBusy} onClick=${onRetry}><${Sign} of="retry" />Ask again</button>`}
        ${isFault && onReport && html`<button type="button" class="quiet" onClick=${onReport}>It fails for me</button>`}
      </p>
      ${isFault && error?.request && html`<${Quoted} id=${error.request} />`}
    </div>
  </div>`;
}

/** A page's own failure: a list or a conversation that did not come. */
export function Failed({ what, error, onRetry, onReport }) {
  return html`<div class="x-trouble x-trouble-refused" role="alert"><${Shape} of="bad" /><div>
    <p><strong>${what}</strong> ${error?.message ?? ""}</p>
    ${error?.remedy && html`<p>${error.remedy}</p>`}
    <p class="x-actions"><button type="button" onClick=${onRetry}><${Sign} of="retry" />Try again</button>
      ${onReport && html`<button type="button" class="quiet" onClick=${onReport}>It fails for me</button>`}</p>
    ${error?.request && html`<${Quoted} id=${error.request} />`}
  </div></div>`;
}
