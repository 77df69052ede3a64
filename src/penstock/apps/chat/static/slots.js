/* Places that others fill. A part is a function of props that returns html``; until it is there the
   place shows what stands in it here, or nothing.

     fill("banners", Banners)          in the file that makes it, as it is loaded
     html`<${Slot} name="banners" />`  where it is shown

   name            props                          where
   banners         {}                             above the composer
   waiting         {message, place}               in place of an answer's text, while it waits
   marks           {message}                      under an answer: who answered, and why
   trouble         {message, again, carryOn}      under an answer that broke or was refused
   picker          {model, choose}                in the composer: which model is asked
   attach          {conversation, files, add}     in the composer: the button that takes files; files
                                                  is a signal of [File], the composer empties it
   attached        {conversation, files}          above the text in the composer: what is taken
   sent_files      {files}                        in a person's message
   unsent          {message}                      under a person's message that is not at the server
   dialogs         {}                             what is opened by name
   settings        {}                             at the foot of the list: account, settings
   empty           {}                             what a new conversation shows
   conversation    {conversation}                 more entries of a conversation's menu: [{label, act}]

   And what is done by name, from a key, a menu, the palette: on("palette", open); act("palette")
   returns false where nobody does it. */
import { html, signal } from "./ui.js";

const filled = signal({});
const doing = new Map();

export function fill(name, part) {
  filled.value = { ...filled.peek(), [name]: part };
}

export function Slot({ name, fallback = null, ...props }) {
  const part = filled.value[name];
  return part ? html`<${part} ...${props} />` : fallback;
}

export const isFilled = (name) => name in filled.value;

export function on(name, work) {
  doing.set(name, work);
}

export const holds = signal(""); // why what is written cannot go out yet: files are on their way

export function act(name, ...given) {
  const work = doing.get(name);
  if (!work) return false;
  work(...given);
  return true;
}

/* How a text becomes what is read: reader(element) -> {set(text), append(at, text), end()}. */
let make = plain;

export function useReader(reader) {
  make = reader;
}

export const readerOf = (element, message) => make(element, message);

function plain(element) {
  element.classList.add("plain-text");
  return {
    set(text) {
      element.textContent = text;
    },
    append(at, text) {
      element.textContent = element.textContent.slice(0, at) + text;
    },
    end() {},
  };
}
