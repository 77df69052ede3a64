/* A question before what cannot be undone. It names the thing; Esc, a click beside it and "Keep it"
   leave it as it is.

   confirm({title, words, verb}) resolves to true if the person says yes. One at a time. What it looks
   like is extras/dialog.js, fetched with the first question; where that cannot be fetched, nothing
   is done, and that is said. */
import { toast } from "./state.js";
import { html, signal } from "./ui.js";

const asked = signal(null);
const look = signal(null);

export async function confirm(question) {
  asked.peek()?.answer(false);
  try {
    look.value ??= (await import("./extras/dialog.js")).Confirm;
  } catch {
    toast("This part of the page could not be loaded. Try again when the chat is back.", { isBad: true });
    return false;
  }
  return new Promise((resolve) => {
    const answer = (isYes) => {
      asked.value = null;
      resolve(isYes);
    };
    asked.value = { ...question, answer };
  });
}

export function Confirm() {
  const question = asked.value;
  return question && html`<${look.value} key=${question.title} title=${question.title} verb=${question.verb}
    onYes=${() => question.answer(true)} onClose=${() => question.answer(false)}>
    <p>${question.words}</p><//>`;
}
