/* Every state of the parts in extras/, without a server: ?show=NAME shows one group, or one dialog. */
import { html, render } from "/assets/0123456789ab/ui.js";
import { Confirm } from "/assets/0123456789ab/extras/dialog.js";
import { AttachedFiles, MessageFiles, PickFiles } from "/assets/0123456789ab/extras/file_parts.js";
import { attaching } from "/assets/0123456789ab/extras/files.js";
import { Marks, Seam, pieces } from "/assets/0123456789ab/extras/marks.js";
import { Notices, ownNotices } from "/assets/0123456789ab/extras/notices.js";
import { Palette } from "/assets/0123456789ab/extras/palette.js";
import { ModelPicker } from "/assets/0123456789ab/extras/picker.js";
import { ReportDialog } from "/assets/0123456789ab/extras/report.js";
import { SettingsDialog, SystemPromptDialog } from "/assets/0123456789ab/extras/settings_parts.js";
import { ShortcutsDialog } from "/assets/0123456789ab/extras/shortcuts.js";
import { Failed, Trouble } from "/assets/0123456789ab/extras/trouble.js";
import { Unsent } from "/assets/0123456789ab/extras/unsent.js";
import { WaitingRoom } from "/assets/0123456789ab/extras/waiting.js";

const none = () => {};
const LONG = "a-model-with-a-name-as-long-as-names-of-models-tend-to-become-2026-11-22";
const MODELS = [
  { id: "auto", name: "Auto", state: "unknown" },
  { id: "claude", name: "Claude Sonnet", state: "major_outage" },
  { id: "gpt", name: "GPT-5", state: "operational" },
  { id: "gemini", name: "Gemini Pro", state: "degraded_performance" },
  { id: "local", name: "Llama, in our own house", state: "under_maintenance", takes_images: false, takes_documents: false },
  { id: LONG, name: LONG, state: "partial_outage", takes_documents: false },
  { id: "new", name: "Newcomer" },
];
const NAMES = new Map(MODELS.map((one) => [one.id, one.name]));
const NOTICES = [
  { id: "1", level: "info", text: "On Sunday from 02:00 to 03:00 UTC we replace a machine. Nothing should be noticed." },
  { id: "2", level: "bad", text: "Claude fails. Your questions go to GPT-5 meanwhile.", href: "#status", component: "claude" },
  { id: "3", level: "degraded", text: "Many people are asking right now: answers of free accounts are kept short.", href: "#status" },
];
const CONVERSATIONS = [
  { id: "c1", title: "Leaky taps and what to do about them", is_running: true },
  { id: "c2", title: "Grammar of Swedish" }, { id: "c3", title: "" },
];
const HITS = [{ id: "c4", title: "Water", snippet: "… how a \u2068penstock\u2069 leads water to a turbine <b>not bold</b> …" }];
const COMMANDS = [{ id: "new", name: "New conversation", keys: "mod+shift+o", run: none }, { id: "settings", name: "Settings", run: none }, { id: "help", name: "Keys", keys: "mod+/", run: none }];
const message = (changed) => ({ id: "m", role: "assistant", state: "done", marks: [], ...changed });
const refused = { code: "overloaded", message: "Claude is overloaded, and so is what would take its place. That is the providers' fault, not yours.", remedy: "Ask again in a minute, or choose another model.", request: "req_0123456789abcdef", can_retry: true };
const place = (position, eta_s, reason = "capacity") => ({ message: "m", position, eta_s, reason });
const FILES = [
  { id: "f1", name: "valley.png", kind: "image/png", bytes: 23456, width: 640, height: 360 },
  { id: "f2", name: "drawing of the whole plant, second version.pdf", kind: "application/pdf", bytes: 3456789, pages: 12 },
  { id: "f3", name: "gate.png", kind: "image/png", bytes: 12345, width: 360, height: 640 },
];
const TEXT = "A penstock is a pipe that leads water from a reservoir to a turbine. Its gate is closed for maintenance. Behind it, pressure falls.";

export const attached = attaching({
  limits: () => ({ bytes: 20_000_000, count: 4 }),
  upload: (file, { part }) => new Promise((resolve, reject) => {
    part(0.42);
    if (file.name.includes("fails")) reject(new Error("The chat cannot be reached. Try again when you are online."));
    else if (!file.name.includes("slow")) resolve({ id: `u-${file.name}`, name: file.name, kind: file.type, bytes: file.size, pages: file.type.endsWith("pdf") ? 3 : 0 });
  }),
});
window.attached = attached;

function sample(name, type, bytes = 20_000) {
  return new File([new Uint8Array(bytes)], name, { type });
}

async function picture() {
  const paper = new OffscreenCanvas(64, 48);
  const pen = paper.getContext("2d");
  pen.fillStyle = "#2a7ab0";
  pen.fillRect(0, 0, 64, 48);
  pen.fillStyle = "#f0c060";
  pen.fillRect(16, 12, 20, 20);
  return new File([await paper.convertToBlob()], "pasted image.png", { type: "image/png" });
}

