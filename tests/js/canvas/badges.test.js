// Numbers of regions: where they stand, at every zoom.

import assert from "node:assert/strict";
import { test } from "node:test";

import { badgePlaces } from "../../../demo/canvas/badges.js";
import { distance, rectOf } from "../../../demo/canvas/geometry.js";
import { fittedView, zoomedView } from "../../../demo/canvas/view.js";

const PICTURE = { width: 360, height: 270 };

// A layer that is a full block.
function block(width, height, [x, y]) {
  const region = { size: [PICTURE.width, PICTURE.height], box: [x, y, x + width, y + height] };
  return { region, width, height, anchor: [width / 2, height / 2] };
}

test("numbers stand inside the picture and beside each other", () => {
  const view = fittedView(PICTURE, 720, 540);
  const same = [0, 1, 2, 3].map(() => block(40, 40, [100, 100]));
  const places = badgePlaces(same, PICTURE, view);
  for (const [place, one] of places.entries())
    for (const other of places.slice(place + 1)) assert.ok(distance([one.x, one.y], [other.x, other.y]) >= 26);
});

test("the number of a small region stands beside it, inside the picture, with a line to it", () => {
  const view = fittedView(PICTURE, 720, 540);
  for (const corner of [
    [0, 0],
    [180, 0],
    [356, 266],
    [100, 100],
  ]) {
    const layer = block(4, 4, corner);
    const [{ x, y, from }] = badgePlaces([layer], PICTURE, view);
    const rect = rectOf(layer, PICTURE, view);
    const [right, below] = [x - rect.x - rect.width, y - rect.y - rect.height];
    assert.ok(x >= 13 && x <= 707 && y >= 13 && y <= 527, `${x}, ${y}`);
    assert.ok(x < rect.x - 12 || right > 12 || y < rect.y - 12 || below > 12, `${x}, ${y}`);
    assert.deepEqual(from, [rect.x + rect.width / 2, rect.y + rect.height / 2]);
  }
});

test("zoomed in, the number of a region that reaches out of view stays in view; one out of view has none", () => {
  const fitted = fittedView(PICTURE, 360, 270);
  const view = zoomedView(PICTURE, fitted, 6, [0, 0]);
  const [only, ...rest] = badgePlaces([block(200, 200, [0, 0]), block(20, 20, [300, 200])], PICTURE, view);
  assert.equal(rest.length, 0);
  assert.equal(only.from, null);
  assert.ok(only.x <= 360 - 13 && only.y <= 270 - 13);
});

test("no number stands under what lies over the canvas, a large region's or a small one's", () => {
  const view = fittedView(PICTURE, 720, 540);
  const [x0, y0, x1, y1] = [560, 494, 710, 530]; // the zoom buttons, in the corner
  for (const layer of [block(60, 40, [290, 225]), block(4, 4, [300, 255]), block(120, 30, [240, 238])]) {
    const [{ x, y }] = badgePlaces([layer], PICTURE, view, [[x0, y0, x1, y1]]);
    assert.ok(x <= x0 - 13 || y <= y0 - 13, `${x}, ${y}`);
    const [under] = badgePlaces([layer], PICTURE, view);
    assert.ok(under.x > x0 - 13 && under.y > y0 - 13 - 26, "the example tells nothing"); // without the buttons it is there
  }
});

test("in a picture that is narrow on the canvas, numbers stand beside it and hide no region", () => {
  const narrow = { width: 300, height: 8000 };
  const view = fittedView(narrow, 900, 640);
  const layer = (width, height, [x, y]) => ({
    region: { size: [300, 8000], box: [x, y, x + width, y + height] },
    width,
    height,
    anchor: [width / 2, height / 2],
  });
  const layers = [
    layer(280, 1200, [10, 400]),
    layer(200, 200, [50, 700]),
    layer(300, 300, [0, 2000]),
    layer(60, 60, [20, 7900]),
  ];
  const places = badgePlaces(layers, narrow, view);
  const rects = layers.map((each) => rectOf(each, narrow, view));
  for (const { x, y, from } of places) {
    assert.ok(from);
    assert.ok(x >= 13 && x <= 887 && y >= 13 && y <= 627, `${x}, ${y}`);
    for (const rect of rects)
      assert.ok(x < rect.x - 12 || x > rect.x + rect.width + 12 || y < rect.y - 12 || y > rect.y + rect.height + 12);
  }
});

test("the number of a large region stands on no small one inside it", () => {
  const view = fittedView(PICTURE, 720, 540);
  const [large, small] = [block(300, 240, [20, 10]), block(12, 12, [164, 124])];
  const [{ x, y, from }] = badgePlaces([large, small], PICTURE, view);
  const rect = rectOf(small, PICTURE, view);
  assert.equal(from, null);
  assert.ok(Math.abs(x - rect.x - rect.width / 2) > 24 || Math.abs(y - rect.y - rect.height / 2) > 24, `${x}, ${y}`);
});
