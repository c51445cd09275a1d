// A person's own questions, as they are found in the browser's store.

import assert from "node:assert/strict";
import { test } from "node:test";

import { questionsIn, shortened } from "../../../demo/chat/presets.js";
import { written } from "../../../demo/shared/pieces.js";

test("only texts of a sane length count, and not too many", () => {
  assert.deepEqual(questionsIn(null, 10), []);
  assert.deepEqual(questionsIn("{", 10), []);
  assert.deepEqual(questionsIn('{"a": 1}', 10), []);
  assert.deepEqual(questionsIn(JSON.stringify(["What?", 5, null, "  ", "x".repeat(11)]), 10), ["What?"]);
  assert.equal(questionsIn(JSON.stringify(Array(50).fill("What?")), 10).length, 20);
});

test("a long question is cut on its button", () => {
  assert.equal(shortened("What is it?"), "What is it?");
  const short = shortened("What is the colour of the thing on the left?");
  assert.ok(short.length <= 34 && short.endsWith(" …"));
});

test("pieces are written with their mentions", () => {
  assert.equal(written(["Is ", 1, " on ", 12, "?"]), "Is @1 on @12?");
});
