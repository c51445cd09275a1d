// The life of a component's script: mounted anew with new words, after which the mount before hears nothing more.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { component, tell } from "../../../demo/shared/component.js";
import { say } from "../../../demo/shared/elements.js";

beforeEach(() => (globalThis.window = new EventTarget()));

// What Gradio gives a script; `change(names)` is an update from Python.
function host(props) {
  const watchers = [];
  return {
    props,
    watch: (names, act) => watchers.push({ names, act }),
    change(changes) {
      Object.assign(props, changes);
      for (const { names, act } of [...watchers]) if (names.some((name) => name in changes)) act();
    },
  };
}

test("a component is mounted at once, with its words", () => {
  const mounts = [];
  component("one", host({ words: { hello: "Hello" } }), ({ words, props }) => mounts.push([words.hello, props.words]));
  assert.deepEqual(mounts, [["Hello", { hello: "Hello" }]]);
});

test("in another language it is mounted anew, and only the new mount goes on", () => {
  const page = host({ words: "en", turns: 0 });
  const told = [];
  component("one", page, ({ words, watch, listen }) => {
    watch(["turns"], () => told.push([words, "turns"]));
    listen(globalThis.window, "osprey:hover", (event) => told.push([words, event.detail]));
  });
  page.change({ turns: 1 });
  tell("osprey:hover", 3);
  page.change({ words: "ko" });
  page.change({ turns: 2 });
  tell("osprey:hover", 4);
  assert.deepEqual(told, [
    ["en", "turns"],
    ["en", 3],
    ["ko", "turns"],
    ["ko", 4],
  ]);
});

test("a component that is made anew takes the place of the one of its name, and of no other", () => {
  const told = [];
  const mount =
    (name) =>
    ({ listen }) =>
      listen(globalThis.window, "osprey:who", () => told.push(name));
  component("one", host({}), mount("first"));
  component("other", host({}), mount("other"));
  component("one", host({}), mount("second"));
  tell("osprey:who");
  assert.deepEqual(told, ["other", "second"]);
});

test("sentences have their holes filled, whatever fills them", () => {
  assert.equal(say("{count} of {total}: {name}", { count: 1, total: 2, name: "{count} $&" }), "1 of 2: {count} $&");
});
