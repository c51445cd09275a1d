// Files for a person: which answer of Python belongs to which request, and what becomes of a refused one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createGestures } from "../../../demo/canvas/gestures.js";
import { createSaving } from "../../../demo/canvas/saving.js";
import { createStore } from "../../../demo/canvas/store.js";

function setup(t) {
  const store = createStore();
  store.set({ picture: { id: "p" } });
  const gestures = createGestures({ store, props: {}, trigger: () => {} });
  t.after(() => clearTimeout(store.waiting && store.waiting.timer));
  const words = { copiedCutout: "copied {number}", copyRefused: "refused" };
  return { store, gestures, saving: createSaving({ store, words, send: gestures.send }) };
}

// The clipboard of a browser: waits for the data of what is written.
function withClipboard(t, written) {
  globalThis.ClipboardItem = class {
    constructor(data) {
      this.data = data;
    }
  };
  const clipboard = { write: async ([item]) => written.push(await item.data["image/png"]) };
  Object.defineProperty(globalThis, "navigator", { value: { clipboard }, configurable: true });
  t.after(() => {
    delete globalThis.ClipboardItem;
    delete globalThis.navigator;
  });
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("the picture of a region goes into the clipboard", async (t) => {
  const { store, gestures, saving } = setup(t);
  const written = [];
  withClipboard(t, written);
  saving.copyCutout(3);
  const { seq } = store.waiting;
  saving.receive({ seq: seq - 2, name: "other", data: btoa("other") });
  saving.receive({ seq, name: "one.png", data: btoa("pixels") });
  gestures.settle(seq);
  await settled();
  assert.equal(await written[0].text(), "pixels");
  assert.equal(written[0].type, "image/png");
  assert.equal(store.problem.text, "copied 3");
});

test("what Python refuses is not told again; a missing clipboard is", async (t) => {
  const { store, gestures, saving } = setup(t);
  withClipboard(t, []);
  saving.copyCutout(3);
  gestures.settle(store.waiting.seq);
  await settled();
  assert.equal(store.problem, null);

  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  saving.copyCutout(3);
  await settled();
  assert.equal(store.problem.text, "refused");
});
