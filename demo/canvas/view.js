// Views of the picture on the canvas: fitted, zoomed, panned. Independent of the DOM.
//
// A view is {scale, x, y, width, height}, see geometry.js. Sizes and distances are in CSS pixels of the canvas.

import { toCanvas, toPicture } from "./geometry.js";

// The largest scale, in CSS pixels for each pixel of the picture; small pictures that are fitted larger keep theirs.
const MOST_SCALE = 24;
// How near the canvas's edge a point may come before the view follows it.
const EDGE = 32;

// The view that shows the whole picture, centred, on a canvas of this size.
export function fittedView(picture, width, height) {
  const scale = Math.min(width / picture.width, height / picture.height);
  const [x, y] = [(width - picture.width * scale) / 2, (height - picture.height * scale) / 2];
  return { scale, x, y, width, height };
}

// How large the view shows the picture, compared with the whole picture on the canvas: above 1 only a part of it.
export const enlargement = (picture, view) => view.scale / fittedView(picture, view.width, view.height).scale;

export const isFitted = (picture, view) => Math.abs(enlargement(picture, view) - 1) <= 0.001;

// The view with its scale within the limits, and moved so that no more of the canvas stays empty than needed.
function limited(picture, view) {
  const fitted = fittedView(picture, view.width, view.height);
  const scale = Math.min(view.scale, Math.max(MOST_SCALE, fitted.scale));
  if (isFitted(picture, { ...view, scale })) return fitted;
  const place = (start, length, space) =>
    length <= space ? (space - length) / 2 : Math.min(Math.max(start, space - length), 0);
  const x = place(view.x, picture.width * scale, view.width);
  const y = place(view.y, picture.height * scale, view.height);
  return { ...view, scale, x, y };
}

// The view zoomed by a factor, with the point of the canvas `[x, y]` staying over the same pixel. It ends at the whole
// picture; only `scaledView` shows a small one smaller than the canvas.
export function zoomedView(picture, view, factor, point) {
  const least = Math.min(view.scale, fittedView(picture, view.width, view.height).scale);
  return scaledView(picture, view, Math.max(view.scale * factor, least), point);
}

// The view at a scale, with the point of the canvas `[x, y]` staying over the same pixel where there is room.
export function scaledView(picture, view, wanted, [x, y]) {
  const fitted = fittedView(picture, view.width, view.height);
  const scale = Math.min(wanted, Math.max(MOST_SCALE, fitted.scale));
  const [column, row] = toPicture(view, [x, y]);
  return limited(picture, { ...view, scale, x: x - column * scale, y: y - row * scale });
}

export const pannedView = (picture, view, right, down) =>
  limited(picture, { ...view, x: view.x + right, y: view.y + down });

// The view on a canvas of another size: a fitted picture stays fitted, otherwise the middle and the scale stay.
export function resizedView(picture, view, width, height) {
  if (!view.width || isFitted(picture, view)) return fittedView(picture, width, height);
  const [x, y] = [view.x + (width - view.width) / 2, view.y + (height - view.height) / 2];
  const least = enlargement(picture, view) > 1 ? fittedView(picture, width, height).scale : view.scale;
  return limited(picture, { ...view, scale: Math.max(view.scale, least), x, y, width, height });
}

// The view moved as little as needed to show this point of the picture.
export function followingView(picture, view, point) {
  const [x, y] = toCanvas(view, point);
  const shift = (at, space) => (at < EDGE ? EDGE - at : at > space - EDGE ? space - EDGE - at : 0);
  return pannedView(picture, view, shift(x, view.width), shift(y, view.height));
}

// The longer side of the part of the picture that the canvas shows, in pixels of the picture; null: all of it.
export function shownSide(picture, view) {
  if (!view.width || enlargement(picture, view) <= 1.001) return null;
  const [x0, y0, x1, y1] = visibleBox(picture, view);
  return Math.max(x1 - x0, y1 - y0);
}

// The part of the picture that the canvas shows, in whole pixels: [x0, y0, x1, y1].
export function visibleBox(picture, view) {
  const [x0, y0] = toPicture(view, [0, 0]);
  const [x1, y1] = toPicture(view, [view.width, view.height]);
  return [
    Math.max(0, Math.floor(x0)),
    Math.max(0, Math.floor(y0)),
    Math.min(picture.width, Math.ceil(x1)),
    Math.min(picture.height, Math.ceil(y1)),
  ];
}
