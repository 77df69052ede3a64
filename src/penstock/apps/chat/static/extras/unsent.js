// Beneath a message that has not been sent yet: that it will be, or why it will not.

import { html } from "../ui.js";
import { Sign } from "./shapes.js";

/** @param {{item: {state: "sending" | "unsent" | "failed", words: string}, isOnline?: boolean, isLasting?: boolean, onAgain: () => void, onEdit: () => void, onThrowAway: () => void}} props */
export function Unsent({ item, isOnline = true, isLasting = true, onAgain, onEdit, onThrowAway }) {
  if (item.state === "failed") {
    return html`<p class="x-unsent x-unsent-bad" role="alert">Not sent. ${item.words}
      <button type="button" class="tiny" onClick=${onAgain}>Try again</button>
      <button type="button" class="tiny" onClick=${onEdit}>Change it</button>
      <button type="button" class="tiny quiet" onClick=${onThrowAway}>Delete</button></p>`;
  }
  const words = item.state === "sending" ? "Sending" : isOnline ? "Will be sent when the chat is back" : "Will be sent when you are back online";
  return html`<p class="x-unsent" role="status"><span><${Sign} of="clock" />${words}${isLasting ? "" : ". Keep this page open: your browser keeps nothing"}</span>
    ${item.state !== "sending" && html`<button type="button" class="tiny quiet" onClick=${onThrowAway}>Do not send</button>`}</p>`;
}
