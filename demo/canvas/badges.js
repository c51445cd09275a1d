// Where the numbers of regions stand on the canvas. Independent of the DOM.

import { anchorPoint, distance, rectOf, toCanvas } from "./geometry.js";

const RADIUS = 13;
const DISTANCE = 26;
const STEPS = [0, 28, -28, 56, -56, 84, -84];
// A region whose shorter side is below this many CSS pixels has its number beside it, so that it stays visible.
const LEAST_SIDE = 52;
const GAP = 5;

// The positions of region numbers on the canvas: [{layer, x, y, from}]. They lie inside the picture's visible part,
// keep their size at every zoom, and do not overlap if there is room, even if the regions do. `from` is the point of a
// small region to which a line leads from its number beside it, else null. Regions out of view have none.
// `covered` are boxes of what lies over the canvas, [x0, y0, x1, y1]: numbers stand clear of them.
export function badgePlaces(layers, picture, view, covered = []) {
  const [right, bottom] = toCanvas(view, [picture.width, picture.height]);
  const area = {
    left: Math.max(view.x, 0) + RADIUS,
    top: Math.max(view.y, 0) + RADIUS,
    right: Math.min(right, view.width) - RADIUS,
    bottom: Math.min(bottom, view.height) - RADIUS,
  };
  const places = [];
  for (const layer of layers) {
    const rect = rectOf(layer, picture, view);
    if (!isVisible(rect, view)) continue;
    const anchor = toCanvas(view, anchorPoint(layer, picture));
    const isSmall = Math.min(rect.width, rect.height) < LEAST_SIDE;
    const within = [clampedTo(anchor[0], area.left, area.right), clampedTo(anchor[1], area.top, area.bottom)];
    const isSeen = (spot) => isIn(area, spot) && !covered.some((box) => isUnder(box, spot));
    const beside = isSmall ? besidePlaces(rect, within).filter(isSeen) : [];
    const above = covered.flatMap(([, top]) => STEPS.map((step) => [within[0] + step, top - RADIUS - GAP]));
    const steps = [...STEPS.map((step) => [within[0] + step, within[1]]), ...above].filter(isSeen);
    const isFree = (spot) => places.every((other) => distance([other.x, other.y], spot) >= DISTANCE);
    const outside = beside.find(isFree);
    const [x, y] = outside || steps.find(isFree) || within;
    places.push({ layer, x, y, from: outside ? anchor : null });
  }
  return places;
}

// Above, to the right, to the left, below; then the same farther away.
function besidePlaces({ x, y, width, height }, [column, row]) {
  return [RADIUS + GAP, RADIUS + GAP + DISTANCE].flatMap((reach) => [
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
