// Functions that paint the elements of the canvas, one each. Positions are on the canvas, in CSS pixels.

import { rectOf, toCanvas } from "./geometry.js";
import { createOutline, OUTLINE_MARGIN } from "./layers.js";

const REMOVING = "#c22f2f";
const WHITE = "rgba(255,255,255,0.9)";
const FULL_CIRCLE = 2 * Math.PI;

// `isStrong`: the region is selected; `isLit`: the pointer is on it.
export function paintRegion(context, layer, { picture, view }, { isStrong, isLit }) {
  const { x, y, width, height } = rectOf(layer, picture, view);
  context.globalAlpha = isLit ? 0.5 : isStrong ? 0.36 : 0.26;
  context.drawImage(layer.tint, x, y, width, height);
  context.globalAlpha = 1;
  layer.outline = layer.outline || createOutline(layer, width, height);
  const place = [x - OUTLINE_MARGIN, y - OUTLINE_MARGIN, width + 2 * OUTLINE_MARGIN, height + 2 * OUTLINE_MARGIN];
  context.drawImage(layer.outline.halo, ...place);
  context.drawImage(isStrong || isLit ? layer.outline.wide : layer.outline.thin, ...place);
}

// All segments over a dimmed picture; `lit` is the segment under the pointer.
export function paintSegments(context, { picture, view, segments }, lit) {
  context.fillStyle = "rgba(10, 14, 20, 0.25)";
  context.fillRect(view.x, view.y, picture.width * view.scale, picture.height * view.scale);
  for (const layer of segments.layers) {
    const { x, y, width, height } = rectOf(layer, picture, view);
    if (layer === lit) {
      context.globalAlpha = 0.4;
      context.drawImage(layer.tint, x, y, width, height);
      context.globalAlpha = 1;
    }
    context.drawImage(layer.edge, x, y, width, height);
  }
}

// The number of a region.
export function paintBadge(context, { layer, x, y }, isStrong) {
  const { number, color, text } = layer.region;
  const radius = isStrong ? 13 : 11;
  for (const [reach, style] of [
    [radius + 2.5, "rgba(0,0,0,0.45)"],
    [radius + 1.5, "#fff"],
    [radius, color],
  ]) {
    context.beginPath();
    context.arc(x, y, reach, 0, FULL_CIRCLE);
    context.fillStyle = style;
    context.fill();
  }
  context.fillStyle = text;
  context.font = `700 ${isStrong ? 14 : 12}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(number, x, y + 0.5);
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
  context.restore();
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

// Strokes the path in two widths and colours, so that it is visible on any picture.
function strokeTwice(context, ...strokes) {
  for (const [width, style] of strokes) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}
