// Functions that paint the elements of the canvas, one each. Positions are on the canvas, in CSS pixels.

import { rectOf, toCanvas } from "./geometry.js";
import { outlineOf } from "./layers.js";

const REMOVING = "#c22f2f";
const WHITE = "rgba(255,255,255,0.9)";
const FULL_CIRCLE = 2 * Math.PI;

// `isStrong`: the region is selected; `isLit`: the pointer is on it. `opacity`: of its colour over its pixels, 0..1.
export function paintRegion(context, layer, { picture, view }, { isStrong, isLit, opacity }) {
  const path = placedOutline(layer, picture, view);
  const { color } = layer.region;
  context.globalAlpha = Math.min(1, opacity * (isLit ? 1.6 : isStrong ? 1 : 0.7));
  context.fillStyle = color;
  context.fill(path);
  context.globalAlpha = 1;
  context.lineJoin = "round";
  // A white line below a coloured one is visible on any background.
  const width = isStrong || isLit ? 3 : 2;
  strokePath(context, path, width + 2.5, WHITE);
  strokePath(context, path, width, color);
}

// All segments over a dimmed picture, their outlines dashed in black and white.
export function paintSegments(context, { picture, view, segments }) {
  context.fillStyle = "rgba(10, 14, 20, 0.25)";
  context.fillRect(view.x, view.y, picture.width * view.scale, picture.height * view.scale);
  context.lineJoin = "round";
  for (const layer of segments.layers) {
    if (!isInView(rectOf(layer, picture, view), view)) continue;
    const path = placedOutline(layer, picture, view);
    strokePath(context, path, 2, "rgb(20, 24, 31)");
    context.setLineDash([4, 4]);
    strokePath(context, path, 2, "#fff");
    context.setLineDash([]);
  }
}

// The segment under the pointer.
export function paintLitSegment(context, layer, { picture, view }) {
  const path = placedOutline(layer, picture, view);
  context.fillStyle = "rgba(255, 255, 255, 0.4)";
  context.fill(path);
}

// What a click would mark: only a dashed outline and a breath of colour, so that it is not taken for a region.
export function paintPreview(context, layer, { picture, view }) {
  const path = placedOutline(layer, picture, view);
  context.globalAlpha = 0.16;
  context.fillStyle = layer.region.color;
  context.fill(path);
  context.globalAlpha = 1;
  context.lineJoin = "round";
  strokePath(context, path, 2.5, "rgba(10, 14, 20, 0.55)");
  context.setLineDash([6, 5]);
  strokePath(context, path, 2, WHITE);
  context.setLineDash([]);
}

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

// The layer's outline on the canvas, so that lines keep their width at every zoom.
function placedOutline(layer, picture, view) {
  const { x, y, width, height } = rectOf(layer, picture, view);
  const path = new Path2D();
  path.addPath(outlineOf(layer), new DOMMatrix([width / layer.width, 0, 0, height / layer.height, x, y]));
  return path;
}

function strokePath(context, path, width, style) {
  context.lineWidth = width;
  context.strokeStyle = style;
  context.stroke(path);
}

const isInView = ({ x, y, width, height }, view) =>
  x < view.width && y < view.height && x + width > 0 && y + height > 0;

// The number of a region, with a line to the region if it stands beside it.
export function paintBadge(context, { layer, x, y, from }, isStrong) {
  const { number, color, text } = layer.region;
  if (from) {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(x, y);
    strokeTwice(context, [4, WHITE], [2, color]);
  }
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
