// Handles of the selected region: which one lies under the pointer, and what moving it asks for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { handleAt, handleGesture, movedBox, movedOutline } from "../../../demo/canvas/handles.js";

const PICTURE = { width: 100, height: 100 };
const region = {
  number: 3,
  hidden: false,
  points: [
    [10, 20, 1],
    [30, 40, 0],
  ],
  frame: [5, 5, 60, 70],
};
const state = (fields = {}) => ({
  scene: { regions: [region], selected: 3 },
  view: { scale: 4, x: 100, y: 0 },
  tool: "point",
  ...fields,
});

test("a click or a corner of the selected region is under the pointer", () => {
  assert.deepEqual(handleAt(state(), [142, 82]), { kind: "click", number: 3, index: 0, label: 1 });
  assert.equal(handleAt(state(), [220, 160]).index, 1);
  assert.deepEqual(handleAt(state({ tool: "box" }), [340, 280]), {
    kind: "corner",
    number: 3,
    index: 2,
    box: region.frame,
  });
  assert.equal(handleAt(state(), [160, 80]), null);
  assert.equal(handleAt(state(), [158, 80], true).index, 0);
  assert.equal(handleAt(state({ tool: "brush" }), [142, 82]), null);
  assert.equal(handleAt(state({ scene: { regions: [{ ...region, hidden: true }], selected: 3 } }), [142, 82]), null);
});

test("a corner of the outline is a handle of the polygon's tool, but not while another outline is drawn", () => {
  const drawn = {
    ...region,
    points: [],
    frame: null,
    corners: [
      [10, 20],
      [30, 40],
      [5, 60],
    ],
  };
  const polygon = (fields) => state({ tool: "polygon", scene: { regions: [drawn], selected: 3 }, ...fields });
  assert.deepEqual(handleAt(polygon(), [221, 161]), { kind: "vertex", number: 3, index: 1 });
  assert.equal(handleAt(polygon({ corners: { points: [] } }), [221, 161]), null);
  assert.equal(handleAt(polygon({ tool: "box" }), [221, 161]), null);
  const move = (hasMoved) =>
    handleGesture({ kind: "vertex", number: 3, index: 1 }, [33, 44], PICTURE, { hasMoved, isRemoving: false });
  assert.deepEqual(move(true), { op: "move_corner", number: 3, index: 1, x: 33, y: 44 });
  assert.equal(move(false), null);
  assert.deepEqual(movedOutline(drawn.corners, 1, [1, 2]), [
    [10, 20],
    [1, 2],
    [5, 60],
  ]);
});

test("a click is moved, removed, or dragged out of the picture", () => {
  const click = { kind: "click", number: 3, index: 1, label: 0 };
  const drag = (point, how) => handleGesture(click, point, PICTURE, { hasMoved: false, isRemoving: false, ...how });
  assert.deepEqual(drag([50, 60], { hasMoved: true }), { op: "move_point", number: 3, index: 1, x: 50, y: 60 });
  assert.deepEqual(drag([30, 40], { isRemoving: true }), { op: "drop_point", number: 3, index: 1 });
  assert.deepEqual(drag([-3, 40], { hasMoved: true }), { op: "drop_point", number: 3, index: 1 });
  assert.equal(drag([30, 40], {}), null);
});

test("a corner of a box moves, the opposite one stays, also across each other", () => {
  assert.deepEqual(movedBox([5, 5, 60, 70], 2, [80, 90]), [5, 5, 80, 90]);
  assert.deepEqual(movedBox([5, 5, 60, 70], 0, [70, 90]), [60, 70, 70, 90]);
});
