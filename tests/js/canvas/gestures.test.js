// Gestures reach Python one at a time and in their order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { busyText, createGestures, heldHere } from "../../../demo/canvas/gestures.js";
import { createStore } from "../../../demo/canvas/store.js";

function page(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const store = createStore();
  store.set({ picture: { id: "p", sheet: 1 } });
  const props = {};
  const sent = [];
  const trigger = (name) => sent.push([name, props.value.seq, props.value]);
  return { store, sent, ...createGestures({ store, props, trigger }) };
}

test("the second waits for the answer to the first", (context) => {
  const { send, settle, sent, store } = page(context);
  send("segment_point", { x: 1, y: 2 }, { ghost: { kind: "point" } });
  send("edit_regions", { op: "undo" });
  assert.deepEqual(
    sent.map(([name, seq]) => [name, seq]),
    [["segment_point", 2]],
  );
  assert.deepEqual(sent[0][2], { seq: 2, picture: "p", made_on: 1, x: 1, y: 2 });
  assert.deepEqual(store.ghosts, [{ kind: "point", seq: 2, sheet: 1 }]);
  settle(2);
  assert.deepEqual(store.ghosts, []);
  assert.equal(sent[1][0], "edit_regions");
  settle(4);
  assert.equal(store.waiting, null);
});

test("an answer to an older gesture does not end the waiting", (context) => {
  const { send, settle, sent, store } = page(context);
  send("segment_point", {});
  settle(0);
  assert.equal(store.waiting.seq, 2);
  assert.equal(sent.length, 1);
});

test("what must wait for the segmenter is kept in its order, and other gestures go on", (context) => {
  const { send, settle, hold, dropHeld, sent, store } = page(context);
  const names = () => sent.map(([name, , { x }]) => (x ? `${name} ${x}` : name));
  send("segment_point", { x: 1 }, { ghost: { kind: "point" } });
  hold(2);
  send("segment_point", { x: 2 }, { ghost: { kind: "point" } });
  send("segment_brush", {});
  assert.deepEqual(names(), ["segment_point 1", "segment_brush"]);
  settle(6);
  assert.deepEqual(
    store.ghosts.map(({ seq, isHeld }) => [seq, isHeld]),
    [
      [2, true],
      [4, true],
    ],
  );
  context.mock.timers.tick(1000);
  hold(8); // it still loads
  send("segment_point", { x: 3 });
  dropHeld();
  context.mock.timers.tick(1000);
  settle(12);
  settle(14);
  assert.deepEqual(names().slice(2), ["segment_point 1", "segment_point 1", "segment_point 2"]);
  assert.deepEqual([store.ghosts, store.held, store.waiting], [[], [], null]);
});

test("what waits behind a mark that is kept is kept too, and a mark that is tried again can be dropped", (context) => {
  const { send, settle, hold, dropHeld, sent, store } = page(context);
  send("segment_point", { x: 1 }, { ghost: { kind: "point" } });
  send("segment_point", { x: 2 }, { ghost: { kind: "point" } });
  hold(2);
  assert.deepEqual([sent.length, store.held.length, store.queue], [1, 2, []]);
  dropHeld(); // the second
  context.mock.timers.tick(1000);
  assert.equal(sent.length, 2); // the first once more
  dropHeld();
  hold(sent[1][2].seq);
  context.mock.timers.tick(5000);
  assert.deepEqual([store.ghosts, store.held, store.queue, store.waiting], [[], [], [], null]);
  assert.equal(sent.length, 2);
  settle(100);
});

