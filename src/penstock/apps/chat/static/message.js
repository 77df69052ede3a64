/* One message: what a person wrote, or an answer, with what can be done to it.

   text      an answer's grows outside of the drawing of parts: the reader gets each piece at once
   siblings  other versions of it: a pager goes through them
   sending   unsent and failed ones say so, and what can be done */
import { carryOn, regenerate, sendEdited, showBranch } from "./actions.js";
import { Icon, IconButton } from "./icons.js";
import { Menu } from "./menu.js";
import { deliver, drop } from "./outgoing.js";
import { readerOf, Slot } from "./slots.js";
import { editing, isRunning, me, messageOf, placeOf, textOf, toast } from "./state.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";

const COPIED_MS = 1600;

export function Message({ id, isLast }) {
  const message = messageOf(id).value;
  if (!message) return null;
  return message.role === "user"
    ? html`<${Written} message=${message} />`
    : html`<${Answer} message=${message} isLast=${isLast} />`;
}

function Written({ message }) {
  const { id, sending, files } = message;
  if (editing.value === id) return html`<${Edit} message=${message} />`;
  const isThere = !sending;
  return html`<article class=${sending ? `written is-${sending}` : "written"} data-message=${id} aria-label="You wrote">
    <h2 class="sr">You wrote</h2>
    ${files?.length > 0 && html`<${Slot} name="sent_files" files=${files} fallback=${html`<${Names} files=${files} />`} />`}
    <div class="words" dir="auto">${textOf(id).text}</div>
    ${sending && sending !== "sending" && html`<${Slot} name="unsent" message=${message} fallback=${html`<${Unsent} message=${message} />`} />`}
    ${isThere && html`<div class="doing">
      <${Pager} message=${message} />
      <${Copy} id=${id} label="Copy what you wrote" />
      <${IconButton} icon="edit" label="Edit" onClick=${() => (editing.value = id)} />
    </div>`}
  </article>`;
}

function Names({ files }) {
  return html`<ul class="plain names">${files.map((file) => html`<li key=${file.id}>${file.name}</li>`)}</ul>`;
}

function Unsent({ message: { id, sending, error } }) {
  if (sending !== "unsent" && sending !== "failed") return null;
  const words = sending === "unsent"
    ? "Not sent yet. It is sent by itself when the connection is back."
    : `${error.message} ${error.remedy}`;
  return html`<div class="unsent" role="status"><p>${words}</p><div class="row">
    <button type="button" class="tiny" onClick=${() => deliver(id)}>Send now</button>
    <button type="button" class="tiny" onClick=${() => drop(id)}>Take back</button>
  </div></div>`;
}

function Edit({ message: { id } }) {
  const field = useRef(null);
  useEffect(() => {
    const { current } = field;
    current.focus();
    current.setSelectionRange(current.value.length, current.value.length);
  }, []);
  const close = () => {
    editing.value = "";
    document.getElementById("write")?.focus();
  };
  const save = () => {
    const text = field.current.value;
    if (text.trim() && text.length <= (me.peek()?.message_chars_max || Infinity)) sendEdited(id, text);
    document.getElementById("write")?.focus();
  };
  const onKey = (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  };
  return html`<article class="written is-edited" data-message=${id}>
    <textarea ref=${field} dir="auto" aria-label="Edit your message" onKeyDown=${onKey}
      defaultValue=${textOf(id).text}></textarea>
    <p class="small muted">The answer to it is made anew. What was said before is kept beside it.</p>
    <div class="row row-close"><button type="button" onClick=${close}>Cancel</button>
      <button type="button" class="primary" onClick=${save}>Send</button></div>
  </article>`;
}

function Answer({ message, isLast }) {
  const { id, state, sending } = message;
  const runs = isRunning(message);
  const isEmpty = state === "waiting" || (runs && !textOf(id).text);
  const shown = sending === "unsent" || sending === "failed" ? false : true;
  if (!shown) return null; // its question says what is the matter
  return html`<article class="answer" data-message=${id} data-state=${state} aria-busy=${runs} aria-label="Answer">
    <h2 class="sr">Answer</h2>
    <${Reasoning} id=${id} />
    <${Reading} id=${id} message=${message} runs=${runs} />
    ${isEmpty && html`<${Waiting} message=${message} />`}
    <${Slot} name="marks" message=${message} />
    <${Trouble} message=${message} isLast=${isLast} />
    ${!runs && html`<${Doing} message=${message} isLast=${isLast} />`}
  </article>`;
}

