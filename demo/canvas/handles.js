// Handles: the clicks and the corners of the box by which the selected region was found, to be moved or removed, and the
// corners of the outline by which it was drawn, to be moved.
// Independent of the DOM.

import { distance, isInside, toCanvas } from "./geometry.js";
import { regionOf } from "./store.js";

// How near a pointer has to be, in CSS pixels.
const REACH = 10;
const FINGER_REACH = 20;

const HANDLED = ["point", "box", "polygon"];

// The corners of a box, in the order in which `movedBox` counts them.
export const cornersOf = ([x0, y0, x1, y1]) => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

// The box with one corner at another point; the opposite corner stays.
export function movedBox(box, corner, [x, y]) {
  const [oppositeX, oppositeY] = cornersOf(box)[(corner + 2) % 4];
  return [Math.min(x, oppositeX), Math.min(y, oppositeY), Math.max(x, oppositeX), Math.max(y, oppositeY)];
}

// The corners of an outline with one of them at another point.
export const movedOutline = (corners, index, point) =>
  corners.map((corner, place) => (place === index ? point : corner));

// The handle under a point of the canvas: {kind: "click", number, index, label}, {kind: "corner", number, index, box} or
// {kind: "vertex", number, index}. While a polygon is drawn there is none.
export function handleAt({ scene, view, tool, corners }, place, isByFinger) {
  const region = HANDLED.includes(tool) && !corners ? regionOf(scene, scene.selected) : null;
  if (!region || region.hidden) return null;
  const { number, points, frame } = region;
  const isNear = (point) => distance(toCanvas(view, point), place) <= (isByFinger ? FINGER_REACH : REACH);
  if (tool === "polygon") {
    const vertex = (region.corners || []).findIndex(isNear);
    return vertex >= 0 ? { kind: "vertex", number, index: vertex } : null;
  }
  const click = points.findIndex(([x, y]) => isNear([x, y]));
  if (click >= 0) return { kind: "click", number, index: click, label: points[click][2] };
  const corner = frame && tool === "box" ? cornersOf(frame).findIndex(isNear) : -1;
  return corner >= 0 ? { kind: "corner", number, index: corner, box: frame } : null;
}

// The gesture for a handle that was dragged to a point, or clicked with `isRemoving`; null if nothing changes. A click
// that is dragged out of the picture is removed.
export function handleGesture(handle, point, picture, { hasMoved, isRemoving }) {
  const { kind, number, index } = handle;
  if (kind === "corner") return hasMoved ? { op: "move_box", number, box: movedBox(handle.box, index, point) } : null;
  if (kind === "vertex") return hasMoved ? { op: "move_corner", number, index, x: point[0], y: point[1] } : null;
  if (isRemoving || (hasMoved && !isInside(picture, point))) return { op: "drop_point", number, index };
  return hasMoved ? { op: "move_point", number, index, x: point[0], y: point[1] } : null;
}
