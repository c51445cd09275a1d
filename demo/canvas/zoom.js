// Zooming: what changes the view of the picture, and its buttons in the corner of the stage.

import { make } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { toCanvas } from "./geometry.js";
import { enlargement, fittedView, followingView, isFitted, pannedView, scaledView, zoomedView } from "./view.js";

const STEP = 1.5;
// How far a double tap zooms in.
const DOUBLE_TAP = 3;

// Returns {node, covered, by, in, out, fit, actualSize, pan, follow, toggleAt, isZoomed}; positions are on the canvas.
export function createZoom({ store, words }) {
  const middle = () => [store.view.width / 2, store.view.height / 2];

  const change =
    (changed) =>
    (...values) => {
      if (store.picture && store.view.width) store.set({ view: changed(store.picture, store.view, ...values) });
    };
  const by = change((picture, view, factor, point = middle()) => zoomedView(picture, view, factor, point));
  const pan = change(pannedView);
  const follow = change(followingView);
  const fit = change((picture, view) => fittedView(picture, view.width, view.height));
  // One pixel of the picture on one pixel of the screen.
  const actualSize = change((picture, view) => scaledView(picture, view, 1 / (window.devicePixelRatio || 1), middle()));
  // By a key at the pointer, by a button in the middle, where the pointer is not over the canvas.
  const pointed = () => (store.cursor ? toCanvas(store.view, store.cursor) : middle());
  const zoomIn = () => by(STEP, pointed());
  const zoomOut = () => by(1 / STEP, pointed());
  const isZoomed = () => Boolean(store.picture) && !isFitted(store.picture, store.view);
  const toggleAt = (point) => (isZoomed() ? fit() : by(DOUBLE_TAP, point));

  const button = (name, tip, onclick) =>
    make("button", { type: "button", class: `osp-${name}`, title: tip, "aria-label": tip, onclick });
  const buttons = {
    out: button("zoom-out", words.zoomOut, zoomOut),
    percent: button("zoom-percent", words.zoomActual, actualSize),
    in: button("zoom-in", words.zoomIn, zoomIn),
    fit: button("zoom-fit", words.zoomFit, fit),
  };
  for (const [name, look] of [
    ["out", "remove"],
    ["in", "add"],
    ["fit", "fit"],
  ])
    buttons[name].append(icon(look));
  const node = make("div", { class: "osp-zoom", role: "group", "aria-label": words.zoom }, ...Object.values(buttons));

  store.follow(["view", "picture"], () => {
    node.hidden = !store.picture;
    if (!store.picture) return;
    const percent = store.view.scale * (window.devicePixelRatio || 1) * 100;
    buttons.percent.textContent = `${percent < 9.5 ? percent.toFixed(1) : Math.round(percent)} %`;
    node.classList.toggle("osp-on", isZoomed());
    buttons.fit.disabled = !isZoomed();
    buttons.out.disabled = enlargement(store.picture, store.view) <= 1.001;
  });
  // Where the buttons lie over the canvas: [[x0, y0, x1, y1]], or [] while there are none.
  function covered() {
    const { offsetLeft: x, offsetTop: y, offsetWidth: width, offsetHeight: height } = node;
    return width ? [[x, y, x + width, y + height]] : [];
  }
  return { node, covered, by, in: zoomIn, out: zoomOut, fit, actualSize, pan, follow, toggleAt, isZoomed };
}
