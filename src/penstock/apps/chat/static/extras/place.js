// Puts the parts of extras/ where the shell has places for them (../slots.js).

import { stop } from "../actions.js";
import { ask } from "../api.js";
import { deliver, drop } from "../outgoing.js";
import { act, fill, holds } from "../slots.js";
import { choiceOf, connection, draftOf, isOld, me, messages, names, notices, openConversation, thread } from "../state.js";
import { effect, html, signal, useEffect, useState } from "../ui.js";
import { Dialogs, openByName, report } from "./dialogs.js";
import { AttachedFiles, MessageFiles, PickFiles } from "./file_parts.js";
import { attaching, filesOf, refusal, uploading } from "./files.js";
import { isLasting, keepAll } from "./kept.js";
import { Marks } from "./marks.js";
import { Notices, ownNotices } from "./notices.js";
import { installWorker, online } from "./offline.js";
import { ModelPicker } from "./picker.js";
import { failedComponent } from "./failed.js";
import { Trouble } from "./trouble.js";
import { Unsent } from "./unsent.js";
import { WaitingRoom } from "./waiting.js";

const modelOf = (id) => (me.value?.models ?? []).find((one) => one.id === id) ?? null;

function countUnsent() {
  return thread.value.ids.filter((id) => messages.get(id)?.value?.sending === "unsent" && messages.get(id).value.role === "user").length;
}

function PlacedNotices() {
  const own = ownNotices({ connection: connection.value, isOnline: online.value, unsent: countUnsent() });
  const old = isOld.value ? [{ id: "own-old", level: "info", text: "There is a newer version of this page. It comes when you load the page again." }] : [];
  return html`<${Notices} notices=${[...own, ...notices.value, ...old]} onReport=${report} />`;
}

function PlacedWaiting({ message, place }) {
  const [isLeaving, setLeaving] = useState(false);
  const leave = async () => {
    setLeaving(true);
    await stop(message.id);
    setLeaving(false);
  };
  return html`<${WaitingRoom} place=${place} onLeave=${leave} isLeaving=${isLeaving || Boolean(message.sending)} />`;
}

function PlacedTrouble({ message, again, carryOn: goOn }) {
  const [isBusy, setBusy] = useState(false);
  const once = (work) => async () => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  return html`<${Trouble} message=${message} isBusy=${isBusy} onRetry=${once(again)} onContinue=${once(goOn)} onReport=${() => report(failedComponent({ message }))} />`;
}

function PlacedUnsent({ message }) {
  const edit = () => {
    const entry = drop(message.id);
    if (entry) draftOf(entry.isNew ? "" : entry.conversation).value = entry.text;
    document.getElementById("write")?.focus();
  };
  const words = message.error ? `${message.error.message} ${message.error.remedy ?? ""}` : "";
  return html`<${Unsent} item=${{ state: message.sending, words }} isOnline=${online.value} isLasting=${isLasting.value} onAgain=${() => deliver(message.id)} onEdit=${edit} onThrowAway=${() => drop(message.id)} />`;
}

function PlacedPicker({ model, choose }) {
  const models = me.value?.models ?? [];
  return models.length > 1 ? html`<${ModelPicker} models=${models} value=${model} onPick=${choose} opensUp />` : null;
}

const attached = attaching({
  limits: () => ({ bytes: me.peek()?.file_bytes_max ?? 0, count: me.peek()?.files_message_max ?? 0 }),
  upload: uploading(),
  drop: (id) => ask("DELETE", `/files/${encodeURIComponent(id)}`).catch(() => {}), // it goes by itself later
});

/** Let the composer's list be what has arrived; when it empties that, all is sent. */
function join(files) {
  let given = files.peek();
  const out = effect(() => {
    const ready = attached.files.value.filter((one) => one.state === "ready").map((one) => one.file);
    if (ready.length || given.length) files.value = given = ready;
  });
  const back = effect(() => {
    if (files.value !== given && !files.value.length) {
      given = files.value;
      attached.clear();
    }
  });
  return () => { out(); back(); };
}

const isOver = signal(false);

/** Files may be dropped anywhere on the page, and pasted where one writes. */
function takeFiles() {
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  const over = (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    isOver.value = true;
  };
  // Counting who was entered and left goes wrong where the page is redrawn under the pointer.
  const leave = (event) => { if (!event.relatedTarget) isOver.value = false; };
  const dropped = (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    isOver.value = false;
    attached.add(filesOf(event));
  };
  const pasted = (event) => {
    const files = event.target?.id === "write" ? filesOf(event) : [];
    if (!files.length) return;
    event.preventDefault();
    attached.add(files);
  };
  const all = { dragenter: over, dragover: over, dragleave: leave, drop: dropped, paste: pasted };
  for (const [name, work] of Object.entries(all)) document.addEventListener(name, work);
  return () => { for (const [name, work] of Object.entries(all)) document.removeEventListener(name, work); };
}

function PlacedAttached({ files }) {
  useEffect(() => effect(() => { holds.value = attached.isBusy ? "A file is still on its way. Send when it is there, or take it out." : ""; }), []);
  useEffect(() => {
    const [leave, stopTaking] = [join(files), takeFiles()];
    return () => { leave(); stopTaking(); };
  }, [files]);
  const chosen = openConversation()?.model || choiceOf(thread.value.id).value.model;
  const model = modelOf(chosen);
  const limits = { bytes: 0 };
  return html`<${AttachedFiles} attached=${attached} whyNot=${(one) => (model ? refusal({ type: one.kind, size: one.bytes }, limits, model) : "")} />
    ${isOver.value && html`<div class="x-drop">Drop images or PDFs here</div>`}`;
}

function Foot() {
  const who = me.value;
  const open = (name) => (event) => { event.preventDefault(); act(name); };
  return html`<nav class="x-foot" aria-label="Account and settings">
    <a href="/account" class="x-who" title=${who?.email || who?.name || "Account"}>${who?.is_guest ? "Guest" : who?.name || "Account"}</a>
    <button type="button" class="quiet tiny" onClick=${open("settings")}>Settings</button>
    <button type="button" class="quiet tiny" onClick=${open("help")}>Keys</button>
    ${who?.status_url && html`<a href=${who.status_url} target="_blank" rel="noopener">Status</a>`}
  </nav>`;
}

/** Fill all places; once, before the page is drawn. */
export function placeExtras() {
  keepAll();
  openByName();
  fill("banners", PlacedNotices);
  fill("waiting", PlacedWaiting);
  fill("marks", ({ message }) => html`<${Marks} marks=${message.marks ?? []} names=${names.value} />`);
  fill("trouble", PlacedTrouble);
  fill("unsent", PlacedUnsent);
  fill("picker", PlacedPicker);
  fill("attach", () => html`<${PickFiles} attached=${attached} />`);
  fill("attached", PlacedAttached);
  fill("sent_files", ({ files }) => html`<${MessageFiles} files=${files} />`);
  fill("settings", Foot);
  fill("dialogs", Dialogs);
  installWorker();
}

