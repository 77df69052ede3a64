// Where the unsent is kept: IndexedDB, which holds files too and outlives the page. Where a browser
// has none (private mode), memory: then it lives as long as the page, and ``isLasting`` says so.
//
//   all(), put(item), remove(id)   promises; items by their id

const NAME = "penstock";
const STORE = "outbox";
const VERSION = 1;

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export function inMemory() {
  const items = new Map();
  return {
    isLasting: false,
    all: async () => [...items.values()],
    put: async (item) => { items.set(item.id, item); },
    remove: async (id) => { items.delete(id); },
  };
}

/** @param {IDBFactory | undefined} factory */
export async function keeping(factory = globalThis.indexedDB) {
  try {
    const asked = factory.open(NAME, VERSION);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    const base = await done(asked);
    const run = (mode, what) => {
      const change = base.transaction(STORE, mode);
      const ended = new Promise((resolve, reject) => {
        change.oncomplete = resolve;
        change.onerror = change.onabort = () => reject(change.error);
      });
      const asking = done(what(change.objectStore(STORE)));
      return ended.then(() => asking);
    };
    return {
      isLasting: true,
      all: () => run("readonly", (store) => store.getAll()),
      put: (item) => run("readwrite", (store) => store.put(item)),
      remove: (id) => run("readwrite", (store) => store.delete(id)),
    };
  } catch {
    return inMemory();
  }
}
