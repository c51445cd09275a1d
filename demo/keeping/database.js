// The browser's own copy of what is open, in IndexedDB: the record of each sheet as text, and the pictures' files.
// Sheets are kept under the key of the tab's workspace. Where IndexedDB is not available, nothing is kept.

const NAME = "osprey";
const SHEETS = "sheets"; // {key, sheet, order, isFront, picture, name, text, used}
const PICTURES = "pictures"; // {picture, file, bytes, used, isArriving}; `picture` is the digest, or a name while it is sent

// A copy goes this long after its last change, or when there are more than these bytes of pictures.
export const LONGEST_KEPT = 24 * 3600 * 1000; // milliseconds
export const MOST_BYTES = 300e6;

// What to delete of all sheets and all pictures, the latter without their files: the old, then pictures that no sheet
// shows, then the least recently used beyond `mostBytes`, with their sheets.
export function outdated(sheets, pictures, now, mostBytes = MOST_BYTES) {
  const isFresh = ({ used }) => now - used <= LONGEST_KEPT;
  const fresh = sheets.filter(isFresh);
  const lastUse = new Map();
  for (const { picture, used } of fresh) lastUse.set(picture, Math.max(used, lastUse.get(picture) || 0));
  // A picture is stored before its sheet or after it: one that was just stored may have no sheet yet.
  const shown = pictures.filter(
    ({ picture, used, isArriving }) => lastUse.has(picture) || now - used < (isArriving ? LONGEST_KEPT : 60_000),
  );
  shown.sort((one, other) => (lastUse.get(other.picture) || now) - (lastUse.get(one.picture) || now));
  let room = mostBytes;
  const stay = new Set();
  for (const { picture, bytes } of shown) {
    room -= bytes;
    if (room < 0 && stay.size) break;
    stay.add(picture);
  }
  const tooMany = new Set(shown.filter(({ picture }) => !stay.has(picture)).map(({ picture }) => picture));
  return {
    sheets: sheets.filter((sheet) => !isFresh(sheet) || tooMany.has(sheet.picture)),
    pictures: pictures.filter(({ picture }) => !stay.has(picture)),
  };
}

// Milliseconds for the browser to open the database: some never answer, as Safari after its start.
const OPENING_TIME = 8_000;

// All methods return promises, which are never rejected: without a database they find nothing.
export function createDatabase({ later = setTimeout } = {}) {
  let timer;
  const opened = new Promise((resolve, reject) => {
    timer = later(() => reject(new Error("not opened")), OPENING_TIME);
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(SHEETS, { keyPath: ["key", "sheet"] });
      request.result.createObjectStore(PICTURES, { keyPath: "picture" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const forget = () => clearTimeout(timer);
  opened.then(forget, forget);

  // Calls `act(sheets, pictures)` with the two object stores in one transaction; resolves at its end to `act`'s result.
  const change = (mode, act) =>
    opened.then(
      (database) =>
        new Promise((resolve, reject) => {
          const transaction = database.transaction([SHEETS, PICTURES], mode);
          const result = act(transaction.objectStore(SHEETS), transaction.objectStore(PICTURES));
          transaction.oncomplete = () => resolve(result);
          transaction.onabort = transaction.onerror = () => reject(transaction.error);
        }),
    );
  const quietly = (promise, otherwise) => promise.catch(() => otherwise);
  const got = (request) => (request ? request.result : undefined);
  const rangeOf = (key) => IDBKeyRange.bound([key], [key, []]);

  const sheetsOf = (key) =>
    quietly(
      change("readonly", (sheets) => sheets.getAll(rangeOf(key)))
        .then(got)
        .then((all) => all.sort((one, other) => one.order - other.order)),
      [],
    );

  const pictureOf = (picture) => quietly(change("readonly", (_, all) => all.get(picture)).then(got), undefined);

  // What `kept` of Python says: {key, front, open: [{sheet, picture, name}], records: [{sheet, text}]}. Read and written
  // in one transaction, so that two calls side by side undo nothing of each other. Resolves to whether it is stored, or
  // there is no database to try again with.
  const keepSheets = ({ key, front, open, records }) =>
    change("readwrite", (sheets) => {
      const texts = new Map(records.map(({ sheet, text }) => [sheet, text]));
      const stored = sheets.getAll(rangeOf(key));
      stored.onsuccess = () => {
        const before = new Map(stored.result.map((entry) => [entry.sheet, entry]));
        open.forEach(({ sheet, picture, name }, order) => {
          const text = texts.get(sheet) || (before.has(sheet) && before.get(sheet).text);
          if (!text) return;
          sheets.put({ key, sheet, order, isFront: sheet === front, picture, name, text, used: Date.now() });
          before.delete(sheet);
        });
        for (const sheet of before.keys()) sheets.delete([key, sheet]); // closed ones
      };
    }).then(
      () => true,
      () =>
        opened.then(
          () => false,
          () => true,
        ),
    );

  // `isArriving`: the file is still being sent, so that `picture` is a name for it.
  const keepPicture = (picture, file, isArriving = false) => {
    const entry = { picture, file, bytes: file.size, used: Date.now(), isArriving };
    return quietly(change("readwrite", (_, pictures) => pictures.put(entry)));
  };

  const dropPicture = (picture) => quietly(change("readwrite", (_, pictures) => pictures.delete(picture)));

  // Copies the sheets under one key to another; `ids` maps their ids to new ones, by default to the same.
  async function copySheets(from, to, ids = null) {
    const sheets = await sheetsOf(from);
    await quietly(
      change("readwrite", (store) => {
        for (const entry of sheets) {
          const sheet = ids ? ids.get(entry.sheet) : entry.sheet;
          if (sheet != null) store.put({ ...entry, key: to, sheet, used: Date.now() });
        }
      }),
    );
  }

  const dropSheets = (key) => quietly(change("readwrite", (sheets) => sheets.delete(rangeOf(key))));

  async function tidy() {
    const read = change("readonly", (sheets, pictures) => [sheets.getAll(), pictures.getAll()]);
    const drop = await quietly(
      read.then(([sheets, pictures]) => outdated(got(sheets), got(pictures), Date.now())),
      { sheets: [], pictures: [] },
    );
    if (!drop.sheets.length && !drop.pictures.length) return;
    await quietly(
      change("readwrite", (sheetStore, pictureStore) => {
        for (const { key, sheet } of drop.sheets) sheetStore.delete([key, sheet]);
        for (const { picture } of drop.pictures) pictureStore.delete(picture);
      }),
    );
  }

  return { sheetsOf, pictureOf, keepSheets, keepPicture, dropPicture, copySheets, dropSheets, tidy };
}
