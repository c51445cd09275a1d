// Functions that paint marks: clicks and boxes of regions, what is being drawn, cursors. Positions are on the canvas, in CSS
// pixels.

import { toCanvas } from "./geometry.js";
import { FULL_CIRCLE, strokeTwice, WHITE } from "./strokes.js";

const REMOVING = "#c22f2f";

// The box by which a region was found, with its corners to be dragged.
export function paintFrame(context, corners, color) {
  context.beginPath();
  for (const corner of corners) context.lineTo(...corner);
  context.closePath();
  context.setLineDash([6, 4]);
  strokeTwice(context, [3, WHITE], [1.5, color]);
  context.setLineDash([]);
  for (const [x, y] of corners) {
    context.beginPath();
    context.arc(x, y, 5, 0, FULL_CIRCLE);
    context.fillStyle = "#fff";
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = color;
    context.stroke();
  }
}

// A click from which a region was segmented: a plus or a minus.
export function paintClick(context, [x, y], isPlus) {
  context.beginPath();
  context.arc(x, y, 6, 0, FULL_CIRCLE);
  context.fillStyle = isPlus ? "#1b7f3b" : REMOVING;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.stroke();
  context.beginPath();
  context.moveTo(x - 3, y);
  context.lineTo(x + 3, y);
  if (isPlus) {
    context.moveTo(x, y - 3);
    context.lineTo(x, y + 3);
  }
  context.stroke();
}

// A mark that is being drawn or, if `isSent`, waits for Python's answer. `tip`: the position of a polygon's next
// corner, or null.
export function paintMark(context, mark, view, { isSent, tip }) {
  const color = mark.action === "remove" ? REMOVING : mark.color;
  const points = mark.points.map((point) => toCanvas(view, point));
  context.save();
  if (mark.kind === "box") paintBox(context, points, color, isSent);
  else if (mark.kind === "polygon") paintPolygon(context, points, color, { isSent, tip: tip && toCanvas(view, tip) });
  else if (mark.kind === "brush") paintStroke(context, points, color, mark.radius * 2 * view.scale);
  else if (mark.kind === "point") paintPoint(context, points[0], color, isSent);
  if (mark.isHeld) paintTurning(context, points[points.length - 1]);
  context.restore();
}

// A turning arc around a position whose mark waits until the segmenter has loaded.
function paintTurning(context, [x, y]) {
  const angle = performance.now() / 160;
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x, y, 15, angle, angle + FULL_CIRCLE * 0.7);
  context.setLineDash([]);
  strokeTwice(context, [6, WHITE], [3, "#333"]);
}

function paintBox(context, points, color, isSent) {
  const [ax, ay] = points[0];
  const [bx, by] = points[points.length - 1];
  context.globalAlpha = isSent ? 0.6 : 1;
  for (const [width, style, dash] of [
    [4, WHITE, []],
    [2, color, [6, 4]],
  ]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.setLineDash(dash);
    context.strokeRect(Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by));
  }
}

function paintPolygon(context, corners, color, { isSent, tip }) {
  context.beginPath();
  for (const [x, y] of isSent || !tip ? corners : [...corners, tip]) context.lineTo(x, y);
  if (isSent) context.closePath();
  context.globalAlpha = 0.2;
  context.fillStyle = color;
  context.fill();
  context.globalAlpha = isSent ? 0.6 : 1;
  strokeTwice(context, [4, WHITE], [2, color]);
  // The first corner is larger, because a click on it closes the outline.
  corners.forEach(([x, y], place) => {
    context.beginPath();
    context.arc(x, y, place || isSent ? 3.5 : 6, 0, FULL_CIRCLE);
    context.fillStyle = place ? color : "#fff";
    context.strokeStyle = place ? "#fff" : color;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  });
}

function paintStroke(context, points, color, width) {
  context.globalAlpha = 0.5;
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points) context.lineTo(...point);
  if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]); // a dot
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  context.strokeStyle = color;
  context.stroke();
}

// The point pulses while it waits for an answer.
function paintPoint(context, [x, y], color, isSent) {
  const radius = isSent ? 4 + 3 * Math.abs(Math.sin(performance.now() / 250)) : 5;
  context.beginPath();
  context.arc(x, y, radius, 0, FULL_CIRCLE);
  context.fillStyle = color;
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

// The outline of the brush around the pointer.
export function paintBrush(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, FULL_CIRCLE);
  strokeTwice(context, [3, WHITE], [1.5, "rgba(0,0,0,0.8)"]);
}

// The keyboard's cursor.
export function paintCross(context, [x, y]) {
  context.beginPath();
  context.moveTo(x - 11, y);
  context.lineTo(x + 11, y);
  context.moveTo(x, y - 11);
  context.lineTo(x, y + 11);
  strokeTwice(context, [4, "#fff"], [1.5, "#000"]);
}
