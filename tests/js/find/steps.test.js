// What a search found at a threshold.

import assert from "node:assert/strict";
import { test } from "node:test";

import { foundAt, moreBelow } from "../../../demo/find/steps.js";

// At 0.3 a whole takes the place of its part, found at 0.6.
const STEPS = [
  [0.9, [4]],
  [0.6, [4, 2]],
  [0.3, [4, 7, 1]],
];

test("the finds are those of the last step that the threshold reaches", () => {
  assert.deepEqual(foundAt(STEPS, 0.95), []);
  assert.deepEqual(foundAt(STEPS, 0.9), [4]);
  assert.deepEqual(foundAt(STEPS, 0.5), [4, 2]);
  assert.deepEqual(foundAt(STEPS, 0.05), [4, 7, 1]);
  assert.deepEqual(foundAt([], 0.5), []);
});

test("how many more there are below", () => {
  assert.equal(moreBelow(STEPS, 0.95), 3);
  assert.equal(moreBelow(STEPS, 0.5), 1);
  assert.equal(moreBelow(STEPS, 0.1), 0);
  assert.equal(moreBelow([], 0.5), 0);
});
