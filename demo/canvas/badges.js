// Where the numbers of regions stand on the canvas. Independent of the DOM.

import { anchorPoint, distance, rectOf, toCanvas } from "./geometry.js";

const RADIUS = 13;
const DISTANCE = 26;
const STEPS = [0, 28, -28, 56, -56, 84, -84];
// A region whose shorter side is below this many CSS pixels has its number beside it, so that it stays visible.
const LEAST_SIDE = 52;
const GAP = 5;
// From a small region's edge to the middle of its number beside it.
const REACHES = [0, 1, 2, 3].map((step) => RADIUS + GAP + step * DISTANCE);

// The positions of region numbers on the canvas: [{layer, x, y, from}]. They keep their size at every zoom, and where
// there is room they stand inside the picture's visible part, apart from each other, and on no small region. `from` is
// the point of a small region to which a line leads from its number beside it, else null. Regions out of view have none.
// `covered` are boxes of what lies over the canvas, [x0, y0, x1, y1]: numbers stand clear of them.
export function badgePlaces(layers, picture, view, covered = []) {
  const [right, bottom] = toCanvas(view, [picture.width, picture.height]);
  const canvasArea = inner([0, 0, view.width, view.height]);
  const area = inner([
    Math.max(view.x, 0),
    Math.max(view.y, 0),
    Math.min(right, view.width),
    Math.min(bottom, view.height),
  ]);
  const placed = layers
    .map((layer) => ({ layer, rect: rectOf(layer, picture, view) }))
    .filter(({ rect }) => isVisible(rect, view));
  const smallBoxes = placed.filter(({ rect }) => isSmall(rect)).map(({ rect }) => boxOf(rect));
  const places = [];
  for (const { layer, rect } of placed) {
    const anchor = toCanvas(view, anchorPoint(layer, picture));
    const within = [clampedTo(anchor[0], area.left, area.right), clampedTo(anchor[1], area.top, area.bottom)];
    const isSeen = (spot) => isIn(canvasArea, spot) && !covered.some((box) => isUnder(box, spot));
    const besides = isSmall(rect) ? besidePlaces(rect, within).filter(isSeen) : [];
    const above = covered.flatMap(([, top]) => STEPS.map((step) => [within[0] + step, top - RADIUS - GAP]));
    const rows = STEPS.flatMap((down) => STEPS.map((step) => [within[0] + step, within[1] + down]));
    const insides = [...rows, ...above].filter((spot) => isIn(area, spot) && isSeen(spot));
    const isFree = (spot) => places.every((other) => distance([other.x, other.y], spot) >= DISTANCE);
    const hidesNone = (spot) => !smallBoxes.some((box) => isUnder(box, spot));
    // A picture that is narrow on the canvas has room only beside it.
    const beside = [besides.filter((spot) => isIn(area, spot)), besides]
      .map((spots) => spots.find((spot) => isFree(spot) && hidesNone(spot)))
      .find(Boolean);
    const outside = beside || besides.find(isFree);
    const [x, y] = outside || insides.find((spot) => isFree(spot) && hidesNone(spot)) || insides.find(isFree) || within;
    places.push({ layer, x, y, from: outside ? anchor : null });
  }
  return places;
}

// Where a number may have its middle inside a box of the canvas.
const inner = ([x0, y0, x1, y1]) => ({ left: x0 + RADIUS, top: y0 + RADIUS, right: x1 - RADIUS, bottom: y1 - RADIUS });

const isSmall = ({ width, height }) => Math.min(width, height) < LEAST_SIDE;

const boxOf = ({ x, y, width, height }) => [x, y, x + width, y + height];

// Above, to the right, to the left, below; then the same farther away.
function besidePlaces({ x, y, width, height }, [column, row]) {
  return REACHES.flatMap((reach) => [
    [column, y - reach],
    [x + width + reach, row],
    [x - reach, row],
    [column, y + height + reach],
  ]);
}

const clampedTo = (value, least, most) => Math.max(least, Math.min(value, most));

const isIn = (area, [x, y]) => x >= area.left && x <= area.right && y >= area.top && y <= area.bottom;

const isUnder = ([x0, y0, x1, y1], [x, y]) => x > x0 - RADIUS && x < x1 + RADIUS && y > y0 - RADIUS && y < y1 + RADIUS;

const isVisible = ({ x, y, width, height }, view) =>
  x < view.width && y < view.height && x + width > 0 && y + height > 0;
