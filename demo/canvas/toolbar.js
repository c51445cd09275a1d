// The buttons above the picture, and the options of brush and polygon below it.

import { make } from "../shared/elements.js";
import { keep, recall } from "../shared/browser_store.js";
import { icon } from "../shared/icons.js";
import { heldHere } from "./gestures.js";
import { LARGEST_BRUSH, SMALLEST_BRUSH } from "./store.js";

const MOST_OPACITY = 0.8;
const TOOLS = ["point", "box", "polygon", "brush", "everything"];
const ACTIONS = ["new", "add", "remove"];

export function createButton(name, label, tip, onclick, extra) {
  return make(
    "button",
    { type: "button", class: `osp-button osp-${name}`, title: tip, "aria-label": tip, onclick, ...extra },
    icon(name),
    make("span", { class: "osp-label" }, label),
  );
}

// `saving` is as in saving.js; `undo` undoes the last change, `redo` makes it again; `inputs` are hidden nodes to append to
// the toolbar.
export function createToolbar({ store, words, marks, send, saving, undo, redo, inputs }) {
  const pressable = (name, choose) =>
    createButton(name, words[name], words[`${name}Tip`], () => choose(name), { "aria-pressed": "false" });
  const tools = TOOLS.map((name) => pressable(name, marks.setTool));
  const actions = ACTIONS.map((name) => pressable(name, marks.setAction));
  const undoButton = createButton("undo", words.undo, words.undoTip, undo);
  const redoButton = createButton("redo", words.redo, words.redoTip, redo);
  const clear = createButton("clear", words.clear, words.clearTip, () => send("edit_regions", { op: "clear" }));
  const save = createButton("save", words.save, words.saveTip, saving.saveRecord);

  store.follow(["picture", "scene", "tool", "action", "held"], () => {
    const { picture, scene, tool, action } = store;
    const hasRegions = scene.regions.length > 0;
    tools.forEach((button, place) => {
      button.setAttribute("aria-pressed", String(TOOLS[place] === tool));
      button.disabled = !picture;
    });
    actions.forEach((button, place) => {
      button.setAttribute("aria-pressed", String(ACTIONS[place] === action));
      button.disabled = !picture || (ACTIONS[place] !== "new" && !hasRegions);
    });
    undoButton.disabled = !scene.canUndo && !heldHere(store).length;
    redoButton.disabled = !scene.canRedo;
    clear.disabled = !hasRegions;
    save.disabled = !picture;
  });

  return make(
    "div",
    { class: "osp-toolbar", role: "toolbar", "aria-label": words.tools },
    make("div", { class: "osp-group", role: "group", "aria-label": words.tools }, ...tools),
    make("div", { class: "osp-group osp-actions", role: "group", "aria-label": words.actions }, ...actions),
    make("span", { class: "osp-space" }),
    make("div", { class: "osp-group osp-plain" }, undoButton, redoButton, clear, save),
    ...inputs,
  );
}

// The option to fit marks, and the size of the brush: nodes that are shown with the tools they apply to.
export function createMarkOptions({ store, words }) {
  const fitInput = make("input", { type: "checkbox" });
  const fit = make("label", { class: "osp-fit", title: words.fitTip }, fitInput, make("span", {}, words.fit));
  fitInput.addEventListener("change", () => store.set({ fitsMarks: fitInput.checked }));

  const range = { type: "range", min: SMALLEST_BRUSH, max: LARGEST_BRUSH, value: store.brushSize };
  const sizeInput = make("input", { ...range, "aria-label": words.size });
  const size = make("label", { class: "osp-size", title: words.size }, make("span", { class: "osp-dot" }), sizeInput);
  sizeInput.addEventListener("input", () => store.set({ brushSize: Number(sizeInput.value) }));

  store.follow(["tool", "fitsMarks", "brushSize"], () => {
    const { tool, fitsMarks, brushSize } = store;
    fitInput.checked = fitsMarks;
    sizeInput.value = brushSize;
    size.classList.toggle("osp-on", tool === "brush");
    fit.classList.toggle("osp-on", tool === "brush" || tool === "polygon");
  });
  return [fit, size];
}

// The button that has all segments described, while the tool that finds them is chosen; the table shows the captions.
export function createDescribeButton({ store, words, describe }) {
  const attributes = { type: "button", class: "osp-describe-all", hidden: true, onclick: describe };
  const button = make("button", attributes, words.describeAll);
  store.follow(["tool", "segments"], () => {
    button.hidden = store.tool !== "everything" || !store.segments || !store.segments.layers.length;
  });
  return button;
}

// How strongly the colours of regions cover their pixels, down to outlines alone; kept in the browser.
export function createOpacity({ store, words }) {
  const kind = { type: "range", min: 0, max: MOST_OPACITY, step: 0.04 };
  const input = make("input", { ...kind, class: "osp-slider", "aria-label": words.opacity });
  const node = make("label", { class: "osp-opacity", title: words.opacityTip }, icon("tint"), input);
  const stored = Number.parseFloat(recall("opacity"));
  if (stored >= 0 && stored <= MOST_OPACITY) store.set({ opacity: stored });
  input.addEventListener("input", () => store.set({ opacity: Number(input.value) }));
  store.follow(["opacity", "scene"], () => {
    input.value = store.opacity;
    node.classList.toggle("osp-on", store.scene.regions.length > 0);
  });
  store.follow(["opacity"], () => keep("opacity", String(store.opacity)));
  return node;
}
