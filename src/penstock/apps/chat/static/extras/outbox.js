// What could not be sent outlives the page: kept here until the server has it, put back at the next
// load, sent by ``outgoing.js``. Its ids are the browser's, and the server takes the same ids as the
// same message: it is sent once however often it is tried, by this tab or another.
//
//   keep(entry)   before it is sent     done(id)   the server has it, or its person threw it away
//   load()        what an earlier page left, in order of writing
//
// Entries are of one account: whoever logs in later on this machine sends nothing of theirs. 200 at
// most: nobody writes more by hand while a chat is away.

const ENTRIES_MAX = 200;

/** @param {{account: string, store: {all(): Promise<object[]>, put(row: object): Promise<void>, remove(id: string): Promise<void>}}} parts */
export function outbox({ account, store }) {
  let last = Promise.resolve(); // writes go one after the other: "done" never overtakes "keep"
  const then = (work) => {
    last = last.then(work).catch(() => {}); // a full disk: it lives as long as the page
    return last;
  };
  return {
    isLasting: store.isLasting,
    keep: (entry) => then(async () => {
      const rows = await store.all();
      if (rows.length < ENTRIES_MAX) await store.put({ id: entry.id, account, entry });
    }),
    done: (id) => then(() => store.remove(id)),
    async load() {
      await last;
      const rows = (await store.all()).filter((row) => row.account === account);
      return rows.map((row) => row.entry).sort((a, b) => a.at_unix_s - b.at_unix_s);
    },
  };
}
