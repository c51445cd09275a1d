// What is drawn becomes the right gesture, or none.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createMarks } from "../../../demo/canvas/marks.js";
import { createStore } from "../../../demo/canvas/store.js";

const WORDS = { hintBox: "Drag a box", hintPolygon: "Three corners", noSegment: "Nothing there" };

function page(fields = {}) {
  const store = createStore();
  store.set({ picture: { id: "p", width: 100, height: 100 }, ...fields });
  const sent = [];
  const marks = createMarks({ store, words: WORDS, send: (name, data, options) => sent.push({ name, data, options }) });
  return { store, sent, marks };
}

const draw = (marks, points, moved) => marks.finish({ ...marks.begin(points[0], "new"), points }, moved);

test("a click marks a point, a drag with the same tool marks nothing", () => {
  const { marks, sent } = page();
  draw(marks, [[3, 4]], 2);
  draw(marks, [[3, 4]], 30);
  assert.deepEqual(
    sent.map(({ name, data }) => [name, data]),
    [["segment_point", { x: 3, y: 4, action: "new" }]],
  );
});

test("a box is sent by its corners; a click with the box is explained", () => {
  const { marks, sent, store } = page({ tool: "box" });
  draw(marks, [[1, 2]], 0);
  assert.equal(store.problem.text, "Drag a box");
  const corners = [
    [1, 2],
    [30, 40],
  ];
  draw(marks, corners, 50);
  assert.deepEqual(sent[0].data, { box: [1, 2, 30, 40], action: "new" });
});

test("the brush has the radius that it has on the canvas", () => {
  const view = { scale: 2, x: 0, y: 0, width: 200, height: 200 };
  const { marks, sent } = page({ tool: "brush", brushSize: 28, view, fitsMarks: true });
  draw(marks, [[5, 5]], 0);
  assert.deepEqual(sent[0].data, { points: [[5, 5]], radius: 7, action: "new" });
  assert.equal(sent[0].options.isToFit, true);
});

test("a polygon is closed on its first corner", () => {
  const { marks, sent, store } = page({ tool: "polygon" });
  const triangle = [
    [10, 10],
    [60, 10],
    [60, 60],
  ];
  for (const corner of triangle) marks.addCorner(corner, "new");
  marks.addCorner([12, 14], "new"); // within reach of the first
  assert.equal(store.corners, null);
  assert.deepEqual(sent[0].data, { points: triangle, action: "new" });
});

test("a double click sets its corner once, and two corners are no polygon", () => {
  const { marks, sent, store } = page({ tool: "polygon" });
  for (const corner of [
    [10, 10],
    [60, 10],
    [60, 10.4],
  ])
    marks.addCorner(corner, "new");
  marks.closePolygon();
  assert.equal(sent.length, 0);
  assert.equal(store.problem.text, "Three corners");
  assert.equal(store.corners.points.length, 2);
  marks.removeCorner();
  marks.removeCorner();
  assert.equal(store.corners, null);
});

test("another tool drops what was begun and marks anew", () => {
  const { marks, sent, store } = page({ tool: "polygon", scene: { regions: [{ number: 1 }], selected: 1 } });
  marks.setAction("add");
  marks.addCorner([1, 1], "add");
  marks.setTool("everything");
  assert.deepEqual([store.tool, store.action, store.corners], ["everything", "new", null]);
  assert.deepEqual(
    sent.map(({ name }) => name),
    ["segment_everything"],
  );
});

test("nothing can be added to or removed from no region", () => {
  const { marks, store } = page();
  marks.setAction("remove");
  assert.equal(store.action, "new");
  assert.equal(marks.actionOf({ shiftKey: true, button: 0, buttons: 1 }), "new");
});

test("Shift, the right button and a pen's eraser take away", () => {
  const { marks } = page({ scene: { regions: [{ number: 1 }], selected: 1 } });
  const action = (event) => marks.actionOf({ shiftKey: false, button: 0, buttons: 1, ...event });
  assert.equal(action({}), "new");
  for (const event of [{ shiftKey: true }, { button: 2 }, { button: 5 }, { buttons: 32 }, { buttons: 2 }])
    assert.equal(action(event), "remove");
});
