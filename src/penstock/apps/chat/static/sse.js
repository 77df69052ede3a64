/* Server-sent events over fetch: reads a body, tells each event. By fetch, as its status can be seen,
   waits are ours, and a silent connection is noticed.

   read(body, onEvent, onLine)   until the body ends; onEvent({kind, data, seq}); onLine() at every
                                 line, comments too: the connection lives */

/** Pure: lines in, events out. */
export class Parser {
  kind = "";
  data = [];
  seq = 0;
  rest = "";

  /** @param {string} text @returns {{kind: string, data: string, seq: number}[]} */
  feed(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    return lines.map((line) => this.line(line.replace(/\r$/, ""))).filter((event) => event !== null);
  }

  line(line) {
    if (line === "") return this.end();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.kind = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && /^\d+$/.test(value)) this.seq = Number(value);
    return null;
  }

  end() {
    const event = { kind: this.kind || "message", data: this.data.join("\n"), seq: this.seq };
    const isEmpty = this.data.length === 0;
    this.kind = "";
    this.data = [];
    this.seq = 0;
    return isEmpty ? null : event;
  }
}

export async function read(body, onEvent, onLine) {
  const parser = new Parser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onLine();
    for (const event of parser.feed(value)) onEvent({ ...event, data: JSON.parse(event.data) });
  }
}
