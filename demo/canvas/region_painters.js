// Functions that paint what Python has sent: regions with their numbers, segments, previews. Positions are on the canvas, in CSS pixels.

import { rectOf } from "./geometry.js";
import { outlineOf } from "./layers.js";
import { FULL_CIRCLE, strokeTwice, WHITE } from "./strokes.js";

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
