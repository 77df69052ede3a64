/* Begins the pages: takes what the server put into the page, draws the shell, opens the stream.

   data       <script type="application/json" id="data">: {me, page, thread, seq, name}; what is
              missing (an offline shell, a database that was slow) is asked for
   extras     what stands beside text and list (dialogs, files, pickers, banners) is fetched meanwhile;
              who has been here has it already, and sees no difference: the page waits EXTRAS_MS
   routes     / is a new conversation, /c/ID one of the list; going back and forth draws, no more */
import { go, idIn } from "./actions.js";
import { Composer } from "./composer.js";
import { Confirm } from "./confirm.js";
import { apply } from "./events.js";
import { IconButton } from "./icons.js";
import { pause } from "./api.js";
import { listen } from "./keys.js";
import { anew, loadList, loadMe, showThread, takeThread } from "./loading.js";
import { seamed } from "./extras/seams.js";
import { Menu } from "./menu.js";
import { sendWhenBack } from "./outgoing.js";
import { entriesOf, Sidebar } from "./sidebar.js";
import { readers } from "./reading/readers.js";
import { Slot, useReader } from "./slots.js";
import { connection, conversations, dropToast, isDrawerOpen, isOld, me, names, nextPage, notices, openConversation, thread, toasts } from "./state.js";
import { Stream } from "./stream.js";
import { Thread } from "./thread.js";
import { effect, html, render } from "./ui.js";
import { watchAnswers } from "./watching.js";

const EXTRAS_MS = 120; // longer, and the page is drawn without them first

function App({ name }) {
  const conversation = openConversation();
  const isOpen = isDrawerOpen.value;
  return html`<${Sidebar} name=${name} />
    <div class="main" inert=${isOpen && matchMedia("(max-width: 760px)").matches}>
      <header class="head">
        <${IconButton} id="open-side" icon="menu" label="Open the list" class="icon-button only-phone"
          aria-expanded=${isOpen} aria-controls="side" onClick=${() => (isDrawerOpen.value = true)} />
        <h1>${conversation?.title || "New conversation"}</h1>
        ${conversation && html`<${Menu} label="More about this conversation" entries=${entriesOf(conversation)} />`}
      </header>
      <main id="content" tabindex="-1"><${Thread} /></main>
      <section class="dock" aria-label="Write">
        <${Slot} name="banners" fallback=${html`<${Banners} />`} />
        <${Composer} />
      </section>
    </div>
    <${Confirm} /><${Slot} name="dialogs" /><${Toasts} />`;
}

const STATES = { connecting: "", offline: "The chat does not answer. What you write is kept; we try again by ourselves." };

function Banners() {
  const words = STATES[connection.value] || "";
  return html`<div class="banners" role="status">
    ${isOld.value && html`<p class="notice">There is a newer version of this page.
      <button type="button" class="tiny" onClick=${() => location.reload()}>Load it</button></p>`}
    ${words && html`<p class="notice">${words}</p>`}
    ${notices.value.map((notice) => html`<p key=${notice.id} class="notice" data-level=${notice.level}>${notice.text}
      ${notice.href && html` <a href=${notice.href}>More</a>`}</p>`)}
  </div>`;
}

function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map((each) => html`
    <div key=${each.id} class="toast"><span>${each.text}</span>
      <${IconButton} icon="close" label="Close" onClick=${() => dropToast(each.id)} /></div>`)}</div>`;
}

function told() {
  const place = document.getElementById("data");
  return place ? JSON.parse(place.textContent) : {};
}

/** Return where answers are announced to those who listen: beside the page, so that no drawing takes it away. */
function voice() {
  const region = document.createElement("div");
  region.className = "sr";
  region.setAttribute("aria-live", "polite");
  document.body.append(region);
  return region;
}

/** Put what came with the page where it is read. */
function takePage({ me: who, page, thread: opened }) {
  if (who) me.value = who;
  if (page) {
    conversations.value = page.items;
    nextPage.value = page.next;
  }
  const id = idIn(location.pathname);
  if (opened && opened.conversation.id === id) {
    thread.value = { ...thread.peek(), id, phase: "loading" };
    takeThread(opened);
  } else if (id) {
    showThread(id);
  }
}

async function begin() {
  const given = told();
  takePage(given);
  addEventListener("popstate", () => go(idIn(location.pathname), { isReplacing: true }));
  listen();
  useReader(seamed(readers(voice()), () => names.peek()));
  const extras = import("./extras/place.js").then((there) => there.placeExtras());
  await Promise.race([extras, pause(EXTRAS_MS)]);
  effect(() => {
    document.title = `${openConversation()?.title || "New conversation"} · ${given.name || "Chat"}`;
  });
  render(html`<${App} name=${given.name || "Chat"} />`, document.getElementById("app"));
  document.documentElement.dataset.ready = "";
  if (!given.me) await loadMe().catch(() => {});
  if (!given.page) loadList().catch(() => {});
  stream(given.seq || 0);
  watchAnswers();
  sendWhenBack();
}

function stream(seq) {
  const account = me.peek()?.account || "unknown";
  const state = (now) => {
    const isBack = now === "live" && connection.peek() !== "live";
    if (isBack) loadMe().catch(() => {}); // somebody else may have logged in meanwhile
    connection.value = now;
  };
  new Stream({ account, seq, apply, anew, state }).start();
}

begin();
