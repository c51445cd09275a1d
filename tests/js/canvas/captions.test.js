// Which captions there are, how large they are, and how they are cut.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shortened, wantedCaptions } from "../../../demo/canvas/caption_texts.js";
import { captionRow, keptPlaces } from "../../../demo/canvas/captions.js";

const PICTURE = { id: "p", width: 100, height: 100 };

function squareAt(x, y, side, more = {}) {
  const mask = new Uint8Array(side * side).fill(1);
  const region = { size: [100, 100], box: [x, y, x + side, y + side] };
  return { key: `${x},${y},${side}`, region, mask, width: side, height: side, anchor: [side / 2, side / 2], ...more };
}

function state(more = {}) {
  const whole = squareAt(0, 0, 60, { index: 0, key: "whole" });
  const part = squareAt(10, 10, 20, { index: 1, key: "part" });
  const beside = squareAt(70, 70, 20, { index: 2, key: "beside" });
  return {
    picture: PICTURE,
    scene: { regions: [] },
    layers: new Map(),
    segments: { picture: "p", layers: [whole, part, beside] },
    described: {
      picture: "p",
      texts: new Map([
        [0, "a dog"],
        [1, "a dog"],
        [2, "a dog"],
      ]),
    },
    tool: "everything",
    ...more,
  };
}

const texts = (captions) => captions.map(({ text, layer }) => [text, layer.key]);

test("a part that is called as the whole around it has no caption of its own", () => {
  assert.deepEqual(texts(wantedCaptions(state())), [
    ["a dog", "whole"],
    ["a dog", "beside"],
  ]);
});

test("the same thing in other words is the same thing; another noun is another thing", () => {
  const named = (whole, part) => {
    const described = {
      picture: "p",
      texts: new Map([
        [0, whole],
        [1, part],
      ]),
    };
    return wantedCaptions(state({ described })).map(({ text }) => text);
  };
  assert.deepEqual(named("a large giraffe in the middle", "a giraffe at the bottom left"), [
    "a large giraffe in the middle",
  ]);
  assert.deepEqual(named("the trees", "a large blue tree."), ["the trees"]);
  assert.deepEqual(named("a giraffe", "a bird on a giraffe"), ["a giraffe", "a bird on a giraffe"]);
  assert.deepEqual(named("树", "鸟"), ["树", "鸟"]);
});

test("a region has its name, or what was said of its segment; a hidden one has none", () => {
  const layers = new Map([1, 2, 3].map((number) => [number, squareAt(number, number, 5)]));
  const regions = [
    { number: 1, key: "whole", name: "Rex", color: "#111111", hidden: false },
    { number: 2, key: "beside", name: "", color: "#222222", hidden: false },
    { number: 3, key: "other", name: "hidden", color: "#333333", hidden: true },
  ];
  const found = wantedCaptions(state({ scene: { regions }, layers, tool: "point" }));
  assert.deepEqual(
    found.map(({ text, number, color }) => [text, number, color]),
    [
      ["Rex", 1, "#111111"],
      ["a dog", 2, "#222222"],
    ],
  );
});

test("descriptions of another picture do not count", () => {
  assert.deepEqual(wantedCaptions(state({ described: { picture: "q", texts: new Map([[0, "a dog"]]) } })), []);
  assert.deepEqual(wantedCaptions(state({ picture: null })), []);
});

test("a caption is as wide as its text, between bounds", () => {
  const view = { scale: 2, x: 30, y: 50, width: 260, height: 300 };
  const row = captionRow(squareAt(10, 20, 10), 80.2, PICTURE, view);
  assert.deepEqual(row, { box: [20, 40, 40, 60], anchor: [30, 50], width: 99, height: 21, least: 52 });
  assert.equal(captionRow(squareAt(10, 20, 10), 999, PICTURE, view).width, 220);
  assert.equal(captionRow(squareAt(10, 20, 10), 10, PICTURE, view).least, 28);
});

test("captions of segments cover a quarter of the picture at most, those of regions are all placed", () => {
  const rows = [50, 50, 50].map((width) => ({ width, height: 20 }));
  const ofSegments = [{ number: null }, { number: null }, { number: null }];
  assert.deepEqual(keptPlaces(ofSegments, rows, [100, 80]), [0, 1]); // a quarter is 2000, each takes 1000
  assert.deepEqual(keptPlaces([...ofSegments.slice(1), { number: 4 }], rows, [10, 10]), [2]);
});

test("a text keeps the name of its thing in its room; a name is cut letter by letter, never in the middle of a sign", () => {
  const measure = (text) => [...text].length;
  assert.equal(shortened("a small dog", 11, measure), "a small dog");
  assert.equal(shortened("a small dog", 10, measure), "small dog…");
  assert.equal(shortened("a small dog", 9, measure), "dog…");
  assert.equal(shortened("a large brown dog with a red collar, sitting", 18, measure), "a large brown dog…");
  assert.equal(shortened("a slice of pizza on a plate", 15, measure), "slice of pizza…");
  assert.equal(shortened("a brown and white dog", 16, measure), "white dog…");
  assert.equal(shortened("a cat, which sleeps", 8, measure), "a cat…");
  assert.equal(shortened("the elephant", 5, measure), "elep…");
  assert.equal(shortened("🐶🐶🐶🐶", 3, measure), "🐶🐶…");
  assert.equal(shortened("dog", 0, measure), "d…");
});
