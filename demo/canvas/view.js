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

export const isFitted = (picture, view) => view.scale <= fittedView(picture, view.width, view.height).scale * 1.001;

// The view with its scale within the limits, and moved so that no more of the canvas stays empty than needed.
function limited(picture, view) {
  const fitted = fittedView(picture, view.width, view.height);
  const scale = Math.min(Math.max(view.scale, fitted.scale), Math.max(MOST_SCALE, fitted.scale));
  if (isFitted(picture, { ...view, scale })) return fitted;
  const place = (start, length, space) =>
    length <= space ? (space - length) / 2 : Math.min(Math.max(start, space - length), 0);
  const x = place(view.x, picture.width * scale, view.width);
  const y = place(view.y, picture.height * scale, view.height);
  return { ...view, scale, x, y };
}

// The view zoomed by a factor, with the point of the canvas `[x, y]` staying over the same pixel.
export function zoomedView(picture, view, factor, [x, y]) {
  const fitted = fittedView(picture, view.width, view.height);
  const scale = Math.min(Math.max(view.scale * factor, fitted.scale), Math.max(MOST_SCALE, fitted.scale));
  const [column, row] = toPicture(view, [x, y]);
  return limited(picture, { ...view, scale, x: x - column * scale, y: y - row * scale });
}

export const pannedView = (picture, view, right, down) =>
  limited(picture, { ...view, x: view.x + right, y: view.y + down });

// The view on a canvas of another size: a fitted picture stays fitted, otherwise the middle and the scale stay.
export function resizedView(picture, view, width, height) {
  if (!view.width || isFitted(picture, view)) return fittedView(picture, width, height);
  const [x, y] = [view.x + (width - view.width) / 2, view.y + (height - view.height) / 2];
  return limited(picture, { ...view, x, y, width, height });
}

// The view moved as little as needed to show this point of the picture.
export function followingView(picture, view, point) {
  const [x, y] = toCanvas(view, point);
  const shift = (at, space) => (at < EDGE ? EDGE - at : at > space - EDGE ? space - EDGE - at : 0);
  return pannedView(picture, view, shift(x, view.width), shift(y, view.height));
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
