// Choosing the second region of a merge.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createChoosing } from "../../../demo/canvas/choosing.js";
import { hintFor } from "../../../demo/canvas/hint.js";
import { createStore } from "../../../demo/canvas/store.js";

function setup() {
  const store = createStore();
  const sent = [];
  const choosing = createChoosing({ store, send: (name, data) => sent.push([name, data]) });
  store.set({ picture: {}, scene: { regions: [{ number: 1 }, { number: 2 }, { number: 5 }], selected: 2 } });
  return { store, sent, choosing };
}

test("a click on another region sends the merge, one on the same region or on none does not", () => {
  const { sent, choosing } = setup();
  assert.equal(choosing.choose(5), false); // nothing is being chosen: an ordinary click
  choosing.begin("merge", 2);
  assert.equal(choosing.choose(2), true);
  assert.equal(choosing.choose(9), true);
  assert.deepEqual(sent, []);
  assert.equal(choosing.choose(5), true);
  assert.deepEqual(sent, [["edit_regions", { op: "merge", number: 2, other: 5 }]]);
  assert.equal(choosing.choose(1), false);
});

test("choosing ends with another tool, another picture, or without its region", () => {
  const { store, choosing } = setup();
  for (const change of [{ tool: "box" }, { picture: {} }, { scene: { regions: [{ number: 1 }], selected: 1 } }]) {
    store.set({ scene: { regions: [{ number: 1 }, { number: 2 }], selected: 2 } });
    choosing.begin("subtract", 2);
    store.set(change);
    assert.equal(store.choosing, null);
  }
});

test("the hint says what is to be chosen", () => {
  const { store, choosing } = setup();
  choosing.begin("subtract", 2);
  assert.equal(hintFor(store, { hintMerge: "merge {number}", hintSubtract: "take from {number}" }), "take from 2");
});
