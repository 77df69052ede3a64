/* The one connection to the server that tells what happens; held by one tab of a browser.

   begin      behind the last event that is known (Last-Event-ID); what was told comes again from the
              log, so that nothing is missed and nothing told twice
   live       from the first event on
   ended      by the server or the network: again, with waits that grow and have chance in them, at
              once when the browser says that it is online or somebody looks at the page again
   silent     for SILENT_MS, although the server comments every 15 s: taken for dead, begun again
   offline    after the second failure in a row; the server's 401 means the log-in */
import { pause, toLogin, waitMs } from "./api.js";
import { read } from "./sse.js";

const PATH = "/api/v1/events";
const SILENT_MS = 40000; // two comments and a half
const WAIT_MAX_MS = 15000;
const FAILURES_SHOWN = 2; // one is over before anybody has read that there was one

export class Connection {
  /** @param {{seq: number, onEvent: Function, onState: Function}} given */
  constructor({ seq, onEvent, onState }) {
    this.seq = seq;
    this.helloSeq = 0;
    this.onEvent = onEvent;
    this.onState = onState;
    this.isEnded = false;
    this.failures = 0;
    this.abort = null;
    this.wake = () => {};
    this.hurry = () => this.wake();
    this.look = () => document.visibilityState === "visible" && this.wake();
    addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.look);
  }

  async run() {
    while (!this.isEnded) {
      await this.once();
      if (this.isEnded) return;
      this.failures += 1;
      this.onState(this.failures >= FAILURES_SHOWN || !navigator.onLine ? "offline" : "connecting");
      const woken = new Promise((resolve) => (this.wake = resolve));
      await Promise.race([pause(waitMs(this.failures, 0, WAIT_MAX_MS)), woken]);
      this.wake = () => {};
    }
  }

  async once() {
    this.abort = new AbortController();
    const headers = { accept: "text/event-stream" };
    if (this.seq) headers["last-event-id"] = String(this.seq);
    const asked = { headers, credentials: "same-origin", cache: "no-store" };
    let silence = 0;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => this.abort.abort(), SILENT_MS);
    };
    try {
      heard();
      const response = await fetch(PATH, { ...asked, signal: this.abort.signal });
      if (response.status === 401) return this.leave();
      if (!response.ok || !response.body) return;
      await read(response.body, (event) => this.take(event), heard);
    } catch (error) {
      if (error instanceof SyntaxError) throw error; // ours: the server tells no such thing
    } finally {
      clearTimeout(silence);
    }
  }

  take(event) {
    if (event.kind === "hello") {
      this.failures = 0;
      this.helloSeq = event.data.seq;
      this.seq = this.seq || this.helloSeq;
      this.onState("live");
    }
    if (event.kind === "reset") this.seq = this.helloSeq; // what was before is loaded anew
    this.seq = Math.max(this.seq, event.seq);
    this.onEvent(event);
  }

  leave() {
    this.end();
    toLogin();
  }

  end() {
    this.isEnded = true;
    this.abort?.abort();
    this.wake();
    removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.look);
  }
}
