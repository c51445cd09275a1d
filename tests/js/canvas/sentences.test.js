// Sentences of the canvas: the hint, what has changed, which gesture a file is, where a turn of pictures ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { changesInWords } from "../../../demo/canvas/changes.js";
import { gestureFor, isAddress, leftOutInWords } from "../../../demo/canvas/files.js";
import { hintFor } from "../../../demo/canvas/hint.js";
import { turnedPlace } from "../../../demo/canvas/pictures.js";

const WORDS = new Proxy({}, { get: (_, name) => `${name} {number}` });

test("the hint tells the next step", () => {
  const state = { picture: {}, scene: { regions: [], selected: null }, corners: null, action: "new", tool: "box" };
  const marked = { regions: [{}], selected: 1 };
  const hint = (more) => hintFor({ ...state, ...more }, WORDS).split(" ")[0];
  assert.equal(hintFor({ ...state, picture: null }, WORDS), "");
  assert.equal(hint({}), "hintBox");
  assert.equal(hint({ corners: {} }), "hintCorners");
  assert.equal(hint({ tool: "everything" }), "hintEverything");
  assert.equal(hintFor({ ...state, scene: marked }, WORDS), "hintRefine 1");
  assert.equal(hintFor({ ...state, scene: marked, action: "remove" }, WORDS), "hintRemove 1");
  assert.equal(hint({ scene: { regions: [{}, {}], selected: 2 } }), "hintMany");
});

const region = (number, more) => ({ number, key: "k", name: "", hidden: false, ...more });

test("changes are told region by region", () => {
  const before = { regions: [region(1), region(2), region(3), region(4)] };
  const now = {
    regions: [region(2, { key: "other" }), region(3, { name: "Rex" }), region(4, { hidden: true }), region(5)],
  };
  assert.deepEqual(changesInWords(before, now, WORDS), ["gone 1", "changed 2", "named 3", "hid 4", "marked 5"]);
  assert.deepEqual(changesInWords(now, now, WORDS), []);
});

test("all regions gone at once is one sentence", () => {
  assert.deepEqual(changesInWords({ regions: [region(1), region(2)] }, { regions: [] }, WORDS), ["cleared {number}"]);
});

test("a JSON file is masks only where there is a picture", () => {
  assert.equal(gestureFor("masks.JSON", true), "load_masks");
  assert.equal(gestureFor("masks.json", false), "open_picture");
  assert.equal(gestureFor("saved.zip", true), "open_picture");
  assert.equal(gestureFor("dog.png", true), "open_picture");
});

test("only one whole address of the web is an address", () => {
  assert.ok(isAddress("https://example.org/a.png") && isAddress("HTTP://example.org"));
  for (const text of ["example.org", "see https://example.org", "https://a b", "file:///etc/passwd"])
    assert.ok(!isAddress(text));
});

test("turning goes around the ends", () => {
  assert.deepEqual([turnedPlace(2, 1, 3), turnedPlace(0, -1, 3), turnedPlace(0, 1, 2)], [0, 2, 1]);
});

test("what a drop of folders leaves out is told", () => {
  const words = { folderEmpty: "Nothing in {name}.", folderCut: "{pictures} of {entries}, {deep} deep." };
  assert.equal(leftOutInWords({ empty: [], isCut: false }, words), "");
  assert.equal(leftOutInWords({ empty: ["a", "b"], isCut: false }, words), "Nothing in a, b.");
  assert.equal(leftOutInWords({ empty: ["a"], isCut: true }, words), "Nothing in a. 100 of 10000, 4 deep.");
});
