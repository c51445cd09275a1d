// Files and folders that are dropped on the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { droppedFiles, LIMITS } from "../../../demo/canvas/dropped.js";

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
  assert.deepEqual(await droppedFiles(transfer), { files: [c, a, b], empty: [], isCut: false });
});

test("a folder without pictures is named; without folders the files are what they are", async () => {
  const note = file("note.txt", "text/plain");
  const folder = folderEntry("notes", fileEntry(note));
  assert.deepEqual(await droppedFiles(transferOf([file("notes", "")], [folder])), {
    files: [],
    empty: ["notes"],
    isCut: false,
  });
  assert.deepEqual(await droppedFiles(transferOf([note], [fileEntry(note)])), {
    files: [note],
    empty: [],
    isCut: false,
  });
});

const many = (count, make) => Array.from({ length: count }, (_, place) => fileEntry(make(place)));
const textFile = (place) => file(`note${place}.txt`, "text/plain");
const numbered = (place) => file(`${String(place).padStart(3, "0")}.png`);

test("many other files before a picture do not hide it", async () => {
  const folder = folderEntry("trip", ...many(120, textFile), fileEntry(file("a.png")));
  const { files, empty, isCut } = await droppedFiles(transferOf([file("trip", "")], [folder]));
  assert.deepEqual([files.map(({ name }) => name), empty, isCut], [["a.png"], [], false]);
});

test("as many pictures as the limit are taken, and it is told that one more is left out", async () => {
  const drop = async (count) => {
    const folder = folderEntry("trip", folderEntry("more", ...many(count, numbered)), fileEntry(textFile(0)));
    return droppedFiles(transferOf([file("trip", "")], [folder, folderEntry("after", fileEntry(textFile(1)))]));
  };
  const exact = await drop(LIMITS.pictures);
  assert.deepEqual([exact.files.length, exact.empty, exact.isCut], [LIMITS.pictures, ["after"], false]);
  const cut = await drop(LIMITS.pictures + 1);
  assert.deepEqual([cut.files.at(-1).name, cut.empty, cut.isCut], ["099.png", [], true]);
});

test("a folder with more files than are looked at is not said to have no picture", async () => {
  let asked = 0;
  const endless = { ...folderEntry("disk"), createReader: () => ({ readEntries }) };
  const readEntries = (take) => {
    asked += 1;
    take(many(100, textFile));
  };
  const drop = await droppedFiles(transferOf([file("disk", "")], [endless]));
  assert.deepEqual(drop, { files: [], empty: [], isCut: true });
  assert.equal(asked, LIMITS.entries / 100 + 1);
});

test("a folder that lies too deep is told", async () => {
  const deep = (levels) => (levels ? folderEntry("in", deep(levels - 1)) : fileEntry(file("a.png")));
  const drop = (levels) => droppedFiles(transferOf([file("in", "")], [deep(levels)]));
  const [least, most] = [await drop(LIMITS.deep + 1), await drop(LIMITS.deep + 2)];
  assert.deepEqual([least.files.length, least.isCut], [1, false]);
  assert.deepEqual(most, { files: [], empty: [], isCut: true });
});
