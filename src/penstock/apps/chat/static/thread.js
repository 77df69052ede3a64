/* What is open: its messages from older to newer, in a column that scrolls.

   at the end   stays there while an answer grows; who has scrolled up is left where they are, and
                gets a button that leads down
   older        is loaded when the beginning comes near; what is read stays where it is
   far away     messages that are not seen cost nothing to draw (content-visibility) */
import { go } from "./actions.js";
import { IconButton } from "./icons.js";
import { loadOlder } from "./loading.js";
import { Message } from "./message.js";
import { Slot } from "./slots.js";
import { me, thread } from "./state.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";

const NEAR_PX = 60; // of the end counts as at it
const OLDER_MARGIN = "600px 0px 0px 0px";

export function Thread() {
  const opened = thread.value;
  const { id, phase, error } = opened;
  if (phase === "new") return html`<div class="scroller" tabindex="-1"><${Empty} /></div>`;
  if (phase === "failed") return html`<div class="scroller" tabindex="-1"><${Failed} error=${error} id=${id} /></div>`;
  return html`<${Scroller} key=${id} opened=${opened} />`;
}

function Empty() {
  const name = me.value?.name;
  const fallback = html`<div class="welcome"><h2>What is on your mind${name ? `, ${name}` : ""}?</h2>
    <p>Should a model fail in the middle of an answer, another goes on, and the answer says so.</p></div>`;
  return html`<${Slot} name="empty" fallback=${fallback} />`;
}

function Failed({ error, id }) {
  const isGone = error?.status === 404;
  return html`<div class="welcome" role="alert">
    <h2>${isGone ? "There is no such conversation" : "The conversation could not be loaded"}</h2>
    <p>${isGone ? "It was deleted, or it belongs to another account." : `${error.message} ${error.remedy}`}</p>
    <div class="row">${!isGone && html`<button type="button" onClick=${() => go(id, { isReplacing: true })}>Try again</button>`}
      <button type="button" onClick=${() => go("")}>New conversation</button></div>
  </div>`;
}

function Scroller({ opened }) {
  const { ids, before, phase } = opened;
  const frame = useRef(null);
  const column = useRef(null);
  const isAtEnd = useRef(true);
  const first = useRef({ id: ids[0], height: 0 });
  const [isAway, setAway] = useState(false);
  const last = ids.at(-1);

  const toEnd = () => {
    isAtEnd.current = true;
    setAway(false);
    frame.current.scrollTop = frame.current.scrollHeight;
  };
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = frame.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    setAway(!isAtEnd.current);
  };
  useLayoutEffect(() => {
    // What is older was put before: what is read stays where it is.
    const { scrollHeight } = frame.current;
    const was = first.current;
    const isPrepended = ids[0] !== was.id && ids.includes(was.id);
    if (isPrepended && !isAtEnd.current) frame.current.scrollTop += scrollHeight - was.height;
    first.current = { id: ids[0], height: frame.current.scrollHeight };
  });
  useLayoutEffect(toEnd, [last]); // what was just written, or another branch
  useEffect(() => {
    const stay = new ResizeObserver(() => {
      if (!frame.current) return; // it is being taken away
      if (isAtEnd.current) frame.current.scrollTop = frame.current.scrollHeight;
      first.current.height = frame.current.scrollHeight;
    });
    stay.observe(column.current);
    stay.observe(frame.current);
    return () => stay.disconnect();
  }, []);
  return html`<div class="scroll-frame"><div ref=${frame} class="scroller" tabindex="0" onScroll=${onScroll}
      role="region" aria-label="Messages">
      <div ref=${column} class="column" role="log" aria-live="off" aria-label="Conversation">
        <${Older} before=${before} frame=${frame} />
        ${phase === "loading" && !ids.length && html`<p class="asking" role="status">Loading</p>`}
        ${ids.map((id) => html`<${Message} key=${id} id=${id} isLast=${id === last} />`)}
      </div>
    </div>
    ${isAway && html`<${IconButton} icon="down" label="To the end" class="icon-button to-end" onClick=${toEnd} />`}
  </div>`;
}

/** Loads what is older when it is nearly seen. */
function Older({ before, frame }) {
  const mark = useRef(null);
  const [error, setError] = useState(null);
  const load = () => loadOlder().then(() => setError(null), setError);
  useEffect(() => {
    if (!before) return undefined;
    const options = { root: frame.current, rootMargin: OLDER_MARGIN };
    const watch = new IntersectionObserver(([seen]) => seen.isIntersecting && load(), options);
    watch.observe(mark.current);
    return () => watch.disconnect();
  }, [before]);
  if (!before) return null;
  return html`<div ref=${mark} class="older">${error
    ? html`<button type="button" class="tiny" onClick=${load}>Load what is older</button>`
    : html`<span class="muted small">Loading what is older</span>`}</div>`;
}
