// What of the browser's own copy goes: the old, what nothing shows, and what is too much.

import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory, IDBKeyRange } from "fake-indexeddb";

import { createDatabase, LONGEST_KEPT, outdated } from "../../../demo/keeping/database.js";

const NOW = 1e12;
const sheet = (name, age) => ({ key: "k", sheet: name, picture: name, used: NOW - age });
const picture = (name, bytes, age = 1e6) => ({ picture: name, bytes, used: NOW - age });
const names = (entries) => entries.map((entry) => entry.picture);

test("nothing goes that is fresh and shown", () => {
  const drop = outdated([sheet("a", 5e6), sheet("b", 0)], [picture("a", 1e6, 9e7), picture("b", 1e6)], NOW);
  assert.deepEqual(drop, { sheets: [], pictures: [] });
});

test("a day after their last change sheets go, with pictures that no other shows", () => {
  const sheets = [sheet("a", LONGEST_KEPT + 1), sheet("b", LONGEST_KEPT + 1), { ...sheet("b", 5), key: "other" }];
  const drop = outdated(sheets, [picture("a", 1), picture("b", 1)], NOW);
  assert.deepEqual(names(drop.sheets), ["a", "b"]);
  assert.deepEqual(names(drop.pictures), ["a"]);
});

test("the least recently used go beyond the room, but never the last one", () => {
  const sheets = [sheet("old", 3000), sheet("new", 0), sheet("middle", 2000)];
  const drop = outdated(sheets, [picture("old", 40), picture("new", 40), picture("middle", 40)], NOW, 90);
  assert.deepEqual(names(drop.sheets), ["old"]);
  assert.deepEqual(names(drop.pictures), ["old"]);
  assert.deepEqual(outdated([sheet("huge", 0)], [picture("huge", 500)], NOW, 90).pictures, []);
});

test("a picture that was just stored may wait for its sheet", () => {
  assert.deepEqual(names(outdated([], [picture("new", 1, 0), picture("lone", 1)], NOW).pictures), ["lone"]);
});

test("without a database nothing is found, and nothing fails", async () => {
  const database = createDatabase();
  assert.deepEqual(await database.sheetsOf("k"), []);
  assert.equal(await database.pictureOf("p"), undefined);
  await database.keepPicture("p", { size: 1 });
  await database.tidy();
});

test("a browser whose database never answers has kept nothing", async () => {
  globalThis.indexedDB = { open: () => ({}) };
  try {
    const database = createDatabase({ later: (act) => act() });
    assert.deepEqual(await database.sheetsOf("key"), []);
    assert.equal(await database.keepSheets({ key: "key", front: 1, open: [], records: [] }), true);
    assert.equal(await database.pictureOf("digest"), undefined);
  } finally {
    delete globalThis.indexedDB;
  }
});

test("what is kept side by side is all there", async () => {
  Object.assign(globalThis, { indexedDB: new IDBFactory(), IDBKeyRange });
  try {
    const database = createDatabase();
    const open = [
      { sheet: 1, picture: "a", name: "a.png" },
      { sheet: 2, picture: "b", name: "b.png" },
    ];
    const keep = (...records) => database.keepSheets({ key: "k", front: 1, open, records });
    await keep({ sheet: 1, text: "old" }, { sheet: 2, text: "two" });
    await Promise.all([keep({ sheet: 1, text: "new" }), keep()]);
    const texts = async (key) => (await database.sheetsOf(key)).map(({ text }) => text);
    assert.deepEqual(await texts("k"), ["new", "two"]);
    await database.keepSheets({ key: "k", front: 2, open: open.slice(1), records: [] });
    assert.deepEqual(await texts("k"), ["two"]);
    assert.deepEqual(await texts("other"), []);
    assert.equal(await keep({ sheet: 1, text: "more" }), true);
    assert.equal(await keep({ sheet: 1, text: () => "nothing that can be stored" }), false);
    assert.deepEqual(await texts("k"), ["more", "two"]);
  } finally {
    delete globalThis.indexedDB;
    delete globalThis.IDBKeyRange;
  }
});