test("marks that are held are done for their picture after another came to the front, and go with it", (context) => {
  const { send, settle, hold, leavePicture, keepOpen, sent, store } = page(context);
  send("segment_point", { x: 1 }, { ghost: { kind: "point" } });
  send("segment_everything", {});
  hold(2);
  store.set({ picture: { id: "q", sheet: 2 } });
  leavePicture();
  send("segment_point", { x: 2 });
  assert.deepEqual([store.held.length, store.ghosts.length], [2, 1]);
  assert.equal(heldHere(store).length, 1);
  context.mock.timers.tick(1000);
  settle(sent.at(-1)[1]);
  settle(sent.at(-1)[1]);
  const marks = sent.slice(1).map(([name, , { picture, made_on, x }]) => [name, picture, made_on, x]);
  assert.deepEqual(marks, [
    ["segment_point", "p", 1, 1],
    ["segment_point", "q", 2, 2],
  ]);
  send("segment_point", { x: 3 });
  hold(sent.at(-1)[1]);
  keepOpen([1]);
  context.mock.timers.tick(1000);
  assert.deepEqual([store.held, store.queue, sent.length], [[], [], 4]);
});

test("of the marks that are held, the last one on the picture in front is dropped, and no other", (context) => {
  const { send, settle, hold, dropHeld, sent, store } = page(context);
  send("segment_point", { x: 1 }, { ghost: { kind: "point" } });
  hold(2);
  store.set({ picture: { id: "q", sheet: 2 } });
  send("segment_point", { x: 2 }, { ghost: { kind: "point" } });
  store.set({ picture: { id: "p", sheet: 1 } });
  dropHeld();
  const ofSheets = (entries) => entries.map(({ gesture }) => gesture.made_on);
  assert.deepEqual([ofSheets(store.held), store.ghosts.map(({ sheet }) => sheet)], [[2], [2]]);
  context.mock.timers.tick(1000);
  assert.deepEqual([sent.at(-1)[2].picture, sent.at(-1)[2].x], ["q", 2]);
  settle(sent.at(-1)[1]);
  assert.deepEqual([store.held, store.ghosts], [[], []]);
});

test("where the mark that is about to be tried again is dropped, the next one is tried", (context) => {
  const { send, settle, hold, dropHeld, sent, store } = page(context);
  send("segment_point", { x: 1 });
  hold(2);
  store.set({ picture: { id: "q", sheet: 2 } });
  send("segment_point", { x: 2 });
  send("segment_brush", {});
  context.mock.timers.tick(1000); // the first waits behind the brush
  store.set({ picture: { id: "p", sheet: 1 } });
  dropHeld();
  settle(sent.at(-1)[1]);
  assert.deepEqual([sent.at(-1)[0], sent.at(-1)[2].x], ["segment_point", 2]);
});

test("marks that are held are sent again once the server is back", (context) => {
  const { send, hold, sent, store } = page(context);
  send("segment_point", {});
  hold(2);
  store.set({ isLost: true });
  context.mock.timers.tick(3000);
  assert.equal(sent.length, 1);
  store.set({ isLost: false });
  assert.equal(sent.length, 2);
});

test("the fitting of a mark goes before what waits", (context) => {
  const { send, settle, fitNow, sent } = page(context);
  send("segment_brush", {}, { isToFit: true });
  send("edit_regions", {});
  fitNow();
  settle(2);
  assert.deepEqual(sent[1].slice(0, 2), ["refine_mark", 3]);
  settle(3);
  assert.deepEqual(sent[2].slice(0, 2), ["edit_regions", 4]);
});

test("a gesture without an answer is given up in the end", (context) => {
  const { send, sent } = page(context);
  send("segment_point", {});
  send("edit_regions", {});
  context.mock.timers.tick(120_000);
  assert.equal(sent.length, 2);
});

test("the page says what it is busy with", () => {
  const words = { opening: "Opening", fitting: "Fitting", finding: "Finding", findingAll: "Finding all" };
  const text = (name, arriving = null) => busyText({ waiting: name && { name }, arriving }, words);
  assert.equal(text(null), "");
  assert.equal(text(null, true), "Opening");
  assert.equal(text("turn_to_picture"), "Opening");
  assert.equal(text("close_picture"), "");
  assert.equal(text("segment_box"), "Finding");
  assert.equal(text("segment_brush"), "");
  assert.equal(text("refine_mark"), "Fitting");
  assert.equal(text("segment_everything"), "Finding all");
});
