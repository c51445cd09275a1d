// The store tells those who follow a field, once for each change or batch of changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore, nextColor, shownLayers } from "../../../demo/canvas/store.js";

test("followers hear of their fields only", () => {
  const store = createStore();
  const told = [];
  store.follow(["tool"], () => told.push(["tool", store.tool]));
  store.follow(["cross", "drag"], () => told.push("mark"));
  store.follow(null, () => told.push("any"));
  store.set({ tool: "box", hovered: 3 });
  assert.deepEqual(told, [["tool", "box"], "any"]);
  store.touch("drag");
  assert.deepEqual(told.slice(2), ["mark", "any"]);
});

test("a batch is told once, at its end", () => {
  const store = createStore();
  let count = 0;
  store.follow(["tool", "action"], () => (count += 1));
  store.batch(() => {
    store.set({ tool: "box" });
    store.batch(() => store.set({ action: "add" }));
    assert.equal(count, 0);
  });
  assert.equal(count, 1);
});

test("a follower may change the store", () => {
  const store = createStore();
  store.follow(["tool"], () => store.set({ action: "new" }));
  let seen = null;
  store.follow(["action"], () => (seen = store.action));
  store.set({ action: "add" });
  store.set({ tool: "brush" });
  assert.equal(seen, "new");
});

test("stores share nothing", () => {
  const [one, other] = [createStore(), createStore()];
  one.layers.set(1, {});
  one.scene.regions.push({ number: 1 });
  assert.equal(other.layers.size, 0);
  assert.deepEqual(other.scene.regions, []);
});

test("a mark has the colour of the region that it will belong to", () => {
  const scene = { regions: [{ number: 1, color: "#111111" }], selected: 1, next: { color: "#222222" } };
  assert.equal(nextColor({ scene, action: "new" }), "#222222");
  assert.equal(nextColor({ scene, action: "add" }), "#111111");
  assert.equal(nextColor({ scene: { ...scene, selected: null }, action: "add" }), "#222222");
});

test("hidden regions, and those without pixels yet, are not shown", () => {
  const regions = [{ number: 1, hidden: true }, { number: 2, hidden: false }, { number: 3 }];
  const layers = new Map([
    [1, "one"],
    [2, "two"],
  ]);
  assert.deepEqual(shownLayers({ scene: { regions }, layers }), ["two"]);
});
