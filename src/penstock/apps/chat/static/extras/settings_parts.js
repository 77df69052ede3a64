// The dialogs of settings, and of a conversation's instructions (its system prompt).

import { html, useState } from "../ui.js";
import { Dialog } from "./dialog.js";
import { CHOICES, applySettings, settingsOf } from "./settings.js";
import { isMac, number } from "./words.js";

function Choice({ name, title, choices, value, onPick }) {
  return html`<fieldset class="x-chips"><legend>${title}</legend>
    ${choices.map(([id, word], index) => html`<label key=${id}><input type="radio" name=${name} value=${id} checked=${value === id} data-first=${name === "theme" && (value === id || (index === 0 && !value)) ? "" : undefined} onChange=${() => onPick({ [name]: id })} /><span>${word}</span></label>`)}
  </fieldset>`;
}

/** @param {{settings: object, onChange: (changed: object) => Promise<void> | void, onClose: () => void}} props */
export function SettingsDialog({ settings, onChange, onClose, children }) {
  const [trouble, setTrouble] = useState("");
  const [shown, setShown] = useState(settingsOf(settings));
  const pick = async (changed) => {
    const next = { ...shown, ...changed };
    setShown(next);
    applySettings(next);
    try {
      await onChange(changed);
      setTrouble("");
    } catch {
      setTrouble("It is set here, but could not be kept for your other devices. Try again when we are back.");
    }
  };
  const send = isMac() ? "⌘ Enter" : "Ctrl Enter";
  return html`<${Dialog} title="Settings" onClose=${onClose}><div class="x-form">
    <${Choice} name="theme" title="Colours" choices=${CHOICES.theme} value=${shown.theme} onPick=${pick} />
    <${Choice} name="text_size" title="Size of the text" choices=${CHOICES.text_size} value=${shown.text_size} onPick=${pick} />
    <${Choice} name="sends_with" title="Send with" choices=${[["enter", "Enter"], ["mod+enter", send]]} value=${shown.sends_with} onPick=${pick} />
    <${Choice} name="motion" title="Motion" choices=${CHOICES.motion} value=${shown.motion} onPick=${pick} />
    ${trouble && html`<p class="error" role="alert">${trouble}</p>`}${children}
    <div class="actions"><button type="button" class="primary" onClick=${onClose}>Done</button></div>
  </div><//>`;
}

/** What a conversation's models are told first. */
export function SystemPromptDialog({ conversation, charsMax = 20000, onSave, onClose }) {
  const [text, setText] = useState(conversation.system_prompt ?? "");
  const [state, setState] = useState({ is: "open" });
  const over = text.length - charsMax;
  const save = async (event) => {
    event.preventDefault();
    setState({ is: "saving" });
    try {
      await onSave(text.trim());
      onClose();
    } catch (error) {
      setState({ is: "failed", error });
    }
  };
  return html`<${Dialog} title="Instructions for this conversation" onClose=${onClose} wide><form class="x-form" onSubmit=${save}>
    <div class=${`field ${over > 0 ? "field-bad" : ""}`}><label for="x-system">What the model should keep in mind</label>
      <textarea id="x-system" data-first rows="8" value=${text} aria-describedby="x-system-hint" placeholder="You help with Swedish grammar. Answer in short sentences." onInput=${(event) => setText(event.target.value)}></textarea>
      ${over > 0 ? html`<p class="error" id="x-system-hint">This is ${number(over)} characters too long; ${number(charsMax)} is the most.</p>` : html`<p class="hint" id="x-system-hint">Counts from the next message on. Only this conversation knows it.</p>`}</div>
    ${state.is === "failed" && html`<p class="error" role="alert">${state.error?.message || "It could not be saved."} What you wrote is still here.</p>`}
    <div class="actions">${conversation.system_prompt && html`<button type="button" class="x-left" onClick=${() => setText("")}>Clear</button>`}
      <button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${over > 0 || state.is === "saving"}>Save</button></div>
  </form><//>`;
}
