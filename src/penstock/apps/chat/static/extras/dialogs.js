// Which dialog is open, and what opens it: the palette, settings, instructions, keys, a report.
// What they look like is fetched when the first one is opened, or when the page has nothing to do.

import { change, go } from "../actions.js";
import { ask } from "../api.js";
import { choiceOf, conversations, me, openConversation, thread, toast } from "../state.js";
import { act, on } from "../slots.js";
import { html, signal } from "../ui.js";
import { SHORTCUTS } from "./keys.js";
import { applySettings } from "./settings.js";

const IDLE_MS = 4000;
const FOUND_MAX = 20;

const open = signal(null); // {name, ...props}
const parts = signal(null);

const close = () => { open.value = null; };

async function load() {
  try {
    parts.value ??= await import("./dialog_parts.js");
  } catch {
    toast("This part of the page could not be loaded. Try again when the chat is back.", { isBad: true });
    close();
  }
}

function show(name, props = {}) {
  open.value = { name, ...props };
  load();
}

async function saveSettings(changed) {
  const told = await ask("PATCH", "/me", { body: { settings: { ...me.peek()?.settings, ...changed } } });
  if (told?.account) me.value = told;
  else me.value = { ...me.peek(), settings: { ...me.peek()?.settings, ...changed } };
}

async function saveInstructions(conversation, text) {
  if (conversation.id) await change(conversation, { system_prompt: text });
  else choiceOf("").value = { ...choiceOf("").peek(), system_prompt: text };
}

const search = async (query) => (await ask("GET", `/search?limit=${FOUND_MAX}&q=${encodeURIComponent(query)}`)).items;

function commands() {
  const keysOf = (id) => SHORTCUTS.flatMap((group) => group.keys).find(([one]) => one === id)?.[1];
  const status = me.peek()?.status_url;
  return [
    { id: "new", name: "New conversation", keys: keysOf("new"), run: () => go("") },
    { id: "instructions", name: "Instructions for this conversation", run: () => act("instructions") },
    { id: "settings", name: "Settings: colours, size, keys", run: () => act("settings") },
    { id: "help", name: "Keys", keys: keysOf("help"), run: () => act("help") },
    { id: "report", name: "It fails for me", run: () => act("report") },
    { id: "export", name: "Export all conversations", run: () => location.assign("/api/v1/export") },
    { id: "account", name: "Account, log out", run: () => location.assign("/account") },
    ...(status ? [{ id: "status", name: "Status page", run: () => window.open(status, "_blank", "noopener") }] : []),
  ];
}

/** What is known to be wrong with what is open, for the report. */
export function report(component = "web") {
  show("report", { component });
}

/** Let names open them: ``act("palette")`` and the like. */
export function openByName() {
  on("palette", () => (open.peek()?.name === "palette" ? close() : show("palette")));
  on("settings", () => show("settings"));
  on("help", () => show("help"));
  on("report", report);
  on("instructions", (conversation) => show("instructions", { conversation: conversation ?? openConversation() ?? { id: "", ...choiceOf(thread.peek().id).peek() } }));
  setTimeout(load, IDLE_MS);
}

export function Dialogs() {
  const what = open.value;
  const made = parts.value;
  if (!what || !made) return null;
  const props = { key: what.name, onClose: close };
  const who = me.value ?? {};
  switch (what.name) {
    case "palette":
      return html`<${made.Palette} ...${props} commands=${commands()} conversations=${conversations.value} search=${search} onOpen=${(one) => go(one.id)} />`;
    case "settings":
      return html`<${made.SettingsDialog} ...${props} settings=${who.settings} onChange=${async (changed) => { applySettings({ ...who.settings, ...changed }); await saveSettings(changed); }} />`;
    case "help":
      return html`<${made.ShortcutsDialog} ...${props} sendsWith=${who.settings?.sends_with} />`;
    case "report":
      return html`<${made.ReportDialog} ...${props} component=${what.component} models=${who.models ?? []} statusUrl=${who.status_url} onSend=${(body) => ask("POST", "/reports", { body, isSafe: true })} />`;
    case "instructions":
      return html`<${made.SystemPromptDialog} ...${props} conversation=${what.conversation} onSave=${(text) => saveInstructions(what.conversation, text)} />`;
    default:
      return null;
  }
}
