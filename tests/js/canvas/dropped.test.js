// Files and folders that are dropped on the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { droppedFiles } from "../../../demo/canvas/dropped.js";

const file = (name, type = "image/png") => ({ name, type });
const fileEntry = (each) => ({ name: each.name, isFile: true, isDirectory: false, file: (take) => take(each) });
function folderEntry(name, ...entries) {
  const parts = [...entries.map((entry) => [entry]), []]; // browsers give the entries in parts
  return {
    name,
    isFile: false,
    isDirectory: true,
    createReader: () => ({ readEntries: (take) => take(parts.shift() || []) }),
  };
}
const transferOf = (files, entries) => ({ files, items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) });

test("the pictures in a folder are taken, in folders inside it too, and files beside it as they are", async () => {
  const [a, b, c, note] = [file("a.png"), file("b.jpg"), file("c.png"), file("note.txt", "text/plain")];
  const folder = folderEntry("trip", fileEntry(b), fileEntry(note), folderEntry("more", fileEntry(a)));
  const transfer = transferOf([file("trip", ""), c], [folder, fileEntry(c)]);
  assert.deepEqual(await droppedFiles(transfer), { files: [c, a, b], empty: [] });
});

test("a folder without pictures is named; without folders the files are what they are", async () => {
  const note = file("note.txt", "text/plain");
  const folder = folderEntry("notes", fileEntry(note));
  assert.deepEqual(await droppedFiles(transferOf([file("notes", "")], [folder])), { files: [], empty: ["notes"] });
  assert.deepEqual(await droppedFiles(transferOf([note], [fileEntry(note)])), { files: [note], empty: [] });
});