function Reading({ id, message, runs }) {
  const place = useRef(null);
  const reader = useRef(null);
  useLayoutEffect(() => {
    const text = textOf(id);
    reader.current = readerOf(place.current, message);
    reader.current.set(text.text);
    const hear = (at, more) => reader.current.append(at, more);
    text.hears.add(hear);
    return () => {
      text.hears.delete(hear);
      reader.current.close?.();
    };
  }, [id]);
  useLayoutEffect(() => {
    if (!runs) reader.current.end();
  }, [runs]);
  useEffect(() => reader.current.marks?.(message.marks || []), [message.marks?.length]);
  return html`<div ref=${place} class="reading" dir="auto"></div>`;
}

function Reasoning({ id }) {
  const [reasoning, setReasoning] = useState(textOf(id).reasoning);
  useEffect(() => {
    const text = textOf(id);
    const hear = () => setReasoning(text.reasoning);
    hear();
    text.hears.add(hear);
    return () => text.hears.delete(hear);
  }, [id]);
  return reasoning ? html`<details class="reasoning"><summary>Reasoning</summary>
    <div class="words" dir="auto">${reasoning}</div></details>` : null;
}

function Waiting({ message }) {
  const place = placeOf(message.id).value;
  const fallback = html`<p class="asking" role="status">${place && place.position > 0 ? `In line: ${place.position}` : "Asking"}</p>`;
  return html`<${Slot} name="waiting" message=${message} place=${place} fallback=${fallback} />`;
}

const ENDS = { stopped: "Stopped.", broken: "The answer broke off.", refused: "There is no answer." };

function Trouble({ message }) {
  const { id, state, error, finish } = message;
  const isCut = state === "done" && finish === "length";
  if (isRunning(message) || (state === "done" && !isCut)) return null;
  const again = () => regenerate(id);
  const goOn = () => carryOn(id);
  const words = isCut ? "The answer is as long as it may be." : error?.message || ENDS[state];
  const fallback = html`<div class="trouble" role="status"><p>${words} ${error?.remedy}</p></div>`;
  return html`<${Slot} name="trouble" message=${message} again=${again} carryOn=${goOn} fallback=${fallback} />`;
}

const canGoOn = ({ state, finish }) => state === "stopped" || state === "broken" || finish === "length";

function Doing({ message, isLast }) {
  const { id } = message;
  const models = me.value?.models || [];
  const others = models.map((model) => ({
    label: `Answer by ${model.name}`, act: () => regenerate(id, model.id),
  }));
  return html`<div class="doing">
    <${Pager} message=${message} />
    ${textOf(id).text && html`<${Copy} id=${id} label="Copy the answer" />`}
    <${IconButton} icon="again" label="Answer anew" onClick=${() => regenerate(id)} />
    ${isLast && canGoOn(message) && textOf(id).text && html`<${IconButton} icon="go_on" label="Continue" onClick=${() => carryOn(id)} />`}
    <${Menu} label="More about this answer" align="start" entries=${others} note=${about(message)} />
    ${message.answered_model && html`<span class="by">${message.answered_model}</span>`}
  </div>`;
}

const WHEN = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

function about({ ended_unix_s: at, output_tokens: tokens }) {
  const when = at ? WHEN.format(at * 1000) : "";
  return [when, tokens ? `${tokens} tokens` : ""].filter(Boolean).join(" · ");
}

function Copy({ id, label }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    if (!(await copyText(textOf(id).text))) return;
    setDone(true);
    setTimeout(() => setDone(false), COPIED_MS);
  };
  return html`<${IconButton} icon=${isDone ? "check" : "copy"} label=${isDone ? "Copied" : label} onClick=${copy} />`;
}

/** Put a text on the clipboard; returns false, and says so, where the browser does not let us. */
export async function copyText(text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else if (!copyOld(text)) throw new Error("refused");
    return true;
  } catch {
    toast("The browser does not let this page copy. Mark the text and copy it yourself.");
    return false;
  }
}

/** Copy where a page without https has no clipboard: what is marked in a field that nobody sees. */
function copyOld(text) {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr";
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  before?.focus();
  return isDone;
}

function Pager({ message: { id, siblings } }) {
  if (!siblings || siblings.length < 2) return null;
  const at = siblings.indexOf(id);
  const step = (to, icon, label) => html`<${IconButton} icon=${icon} label=${label}
    disabled=${to < 0 || to >= siblings.length} onClick=${() => showBranch(siblings[to])} />`;
  return html`<div class="pager" role="group" aria-label="Versions">
    ${step(at - 1, "before", "Version before")}
    <span aria-label=${`Version ${at + 1} of ${siblings.length}`}>${at + 1}/${siblings.length}</span>
    ${step(at + 1, "after", "Next version")}
  </div>`;
}
