// What is said of the findings of an analysis.

import assert from "node:assert/strict";
import { test } from "node:test";

import { countDifferent, percentOf, sameAnswerBefore, valueAt } from "../../../demo/analysis/findings.js";

test("a share is never 0 % for something that is there", () => {
  assert.deepEqual([0, 0.0004, 0.012, 0.0994, 0.0996, 0.5, 1].map(percentOf), [
    "0.0 %",
    "<0.1 %",
    "1.2 %",
    "9.9 %",
    "10 %",
    "50 %",
    "100 %",
  ]);
});

const part = (answer, done = true) => ({ answer, done });

test("the same answer is found whatever its letters and spaces", () => {
  const parts = [part(["A dog"]), part(["a cat"]), part([" a DOG "]), part(["a dog"], false)];
  assert.deepEqual(
    parts.map((_, place) => sameAnswerBefore(parts, place)),
    [-1, -1, 0, -1],
  );
  assert.equal(countDifferent(parts), 2);
});

test("mentions belong to an answer", () => {
  assert.equal(sameAnswerBefore([part(["like ", 1]), part(["like ", 2])], 1), -1);
});

test("a map tells its value at a spot, and where it lies on the scale", () => {
  const map = { size: [2, 2], low: -0.5, high: 0.5 };
  const values = Int8Array.from([-50, 0, 25, 50]);
  assert.deepEqual(valueAt(map, values, [0, 0]), { value: -0.5, share: 0 });
  assert.deepEqual(valueAt(map, values, [0.99, 0.49]), { value: 0, share: 0.5 });
  assert.deepEqual(valueAt(map, values, [0.2, 0.7]), { value: 0.25, share: 0.75 });
  assert.equal(valueAt({ ...map, low: 0.5 }, values, [0, 0]).share, 0);
});
