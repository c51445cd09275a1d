// Mentions while a question is typed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fittingRegions, insertedMention, isComplete, mentionAt, withMention } from "../../../demo/shared/mentions.js";

// A text with "|" for the caret.
const at = (marked) => mentionAt(marked.replace("|", ""), marked.indexOf("|"));

test("an @ begins a mention, unless it is inside a word", () => {
  assert.deepEqual(at("@|"), { start: 0, end: 1, text: "" });
  assert.deepEqual(at("Is @Re| here?"), { start: 3, end: 6, text: "re" });
  assert.deepEqual(at("(@12|)"), { start: 1, end: 4, text: "12" });
  for (const text of ["me@ho|", "@@|", "_@a|", "@1 |", "no|", "|@1"]) assert.equal(at(text), null, text);
});

test("letters of any script count, and a mention is short", () => {
  assert.equal(at("@강아|").text, "강아");
  assert.equal(at("말@강|"), null);
  assert.equal(at(`@${"a".repeat(24)}|`).text.length, 24);
  assert.equal(at(`@${"a".repeat(25)}|`), null);
});

const REGIONS = [
  { number: 1, name: "Dog" },
  { number: 2, name: "" },
  { number: 12, name: "red dog 2" },
];
const numbers = (text) => fittingRegions(REGIONS, text).map(({ number }) => number);

test("a region fits by the beginning of its number or by any part of its name", () => {
  assert.deepEqual(numbers(""), [1, 2, 12]);
  assert.deepEqual(numbers("1"), [1, 12]);
  assert.deepEqual(numbers("2"), [2, 12]);
  assert.deepEqual(numbers("dog"), [1, 12]);
  assert.deepEqual(numbers("cat"), []);
});

test("a whole number that only one region has is complete", () => {
  assert.ok(isComplete(fittingRegions(REGIONS, "12"), "12"));
  assert.ok(!isComplete(fittingRegions(REGIONS, "1"), "1"));
  assert.ok(!isComplete(fittingRegions(REGIONS, "red"), "red"));
});

test("a chosen region takes the place of what was typed", () => {
  assert.deepEqual(withMention("Is @re here?", { start: 3, end: 6 }, 12), { text: "Is @12 here?", caret: 6 });
  assert.deepEqual(withMention("Is @re", { start: 3, end: 6 }, 12), { text: "Is @12 ", caret: 7 });
  assert.deepEqual(withMention("@?", { start: 0, end: 1 }, 1), { text: "@1?", caret: 2 });
});

test("an inserted mention stands apart from the words around it", () => {
  const inserted = (text, start, end = start) => insertedMention(text, { start, end }, 3);
  assert.deepEqual(inserted("", 0), { text: "@3 ", caret: 3 });
  assert.deepEqual(inserted("What is", 7), { text: "What is @3 ", caret: 11 });
  assert.deepEqual(inserted("What is it?", 8, 10), { text: "What is @3 ?", caret: 11 });
});
