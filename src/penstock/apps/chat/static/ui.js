/* What every part is made with: h by templates, signals, hooks. One place, so that no part names a
   vendored file itself. Templates never hold markup as text: what is put in is text or a part. */
import { Fragment, createElement, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(createElement);
export { Fragment, render };
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "./vendor/signals.js";
