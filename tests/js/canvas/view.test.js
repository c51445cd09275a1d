// Views of the picture: what stays where while it is zoomed and panned.

import assert from "node:assert/strict";
import { test } from "node:test";

import { toCanvas, toPicture } from "../../../demo/canvas/geometry.js";
import {
  fittedView,
  followingView,
  isFitted,
  pannedView,
  resizedView,
  scaledView,
  shownSide,
  visibleBox,
  zoomedView,
} from "../../../demo/canvas/view.js";

const PICTURE = { width: 360, height: 270 };
const LARGE = { width: 4000, height: 3000 };
const near = (one, other, within = 1e-6) =>
  one.forEach((value, place) => assert.ok(Math.abs(value - other[place]) < within));

test("the whole picture is shown, in the middle", () => {
  assert.deepEqual(fittedView(PICTURE, 720, 1000), { scale: 2, x: 0, y: 230, width: 720, height: 1000 });
  assert.deepEqual(fittedView(PICTURE, 1000, 135), { scale: 0.5, x: 410, y: 0, width: 1000, height: 135 });
});

test("zooming keeps the pixel under the pointer where it is", () => {
  const fitted = fittedView(LARGE, 800, 600);
  const at = [310, 222];
  const pixel = toPicture(fitted, at);
  let view = fitted;
  for (let notch = 0; notch < 8; notch++) {
    view = zoomedView(LARGE, view, 1.5, at);
    near(toCanvas(view, pixel), at);
  }
  assert.ok(view.scale > 4);
  assert.ok(!isFitted(LARGE, view));
});

test("an 11-pixel thing in a large picture grows to many times the size of a finger", () => {
  let view = fittedView(LARGE, 800, 600);
  for (let notch = 0; notch < 40; notch++) view = zoomedView(LARGE, view, 1.5, [400, 300]);
  assert.ok(11 * view.scale > 200);
});

test("zooming out ends at the whole picture, in its middle", () => {
  const fitted = fittedView(LARGE, 800, 600);
  const zoomed = zoomedView(LARGE, fitted, 4, [10, 590]);
  assert.deepEqual(zoomedView(LARGE, zoomed, 0.01, [700, 20]), fitted);
  assert.deepEqual(zoomedView(LARGE, fitted, 0.5, [700, 20]), fitted);
});

test("panning stops at the picture's edges", () => {
  const zoomed = zoomedView(PICTURE, fittedView(PICTURE, 360, 270), 2, [180, 135]);
  near([zoomed.x, zoomed.y], [-180, -135]);
  const far = pannedView(PICTURE, zoomed, 5000, -5000);
  near([far.x, far.y], [0, 270 - 540]);
  const fitted = fittedView(PICTURE, 500, 270);
  assert.deepEqual(pannedView(PICTURE, fitted, 40, 40), fitted);
});

test("a canvas of another size keeps a fitted picture fitted, and the middle of a zoomed one", () => {
  const fitted = fittedView(PICTURE, 360, 270);
  assert.deepEqual(resizedView(PICTURE, fitted, 720, 270), fittedView(PICTURE, 720, 270));
  const zoomed = zoomedView(PICTURE, fitted, 3, [200, 100]);
  const middle = toPicture(zoomed, [180, 135]);
  const wider = resizedView(PICTURE, zoomed, 460, 270);
  assert.equal(wider.scale, zoomed.scale);
  near(toPicture(wider, [230, 135]), middle);
});

test("the view follows a point out of sight, and no farther than needed", () => {
  const zoomed = zoomedView(PICTURE, fittedView(PICTURE, 360, 270), 4, [0, 0]);
  assert.deepEqual(followingView(PICTURE, zoomed, [40, 40]), zoomed);
  const moved = followingView(PICTURE, zoomed, [200, 20]);
  const [x] = toCanvas(moved, [200, 20]);
  assert.ok(x > 0 && x < 360);
  assert.equal(moved.y, zoomed.y);
});

test("the visible part is the whole fitted picture, or less", () => {
  const fitted = fittedView(PICTURE, 800, 270);
  assert.deepEqual(visibleBox(PICTURE, fitted), [0, 0, 360, 270]);
  const zoomed = zoomedView(PICTURE, fittedView(PICTURE, 360, 270), 2, [180, 135]);
  assert.deepEqual(visibleBox(PICTURE, zoomed), [90, 67, 270, 203]);
});

test("a small picture can be shown in its actual size, stays so while it is moved, and grows from there", () => {
  const fitted = fittedView(PICTURE, 1000, 1000);
  const actual = scaledView(PICTURE, fitted, 1, [500, 500]);
  assert.deepEqual(actual, { scale: 1, x: 320, y: 365, width: 1000, height: 1000 });
  assert.ok(!isFitted(PICTURE, actual));
  assert.deepEqual(pannedView(PICTURE, actual, 40, -9), actual);
  assert.equal(zoomedView(PICTURE, actual, 1.5, [500, 500]).scale, 1.5);
  assert.deepEqual(zoomedView(PICTURE, actual, 0.5, [500, 500]), actual);
  assert.equal(resizedView(PICTURE, actual, 800, 900).scale, 1);
  const enlarged = zoomedView(PICTURE, fittedView(PICTURE, 400, 400), 1.2, [200, 200]);
  assert.deepEqual(resizedView(PICTURE, enlarged, 1000, 1000), fitted);
  assert.deepEqual(zoomedView(PICTURE, fitted, 0.5, [500, 500]), fitted);
});

test("an enlarged picture tells how much of it is shown, a whole one does not", () => {
  const fitted = fittedView(LARGE, 800, 600);
  assert.equal(shownSide(LARGE, fitted), null);
  assert.equal(shownSide(LARGE, zoomedView(LARGE, fitted, 10, [400, 300])), 400);
});
