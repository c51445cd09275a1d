// The line below the picture: the next step, or for some seconds a problem.

import { isTouch, make, say } from "../shared/elements.js";

const PROBLEM_TIME = 6000; // milliseconds

// The fields that the sentence about the next step depends on.
const STATE = ["picture", "scene", "corners", "action", "tool", "choosing"];

export function createHint({ store, words }) {
  const node = make("div", { class: "osp-hint", id: "osp-hint", role: "status" });
  let timer = 0;

  function show() {
    node.classList.toggle("osp-problem", Boolean(store.problem) && !store.problem.isNote);
    node.textContent = store.problem
      ? store.problem.text
      : hintFor(store, isTouch() ? { ...words, ...words.touch } : words);
  }

  store.follow([...STATE, "problem"], show);
  store.follow(["problem"], () => {
    clearTimeout(timer);
    if (store.problem) timer = setTimeout(() => store.set({ problem: null }), PROBLEM_TIME);
  });
  return node;
}

// The sentence about the next step, or "".
export function hintFor({ picture, scene, corners, action, tool, choosing }, words) {
  const number = scene.selected;
  if (!picture) return "";
  if (choosing) return say(choosing.op === "merge" ? words.hintMerge : words.hintSubtract, choosing);
  if (corners) return words.hintCorners;
  if (action === "add") return say(words.hintAdd, { number });
  if (action === "remove") return say(words.hintRemove, { number });
  if (tool === "everything") return words.hintEverything;
  if (scene.regions.length === 1) return say(words.hintRefine, { number });
  if (scene.regions.length) return words.hintMany;
  return { point: words.hintPoint, box: words.hintBox, polygon: words.hintPolygon, brush: words.hintBrush }[tool];
}
