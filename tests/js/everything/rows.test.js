// The order of the table of everything, and its filter.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FIRST_ORDER,
  orderAfterClick,
  progressOf,
  shortName,
  shownRows,
  wantedOf,
} from "../../../demo/everything/rows.js";

const ROWS = [
  { index: 0, score: 0.5, area: 90 },
  { index: 1, score: 0.9, area: 40 },
  { index: 2, score: 0.5, area: 60 },
];
const TEXTS = new Map([
  [0, "the Sky"],
  [2, "a dog"],
]);
const shown = (order, filter = "") => shownRows(ROWS, TEXTS, order, filter).map((row) => row.index);

test("a click on a head orders by it, a second one turns the order around", () => {
  const byScore = orderAfterClick(FIRST_ORDER, "score");
  assert.deepEqual(shown(byScore), [1, 0, 2]);
  assert.deepEqual(shown(orderAfterClick(byScore, "score")), [0, 2, 1]);
  assert.deepEqual(shown(orderAfterClick(byScore, "area")), [0, 2, 1]);
  assert.deepEqual(shown(orderAfterClick(byScore, "index")), [0, 1, 2]);
});

test("rows without a description come last", () => {
  assert.deepEqual(shown(orderAfterClick(FIRST_ORDER, "text")), [2, 0, 1]);
});

test("the filter looks into descriptions, small and large letters alike", () => {
  assert.deepEqual(shown(FIRST_ORDER, " SKY "), [0]);
  assert.deepEqual(shown(FIRST_ORDER, "cat"), []);
});

test("order and filter know what the second model says", () => {
  const others = new Map([
    [1, "Heaven"],
    [2, "an animal"],
  ]);
  const both = (order, filter) => shownRows(ROWS, TEXTS, order, filter, others).map((row) => row.index);
  assert.deepEqual(both(orderAfterClick(FIRST_ORDER, "second"), ""), [2, 1, 0]);
  assert.deepEqual(both(FIRST_ORDER, "heaven"), [1]);
  assert.deepEqual(both(FIRST_ORDER, "dog"), [2]);
});

test("progress counts the answers of both models, and regions that the second one cannot describe", () => {
  const first = { rows: [[0, "sky"]], total: 3, second: null };
  assert.deepEqual(progressOf(null), { done: 0, total: 0 });
  assert.deepEqual(progressOf(first), { done: 1, total: 3 });
  const second = { rows: [[0, "heaven"]], failures: [[1, "It cannot be reached."]] };
  assert.deepEqual(progressOf({ ...first, second }), { done: 3, total: 6 });
});

test("a model's name in a head is without folders and addresses", () => {
  assert.equal(shortName("nano"), "nano");
  assert.equal(shortName("sunshine-lwt/Osprey-7b"), "Osprey-7b");
  assert.equal(shortName("C:\\models\\mine\\"), "mine");
  assert.equal(shortName("openai:https://host/v1#qwen"), "qwen");
});

test("the rows themselves keep their order", () => {
  shown(orderAfterClick(FIRST_ORDER, "score"));
  assert.deepEqual(
    ROWS.map((row) => row.index),
    [0, 1, 2],
  );
});

test("a choice is a style, a vocabulary, or the person's own labels", () => {
  assert.deepEqual(wantedOf("short", "cat, dog"), { style: "short" });
  assert.deepEqual(wantedOf(":lvis", "cat, dog"), { vocabulary: "lvis" });
  assert.deepEqual(wantedOf(":own", "cat, dog"), { vocabulary: "own", labels: "cat, dog" });
});
