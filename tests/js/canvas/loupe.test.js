// The loupe stands where the finger does not hide it, and shows what the finger points at.

import assert from "node:assert/strict";
import { test } from "node:test";

import { toCanvas, toPicture } from "../../../demo/canvas/geometry.js";
import { loupePlace, loupeView } from "../../../demo/canvas/loupe.js";

const VIEW = { scale: 0.5, x: 10, y: 20, width: 390, height: 300 };

test("it is away from the finger and inside the canvas's width", () => {
  for (const at of [
    [200, 250],
    [5, 290],
    [385, 200],
    [60, 30],
    [380, 10],
  ]) {
    const [x, y] = loupePlace(at, VIEW);
    assert.ok(Math.hypot(x - at[0], y - at[1]) > 80);
    assert.ok(x >= 54 && x <= 390 - 54);
    assert.ok(y >= 54);
  }
});

test("its middle shows the point under the finger", () => {
  const at = [200, 250];
  const place = loupePlace(at, VIEW);
  const [x, y] = toCanvas(loupeView(VIEW, at, place), toPicture(VIEW, at));
  assert.ok(Math.hypot(x - place[0], y - place[1]) < 1e-9);
});
