// Whether the server is away: one failure is none, a slow answer is none, another server is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createConnection, lookAtServer } from "../../../demo/keeping/connection.js";

// A server whose answers are given in turn; `next()` lets the time until the next look pass.
function scene(answers, isHidden = false) {
  const told = [];
  const pauses = [];
  let act = null;
  const connection = createConnection({
    look: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    change: (state) => told.push(state.isLost),
    isHidden: () => isHidden,
    later: (next, pause) => ((act = next), pauses.push(pause)),
    forget: () => {},
  });
  return { told, pauses, connection, answers, next: () => act() };
}

const refused = () => new TypeError("Failed to fetch");
const slow = () => Object.assign(new Error("slow"), { name: "TimeoutError" });

test("two failures in a row are a loss, an answer after them ends it", async () => {
  const page = scene([{ run: 1 }, refused(), refused(), null, { run: 1 }]);
  await page.connection.check();
  await page.next();
  assert.deepEqual(page.told, []);
  await page.next();
  assert.deepEqual(page.told, [true]);
  await page.next();
  assert.deepEqual(page.told, [true]);
  await page.next();
  assert.deepEqual(page.told, [true, false]);
  assert.deepEqual(page.pauses, [20_000, 1000, 2000, 2000, 20_000]);
});

test("one failure alone, or two slow answers, are no loss", async () => {
  const page = scene([{ run: 1 }, refused(), {}, slow(), slow(), { run: 1 }]);
  await page.connection.check();
  for (let step = 0; step < 5; step += 1) await page.next();
  assert.deepEqual(page.told, []);
});

test("another server is told at once", async () => {
  const page = scene([{ run: 1 }, { run: 2 }, { run: 2 }]);
  await page.connection.check();
  await page.next();
  assert.deepEqual(page.told, [false]);
  await page.next();
  assert.deepEqual(page.told, [false]);
});

test("a hidden page does not ask on its own", async () => {
  const page = scene([{ run: 1 }], true);
  await page.connection.check();
  assert.deepEqual(page.pauses, []);
});

test("a proxy's own failure is no answer of the server", async (context) => {
  globalThis.window = {};
  context.after(() => delete globalThis.window);
  const status = (code) => context.mock.method(globalThis, "fetch", async () => new Response("", { status: code }));
  for (const [code, told] of [
    [500, null],
    [502, null],
    [404, {}],
  ]) {
    status(code);
    assert.deepEqual(await lookAtServer(), told);
  }
});
