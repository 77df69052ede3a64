/* What happens, told to every tab of a browser over one connection: HTTP/1.1 has six to a server, and
   a person may have twenty tabs.

   leader     the tab that holds a Web Lock has the connection, and tells the others over a
              BroadcastChannel; both are named after the account
   it closes  the lock is free: another tab takes it, and goes on behind the last event it knows
   it hangs   (a phone has put it to sleep): a tab that is looked at asks each ASK_MS whether somebody
              leads; no answer in ANSWER_MS, and it takes the lock away
   a new tab  asks how things are; if the leader is further than what the page was made with, it
              loads anew
   no locks   (a page without https that is not this machine): every tab has its own connection

   Only the leader's state is shown: live, connecting, offline. */
import { Connection } from "./connection.js";

const ASK_MS = 10000;
const ANSWER_MS = 3000;

export class Stream {
  /** @param {{account: string, seq: number, apply: Function, anew: Function, state: Function}} given */
  constructor({ account, seq, apply, anew, state }) {
    Object.assign(this, { seq, apply, anew, state, isLeader: false, now: "connecting" });
    this.passing = new Map(); // what is not in the log and is so now: banners, places
    this.name = `penstock-${account}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.hear(data);
    this.heardAt = performance.now();
    this.connection = null;
  }

  start() {
    if (!navigator.locks) {
      this.lead();
      return;
    }
    this.wait();
    this.channel.postMessage({ what: "join" });
    setInterval(() => this.check(), ASK_MS);
    document.addEventListener("visibilitychange", () => this.check());
  }

  /** Wait for the lock; lead while it is ours. */
  async wait(isTaking = false) {
    const work = () => this.lead();
    try {
      await navigator.locks.request(this.name, isTaking ? { steal: true } : {}, work);
    } catch (error) {
      if (error.name !== "AbortError") throw error; // another tab has taken it: this one slept
      this.isLeader = false;
      this.connection?.end();
      this.wait();
    }
  }

  async lead() {
    if (this.isLeader) return; // asked twice: once in the line, once by taking
    this.isLeader = true;
    this.connection = new Connection({
      seq: this.seq,
      onEvent: (event) => this.tell(event),
      onState: (state) => this.tellState(state),
    });
    await this.connection.run();
  }

  tell(event) {
    this.remember(event);
    this.take(event);
    this.channel.postMessage({ what: "event", event });
  }

  tellState(state) {
    this.now = state;
    this.state(state);
    this.channel.postMessage({ what: "state", state, seq: this.seq });
  }

  remember({ kind, data }) {
    if (kind === "hello" || kind === "notices") this.passing.set(kind, { kind, data, seq: 0 });
    if (kind === "place") this.passing.set(data.message, { kind, data, seq: 0 });
    if (kind === "message" && data.state !== "waiting") this.passing.delete(data.id);
    if (kind === "delta") this.passing.delete(data.message);
  }

  take(event) {
    if (event.seq) {
      if (event.seq <= this.seq) return; // told already
      this.seq = event.seq;
    }
    if (event.kind === "hello" && !this.seq) this.seq = event.data.seq;
    if (event.kind === "reset") this.seq = 0;
    this.apply(event.kind, event.data, event.seq);
  }

  hear({ what, ...said }) {
    if (what !== "join" && what !== "ask") this.heardAt = performance.now();
    if (what === "event") this.take(said.event);
    if (what === "state") this.state(said.state);
    if (what === "now" && !this.isLeader) this.catchUp(said);
    if (this.isLeader && (what === "join" || what === "ask")) {
      const passing = what === "join" ? [...this.passing.values()] : [];
      this.channel.postMessage({ what: "now", state: this.now, seq: this.seq, passing });
    }
  }

  catchUp({ state, seq, passing }) {
    this.state(state);
    for (const event of passing) this.apply(event.kind, event.data, 0);
    if (seq > this.seq) {
      this.seq = seq;
      this.anew();
    }
  }

  /** Does somebody lead? Only who is looked at asks. */
  check() {
    if (this.isLeader || document.visibilityState !== "visible") return;
    const askedAt = performance.now();
    this.channel.postMessage({ what: "ask" });
    setTimeout(() => {
      if (this.isLeader || this.heardAt >= askedAt || document.visibilityState !== "visible") return;
      this.wait(true);
    }, ANSWER_MS);
  }
}
