// "It fails for me": one press files it at the status page, with the component that failed chosen.
//
// What failed is known: the page (web), the log-in (login), or the model that was asked. A kind and
// a word more are welcome and not needed. The answer says what became of it and how many others say
// the same, and leads to the status page.

import { html, useState } from "../ui.js";
import { Dialog } from "./dialog.js";
import { Shape } from "./shapes.js";
import { count } from "./words.js";

const WORDS_MAX = 140; // as the status page takes them
const KINDS = [["timeout", "No answer"], ["errors", "Errors"], ["slow", "Slow"], ["wrong", "Wrong answers"], ["login", "Cannot log in"]];

/** What became of a report, in words. */
export function outcome(answer) {
  const others = Math.max(0, (answer.reports_hour ?? 0) - 1);
  const same = others ? `${count(others, "other person", "other people")} said the same in the last hour.` : "You are the first to say so in the last hour.";
  if (answer.is_counted) return { shape: "good", text: `Thank you, it is counted. ${same}` };
  if (answer.why === "repeated") return { shape: "good", text: "Thank you. You have said this a few minutes ago, and it is counted once." };
  if (answer.why === "crowded") return { shape: "degraded", text: "Thank you. Many reports come from your network, so that one more adds little; it is known." };
  return { shape: "degraded", text: "Thank you. So many reports come in that this one is not counted; it is known." };
}

/**
 * @param {{component: string, models?: {id: string, name: string}[], statusUrl?: string, onClose: () => void,
 *          onSend: (report: {component: string, category: string, words: string}) => Promise<object>}} props
 */
export function ReportDialog({ component, models = [], statusUrl = "", onSend, onClose }) {
  const choices = [["web", "This page"], ["login", "Logging in"], ...models.filter((one) => one.id !== "auto").map((one) => [one.id, one.name])];
  if (!choices.some(([id]) => id === component)) choices.push([component, component]);
  const [report, setReport] = useState({ component, category: component === "login" ? "login" : "", words: "" });
  const [state, setState] = useState({ is: "open" });
  const set = (name) => (event) => setReport({ ...report, [name]: event.target.value });
  const send = async (event) => {
    event.preventDefault();
    setState({ is: "sending" });
    try {
      setState({ is: "sent", answer: await onSend(report) });
    } catch (error) {
      setState({ is: "failed", error });
    }
  };
  const link = (answer) => {
    const href = answer?.status_url || statusUrl;
    return href && html`<p><a href=${href} target="_blank" rel="noopener">See what is known on the status page</a></p>`;
  };
  if (state.is === "sent") {
    const { shape, text } = outcome(state.answer);
    return html`<${Dialog} title="It fails for me" onClose=${onClose}>
      <p class="x-outcome" role="status"><${Shape} of=${shape} /><span>${text}</span></p>${link(state.answer)}
      <div class="actions"><button type="button" class="primary" data-first ref=${(one) => one?.focus()} onClick=${onClose}>Close</button></div>
    <//>`;
  }
  return html`<${Dialog} title="It fails for me" onClose=${onClose}><form class="x-form" onSubmit=${send}>
    <div class="field"><label for="x-report-what">What fails?</label>
      <select id="x-report-what" value=${report.component} onChange=${set("component")}>${choices.map(([id, name]) => html`<option value=${id} selected=${id === report.component}>${name}</option>`)}</select></div>
    <fieldset class="x-chips"><legend>How? <span class="faint">(if you like)</span></legend>
      ${KINDS.map(([id, name]) => html`<label key=${id}><input type="radio" name="category" value=${id} checked=${report.category === id} onChange=${set("category")} /><span>${name}</span></label>`)}</fieldset>
    <div class="field"><label for="x-report-words">In your words <span class="faint">(if you like; nothing private)</span></label>
      <input id="x-report-words" maxlength=${WORDS_MAX} value=${report.words} onInput=${set("words")} autocomplete="off" /></div>
    ${state.is === "failed" && html`<p class="error" role="alert">${state.error?.message || "It could not be sent."} ${statusUrl && html`You can say it <a href=${statusUrl} target="_blank" rel="noopener">on the status page</a> itself, which runs apart from the chat.`}</p>`}
    <div class="actions"><button type="button" onClick=${onClose}>Cancel</button>
      <button class="primary" data-first disabled=${state.is === "sending"}>${state.is === "sending" ? "Sending…" : "Send"}</button></div>
  </form><//>`;
}