const GROUPS = {
  banners: () => html`<${Notices} notices=${NOTICES} onReport=${none} /><${Notices} notices=${NOTICES.slice(0, 1)} />
    <${Notices} notices=${ownNotices({ isOnline: false, unsent: 2 })} /><${Notices} notices=${ownNotices({ connection: "offline", unsent: 1 })} /><${Notices} notices=${[]} />`,
  waiting: () => html`<${WaitingRoom} place=${null} onLeave=${none} /><${WaitingRoom} place=${place(1234, 5400)} onLeave=${none} /><${WaitingRoom} place=${place(12, 40)} onLeave=${none} nowS=${() => 100} />
    <${WaitingRoom} place=${place(2, -1, "gateway")} onLeave=${none} /><${WaitingRoom} place=${place(1, 3, "person")} onLeave=${none} nowS=${() => 1} /><${WaitingRoom} place=${place(0, 0)} onLeave=${none} isLeaving />`,
  marks: () => html`<${Marks} names=${NAMES} marks=${[{ kind: "failover", model: "gpt", because: "Claude was overloaded" }]} /><${Marks} names=${NAMES} marks=${[{ kind: "smaller", model: "gemini" }, { kind: "shortened" }]} />
    <div>${pieces(TEXT, [{ kind: "continued", at: 69, model: "gpt", because: "Claude broke off" }, { kind: "resumed", at: 105 }]).map((one) => html`${one.mark && html`<${Seam} mark=${one.mark} names=${NAMES} />`}<p>${one.text}</p>`)}</div>
    <${Seam} mark=${{ kind: "continued", at: 1, model: LONG, because: "the provider closed the connection in the middle of the answer without saying why" }} />`,
  troubles: () => html`<${Trouble} message=${message({ state: "refused", error: refused })} onRetry=${none} onContinue=${none} onReport=${none} /><${Trouble} message=${message({ state: "broken", error: { code: "broken", message: "Claude stopped in the middle, and nobody could go on.", request: "req_1" } })} onRetry=${none} onContinue=${none} onReport=${none} />
    <${Trouble} message=${message({ state: "refused", error: { code: "too_long", message: "This conversation is longer than GPT-5 can read: 210,000 of 200,000 tokens.", remedy: "Begin a new conversation, or choose a model that reads more.", can_retry: false } })} onRetry=${none} onContinue=${none} />
    <${Trouble} message=${message({ state: "stopped" })} onRetry=${none} onContinue=${none} /><${Trouble} message=${message({ finish: "length" })} onRetry=${none} onContinue=${none} />
    <${Failed} what="This conversation did not come." error=${{ message: "The chat's database is busy.", remedy: "Try again in a moment.", request: "req_2" }} onRetry=${none} onReport=${none} />`,
  unsent: () => html`<${Unsent} item=${{ state: "unsent", words: "" }} isOnline=${false} onThrowAway=${none} /><${Unsent} item=${{ state: "unsent", words: "" }} isLasting=${false} onThrowAway=${none} /><${Unsent} item=${{ state: "sending", words: "" }} />
    <${Unsent} item=${{ state: "failed", words: "The message has 120,000 characters; 100,000 is the most." }} onAgain=${none} onEdit=${none} onThrowAway=${none} />`,
  files: () => html`<${AttachedFiles} attached=${attached} whyNot=${(one) => (one.kind === "application/pdf" ? "Llama reads no PDFs. Choose another model, or take it out." : "")} /><${PickFiles} attached=${attached} /><${MessageFiles} files=${FILES} />`,
  picker: () => html`<${ModelPicker} models=${MODELS} value="auto" onPick=${none} /><${ModelPicker} models=${MODELS} value="claude" onPick=${none} />`,
};

const DIALOGS = {
  "picker-open": () => html`<div class="room"><${ModelPicker} models=${MODELS} value="claude" onPick=${none} isOpen /></div>`,
  report: () => html`<${ReportDialog} component="claude" models=${MODELS} statusUrl="#status" onClose=${none} onSend=${async () => ({ is_counted: true, why: "counted", reports_hour: 43, status_url: "#status" })} />`,
  "report-fails": () => html`<${ReportDialog} component="web" models=${MODELS} statusUrl="#status" onClose=${none} onSend=${async () => { throw new Error("The status page does not answer."); }} />`,
  settings: () => html`<${SettingsDialog} settings=${{}} onChange=${none} onClose=${none} />`,
  system: () => html`<${SystemPromptDialog} conversation=${{ system_prompt: "Answer in Swedish." }} onSave=${async () => {}} onClose=${none} />`,
  shortcuts: () => html`<${ShortcutsDialog} onClose=${none} />`,
  palette: () => html`<${Palette} commands=${COMMANDS} conversations=${CONVERSATIONS} search=${async () => HITS} onOpen=${none} onClose=${none} />`,
  "palette-found": () => html`<${Palette} query="w" commands=${COMMANDS} conversations=${CONVERSATIONS} search=${async () => HITS} onOpen=${none} onClose=${none} />`,
  "palette-fails": () => html`<${Palette} query="zzz" commands=${COMMANDS} conversations=${CONVERSATIONS} search=${async () => { throw new Error("away"); }} onOpen=${none} onClose=${none} />`,
  "confirm-delete": () => html`<${Confirm} title=${`Delete “${CONVERSATIONS[0].title}”?`} verb="Delete" onYes=${none} onClose=${none}><p>All of its messages are deleted.</p><//>`,
};

const asked = new URLSearchParams(location.search).get("show");
if (asked === null || asked === "files") attached.add([await picture(), sample("the plan of the gate.pdf", "application/pdf"), sample("slow.png", "image/png", 4_000_000), sample("fails.png", "image/png"), sample("fifth.png", "image/png")]);
const shown = asked in DIALOGS ? { [asked]: DIALOGS[asked] } : asked ? { [asked]: GROUPS[asked] } : GROUPS;
render(html`<h1>Gallery of states</h1>${Object.entries(shown).map(([name, make]) => html`<section key=${name}><h2>${name}</h2>${make()}</section>`)}`, document.getElementById("gallery"));
document.documentElement.dataset.drawn = "yes";
