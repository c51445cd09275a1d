// The buttons above the picture, and the options of brush and polygon below it.

import { make } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { LARGEST_BRUSH, SMALLEST_BRUSH } from "./store.js";

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

// `saving` is as in saving.js; `undo` undoes the last change of the regions; `inputs` are hidden nodes to append to the toolbar.
export function createToolbar({ store, words, marks, send, saving, undo, inputs }) {
  const pressable = (name, choose) =>
    createButton(name, words[name], words[`${name}Tip`], () => choose(name), { "aria-pressed": "false" });
  const tools = TOOLS.map((name) => pressable(name, marks.setTool));
  const actions = ACTIONS.map((name) => pressable(name, marks.setAction));
  const undoButton = createButton("undo", words.undo, words.undoTip, undo);
  const clear = createButton("clear", words.clear, words.clearTip, () => send("edit_regions", { op: "clear" }));
  const save = createButton("save", words.save, words.saveTip, saving.saveRecord);

  store.follow(["picture", "scene", "tool", "action"], () => {
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
    undoButton.disabled = !scene.canUndo;
    clear.disabled = !hasRegions;
    save.disabled = !picture;
  });

  return make(
    "div",
    { class: "osp-toolbar", role: "toolbar", "aria-label": words.tools },
    make("div", { class: "osp-group", role: "group", "aria-label": words.tools }, ...tools),
    make("div", { class: "osp-group", role: "group", "aria-label": words.actions }, ...actions),
    make("span", { class: "osp-space" }),
    make("div", { class: "osp-group osp-plain" }, undoButton, clear, save),
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
