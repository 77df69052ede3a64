/* Where one writes. It stays put, grows with the text, and keeps what is not sent.

   Enter         sends, Shift+Enter is a new line; or Ctrl/Cmd+Enter sends, if the person has chosen so
   Up            in the empty field: edits the last message
   while an answer is under way the button stops it; what is written meanwhile stays in the field
   too long      is said before it is sent, with the figure */
import { chooseModel, sendHere, stopHere } from "./actions.js";
import { Icon } from "./icons.js";
import { holds, Slot } from "./slots.js";
import { choiceOf, draftOf, editing, isRunning, lastOf, me, messageOf, openConversation, thread, toast } from "./state.js";
import { html, signal, useEffect, useLayoutEffect, useRef } from "./ui.js";

const COUNT_FROM = 0.8; // of the limit
const taken = signal([]); // files for what is written now

export function Composer() {
  const field = useRef(null);
  const opened = thread.value;
  const draft = draftOf(opened.id);
  const text = draft.value;
  const last = lastOf(opened);
  const isBusy = isRunning(last);
  const limit = me.value?.message_chars_max || 0;
  const length = limit && text.length > limit * COUNT_FROM ? [...text].length : 0;
  const isTooLong = length > limit;
  const model = openConversation()?.model || choiceOf(opened.id).value.model || "auto";
  const canSend = (text.trim() || taken.value.length) && !holds.value && !isTooLong && !isBusy && opened.phase !== "loading";

  useLayoutEffect(() => grow(field.current), [text, opened.id]);
  useEffect(() => {
    taken.value = [];
    if (matchMedia("(hover: hover)").matches) field.current.focus({ preventScroll: true });
  }, [opened.id]);

  const submit = () => {
    if (!text.trim() && !taken.peek().length) return;
    if (isTooLong) return;
    if (holds.peek()) {
      toast(holds.peek());
      return;
    }
    if (!sendHere(text, taken.peek())) {
      toast("An answer is under way. Send after it, or stop it first (Esc).");
      return;
    }
    taken.value = [];
    field.current.focus();
  };
  const onKey = (event) => {
    if (event.isComposing || event.keyCode === 229) return; // a word is being put together
    if (event.key === "Enter" && doesSend(event)) {
      event.preventDefault();
      submit();
    }
    if (event.key === "ArrowUp" && !text && editLast()) event.preventDefault();
  };
  const files = { conversation: opened.id, files: taken };
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); submit(); }}>
    <${Slot} name="attached" ...${files} />
    <label class="sr" for="write">Your message</label>
    <textarea ref=${field} id="write" rows="1" dir="auto" placeholder="Write a message" value=${text}
      aria-invalid=${isTooLong} aria-describedby=${length ? "write-count" : undefined} enterkeyhint="enter"
      onInput=${(event) => (draft.value = event.target.value)} onKeyDown=${onKey}></textarea>
    <div class="composer-foot">
      <${Slot} name="attach" ...${files} />
      <${Slot} name="picker" model=${model} choose=${chooseModel} fallback=${html`<${Picker} model=${model} />`} />
      ${length > 0 && html`<span id="write-count" class=${isTooLong ? "count is-over" : "count"} role="status">
        ${length.toLocaleString()} of ${limit.toLocaleString()} characters</span>`}
      ${isBusy
        ? html`<button type="button" class="send" aria-label="Stop the answer" title="Stop (Esc)" disabled=${Boolean(last.sending)}
            onClick=${stopHere}><${Icon} name="stop" /></button>`
        : html`<button class="send primary" aria-label="Send" title="Send" disabled=${!canSend}><${Icon} name="up" /></button>`}
    </div>
  </form>`;
}

function doesSend(event) {
  const isMod = event.ctrlKey || event.metaKey;
  if (me.peek()?.settings?.sends_with === "mod+enter") return isMod;
  return !event.shiftKey && !event.altKey;
}

/** Edit the last thing that the person wrote here. */
export function editLast() {
  const mine = thread.peek().ids.filter((id) => messageOf(id).peek()?.role === "user");
  const id = mine.at(-1);
  if (!id || messageOf(id).peek().sending) return false;
  editing.value = id;
  return true;
}

function Picker({ model }) {
  const models = me.value?.models || [];
  if (models.length < 2) return null;
  return html`<select class="picker" aria-label="Model" value=${model} onChange=${(event) => chooseModel(event.target.value)}>
    ${models.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select>`;
}

/** As high as its text, up to what its style says; browsers that can do it by themselves do. */
function grow(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
