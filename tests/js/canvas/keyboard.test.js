// Marking with the keyboard: the cross moves, Enter marks, and shortcuts do what the buttons do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { followCross, followShortcuts } from "../../../demo/canvas/keyboard.js";
import { createMarks } from "../../../demo/canvas/marks.js";
import { createStore } from "../../../demo/canvas/store.js";

// What of a browser the shortcuts need; no key is pressed in a text.
globalThis.HTMLElement = class {};
globalThis.window = {};

const WORDS = new Proxy({}, { get: (_, name) => name });

function open(fields = {}) {
  const store = createStore();
  const view = { scale: 2, x: 0, y: 0, width: 200, height: 100 };
  store.set({ picture: { id: "p", width: 100, height: 50 }, view, ...fields });
  const sent = [];
  const send = (name, data) => sent.push([name, data]);
  const marks = createMarks({ store, words: WORDS, send });
  const [canvas, page] = [new EventTarget(), new EventTarget()];
  const turns = [];
  const zooms = [];
  const zoom = { follow: () => {} };
  for (const name of ["in", "out", "fit", "actualSize"]) zoom[name] = () => zooms.push(name);
  followCross({ canvas, store, words: WORDS, marks, zoom });
  followShortcuts({
    store,
    marks,
    send,
    listen: (_, kind, act) => page.addEventListener(kind, act),
    undo: () => sent.push(["undo"]),
    redo: () => sent.push(["redo"]),
    zoom,
    turnBy: (steps) => turns.push(steps),
    isOurs: () => true,
  });
  // The canvas has the focus; what it does not stop reaches the page.
  function press(key, more = {}) {
    const event = new Event("keydown", { cancelable: true });
    let isStopped = false;
    const stopPropagation = () => (isStopped = true);
    Object.assign(event, { key, shiftKey: false, button: 0, buttons: 0, stopPropagation, ...more });
    canvas.dispatchEvent(event);
    if (!isStopped) page.dispatchEvent(event);
    return event;
  }
  return { store, sent, turns, zooms, press };
}

test("the cross starts in the middle, moves by canvas pixels, and stays in the picture", () => {
  const { store, press } = open();
  press("ArrowRight");
  assert.deepEqual(store.cross, [56, 25]);
  press("ArrowUp", { shiftKey: true });
  assert.deepEqual(store.cross, [56, 24.5]);
  for (let step = 0; step < 20; step++) press("ArrowLeft");
  assert.equal(store.cross[0], 0);
  for (let step = 0; step < 40; step++) press("ArrowDown");
  assert.equal(store.cross[1], 49);
});

test("Enter marks a point at the cross; a box has a beginning and an end", () => {
  const { store, sent, press } = open();
  press("Enter");
  assert.deepEqual(sent, [["segment_point", { x: 50, y: 25, action: "new" }]]);
  press("b");
  press("Enter");
  assert.equal(store.announcement.text, "boxBegun");
  press("ArrowRight");
  press("ArrowDown");
  press(" ");
  assert.deepEqual(sent[1], ["segment_box", { box: [50, 25, 56, 31], action: "new" }]);
  assert.equal(store.drag, null);
});

test("a second Enter at the same place closes a polygon", () => {
  const { store, sent, press } = open({ tool: "polygon" });
  press("Enter");
  press("ArrowRight");
  press("Enter");
  press("ArrowDown");
  press("Enter");
  assert.equal(store.corners.points.length, 3);
  press("Enter");
  assert.equal(store.corners, null);
  assert.deepEqual(sent[0][1].points, [
    [50, 25],
    [56, 25],
    [56, 31],
  ]);
});

test("Backspace takes the last corner back before it deletes a region", () => {
  const scene = { regions: [{ number: 1 }], selected: 1 };
  const { store, sent, press } = open({ tool: "polygon", scene });
  press("Enter");
  press("Backspace");
  assert.equal(store.corners, null);
  assert.deepEqual(sent, []);
  press("Backspace");
  assert.deepEqual(sent, [["edit_regions", { op: "delete", number: 1 }]]);
});

test("letters choose tools, brackets the size of the brush within its bounds", () => {
  const { store, press } = open();
  for (const [key, tool] of Object.entries({ b: "box", o: "polygon", R: "brush", p: "point" })) {
    press(key);
    assert.equal(store.tool, tool);
  }
  press("]");
  assert.equal(store.brushSize, 34);
  for (let step = 0; step < 30; step++) press("[");
  assert.equal(store.brushSize, 4);
  press("f");
  press("c");
  assert.deepEqual([store.fitsMarks, store.hasCaptions], [true, false]);
});

test("with Control only undoing is ours", () => {
  const { store, sent, press } = open();
  assert.ok(press("z", { ctrlKey: true }).defaultPrevented);
  assert.deepEqual(sent, [["undo"]]);
  assert.ok(!press("b", { ctrlKey: true }).defaultPrevented);
  assert.equal(store.tool, "point");
});

test("pages turn only where there is another picture", () => {
  const { store, turns, press } = open({ pictures: [{ sheet: 1 }] });
  assert.ok(!press("PageDown").defaultPrevented);
  store.set({ pictures: [{ sheet: 1 }, { sheet: 2 }] });
  press("PageDown");
  press("PageUp");
  assert.deepEqual(turns, [1, -1]);
});

test("keys zoom in and out, to the whole picture and to its actual size", () => {
  const { press, zooms } = open();
  press("z");
  press("Z", { shiftKey: true });
  press("0");
  press("1");
  assert.deepEqual(zooms, ["in", "out", "fit", "actualSize"]);
});

test("Space marks at the keyboard's cross, but not while the pointer is over the picture, where it pans", () => {
  const pointing = open({ cursor: [3, 3] });
  pointing.press(" ");
  assert.deepEqual(pointing.sent, []);
  const { press, sent } = open({ cursor: [3, 3], cross: [10, 20] });
  press(" ");
  assert.deepEqual(sent, [["segment_point", { x: 10, y: 20, action: "new" }]]);
});

test("Ctrl+Z undoes, Ctrl+Shift+Z and Ctrl+Y redo", () => {
  const { press, sent } = open();
  press("z", { ctrlKey: true });
  press("Z", { ctrlKey: true, shiftKey: true });
  press("y", { ctrlKey: true });
  press("z", { metaKey: true });
  assert.deepEqual(sent.flat(), ["undo", "redo", "redo", "undo"]);
});
