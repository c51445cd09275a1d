// Where things lie on the canvas: checked on shapes that are small enough to see the answer.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anchorOf,
  anchorPoint,
  clamped,
  distance,
  holds,
  isInside,
  maskOfRuns,
  rectOf,
  regionAt,
  segmentAt,
  toCanvas,
  toPicture,
  withoutRepeats,
} from "../../../demo/canvas/geometry.js";
import { fittedView } from "../../../demo/canvas/view.js";

const PICTURE = { width: 360, height: 270 };

// A layer from rows of text, with "#" for its pixels, whose corner lies at `corner` of a mask of this size.
function layerFrom(rows, corner = [0, 0], size = [PICTURE.width, PICTURE.height], more = {}) {
  const [width, height] = [rows[0].length, rows.length];
  const mask = Uint8Array.from(rows.join(""), (letter) => Number(letter === "#"));
  const region = { size, box: [...corner, corner[0] + width, corner[1] + height], ...more };
  return { key: more.key, region, mask, width, height, anchor: anchorOf(mask, width, height) };
}

const block = (width, height) => Array.from({ length: height }, () => "#".repeat(width));

test("from the canvas to the picture is the way back", () => {
  const view = fittedView(PICTURE, 813, 401);
  for (const point of [
    [0, 0],
    [12.5, 269],
    [-40, 500],
  ]) {
    const [x, y] = toPicture(view, toCanvas(view, point));
    assert.ok(Math.abs(x - point[0]) < 1e-9 && Math.abs(y - point[1]) < 1e-9);
  }
  assert.deepEqual(toCanvas(view, [360, 270]).map(Math.round), [
    Math.round(view.width - view.x),
    Math.round(view.height - view.y),
  ]);
});

test("a pixel lies inside, the far edge does not", () => {
  assert.ok(isInside(PICTURE, [0, 0]) && isInside(PICTURE, [359.9, 269.9]));
  for (const point of [
    [-0.1, 5],
    [5, -0.1],
    [360, 5],
    [5, 270],
  ])
    assert.ok(!isInside(PICTURE, point));
});

test("a point outside is moved to the nearest edge", () => {
  assert.deepEqual(clamped(PICTURE, [-3, 300]), [0, 270]);
  assert.deepEqual(clamped(PICTURE, [400, -1]), [360, 0]);
  assert.deepEqual(clamped(PICTURE, [7, 8]), [7, 8]);
});

test("repeated corners count once", () => {
  const corners = [
    [0, 0],
    [0.2, 0],
    [5, 0],
    [5, 5],
    [5, 5],
  ];
  assert.deepEqual(withoutRepeats(corners, 1), [
    [0, 0],
    [5, 0],
    [5, 5],
  ]);
  assert.equal(distance([0, 0], [3, 4]), 5);
});

test("runs alternate, row by row, and begin outside", () => {
  assert.deepEqual([...maskOfRuns([1, 3, 1, 1], 3, 2)], [0, 1, 1, 1, 0, 1]);
  assert.deepEqual([...maskOfRuns([0, 2], 2, 1)], [1, 1]);
  assert.deepEqual([...maskOfRuns([4], 2, 2)], [0, 0, 0, 0]);
});

test("a hit is a pixel of the mask, not of its box", () => {
  const corner = layerFrom(["##", "#."], [10, 20]);
  assert.ok(holds(corner, PICTURE, [10, 20]));
  assert.ok(holds(corner, PICTURE, [11.9, 20.9]));
  assert.ok(!holds(corner, PICTURE, [11.5, 21.5]));
  assert.ok(!holds(corner, PICTURE, [9.9, 20]));
  assert.ok(!holds(corner, PICTURE, [12, 20]));
  assert.ok(!holds(corner, PICTURE, [10, 22]));
});

test("a mask that was shrunk for the browser is hit where it lies in the picture", () => {
  const shrunk = layerFrom(["#"], [10, 20], [36, 27]);
  assert.ok(holds(shrunk, PICTURE, [100, 200]) && holds(shrunk, PICTURE, [109, 209]));
  assert.ok(!holds(shrunk, PICTURE, [99, 200]) && !holds(shrunk, PICTURE, [110, 200]));
});

test("of regions on top of each other the smallest is meant, and no hidden one", () => {
  const large = layerFrom(block(50, 50));
  const small = layerFrom(block(5, 5), [10, 10]);
  const layers = new Map([
    [1, large],
    [2, small],
  ]);
  const regions = [
    { number: 1, box: large.region.box, hidden: false },
    { number: 2, box: small.region.box, hidden: false },
  ];
  assert.equal(regionAt(regions, layers, PICTURE, [12, 12]).number, 2);
  assert.equal(regionAt(regions, layers, PICTURE, [40, 40]).number, 1);
  assert.equal(regionAt(regions, layers, PICTURE, [60, 60]), undefined);
  regions[1].hidden = true;
  assert.equal(regionAt(regions, layers, PICTURE, [12, 12]).number, 1);
});

test("a second click on a segment takes the larger whole", () => {
  const whole = layerFrom(block(50, 50), [0, 0], undefined, { key: "whole" });
  const part = layerFrom(block(5, 5), [10, 10], undefined, { key: "part" });
  const segments = [whole, part]; // largest first
  assert.equal(segmentAt(segments, [], PICTURE, [12, 12]), part);
  assert.equal(segmentAt(segments, [{ key: "part" }], PICTURE, [12, 12]), whole);
  assert.equal(segmentAt(segments, [{ key: "part" }, { key: "whole" }], PICTURE, [12, 12]), null);
  assert.equal(segmentAt(segments, [], PICTURE, [70, 70]), null);
});

test("the anchor is the middle of a block, and lies inside every mask", () => {
  const [x, y] = anchorOf(layerFrom(block(9, 21)).mask, 9, 21);
  assert.ok(Math.abs(x - 4.5) <= 1 && Math.abs(y - 10.5) <= 6.5);
  const ring = ["#####", "#...#", "#...#", "#...#", "#####"];
  const line = ["......#", "......#", "......#"];
  for (const rows of [ring, line, ["#"], block(300, 2)]) {
    const layer = layerFrom(rows);
    const [column, row] = layer.anchor.map(Math.floor);
    assert.equal(rows[row][column], "#");
  }
});

test("the anchor keeps to the thick part", () => {
  const spoon = [...Array.from({ length: 30 }, () => `....#....`), ...block(9, 9)];
  const [, y] = anchorOf(layerFrom(spoon).mask, 9, 39);
  assert.ok(y > 30);
});

test("a mask thinner than the grid has an anchor all the same", () => {
  const mask = new Uint8Array(1000 * 1000);
  mask[500 * 1000 + 3] = 1;
  const [x, y] = anchorOf(mask, 1000, 1000);
  assert.deepEqual([Math.floor(x), Math.floor(y)], [3, 500]);
});

test("a layer lies on the canvas where its pixels lie in the picture", () => {
  const layer = layerFrom(block(4, 2), [10, 20], [36, 27]);
  const view = fittedView(PICTURE, 720, 540);
  assert.deepEqual(rectOf(layer, PICTURE, view), { x: 200, y: 400, width: 80, height: 40 });
  const [x, y] = anchorPoint(layer, PICTURE);
  assert.ok(x > 100 && x < 140 && y > 200 && y < 220);
});
