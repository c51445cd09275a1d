// The canvas's geometry: coordinates, hit tests, anchors. Independent of the DOM.
//
// A point is [x, y] in pixels of the full picture; a point "on the canvas" is in CSS pixels from the corner of the
// canvas. A view is {scale, x, y, width, height}: CSS pixels for each pixel of the picture, the position of the
// picture's corner on the canvas, and the size of the canvas. A layer has the pixels of a region or segment: {mask,
// width, height, anchor, region: {size: [width, height] of the reduced picture that the mask belongs to, box: [x0, y0,
// x1, y1] of the mask in it}}; `mask` is a Uint8Array, row by row, and `anchor` is relative to the box.

export const toCanvas = (view, [x, y]) => [view.x + x * view.scale, view.y + y * view.scale];
export const toPicture = (view, [x, y]) => [(x - view.x) / view.scale, (y - view.y) / view.scale];

export const isInside = (picture, [x, y]) => x >= 0 && y >= 0 && x < picture.width && y < picture.height;

// The nearest point of the picture, its edge included.
export const clamped = (picture, [x, y]) => [
  Math.min(Math.max(x, 0), picture.width),
  Math.min(Math.max(y, 0), picture.height),
];

export const distance = ([x0, y0], [x1, y1]) => Math.hypot(x0 - x1, y0 - y1);

// The points without those that are nearer than `least` to their predecessor.
export const withoutRepeats = (points, least) =>
  points.filter((point, place) => !place || distance(point, points[place - 1]) >= least);

// ---- masks ----------------------------------------------------------------------------------------------------------

// Decodes run lengths, row by row; runs alternate and begin with background.
export function maskOfRuns(runs, width, height) {
  const mask = new Uint8Array(width * height);
  let start = 0;
  runs.forEach((run, place) => {
    if (place % 2) mask.fill(1, start, start + run);
    start += run;
  });
  return mask;
}

export function holds(layer, picture, [x, y]) {
  const { size, box } = layer.region;
  const column = Math.floor((x * size[0]) / picture.width) - box[0];
  const row = Math.floor((y * size[1]) / picture.height) - box[1];
  const isInBox = column >= 0 && row >= 0 && column < layer.width && row < layer.height;
  return isInBox && Boolean(layer.mask[row * layer.width + column]);
}

// The visible region at a point, the one with the smallest box; undefined if there is none.
export function regionAt(regions, layers, picture, point) {
  // As a share of the picture, because masks may belong to reduced pictures of different sizes.
  const size = ({ number }) => {
    const { width, height, region } = layers.get(number);
    return (width * height) / (region.size[0] * region.size[1]);
  };
  const hits = regions.filter((region) => {
    const layer = layers.get(region.number);
    return layer && !region.hidden && holds(layer, picture, point);
  });
  return hits.sort((one, other) => size(one) - size(other))[0];
}

// The smallest segment at a point that is not a region yet, or null. A second click therefore takes the larger whole.
// `segments` are layers, largest first.
export function segmentAt(segments, regions, picture, point) {
  const taken = new Set(regions.map((region) => region.key));
  const hits = segments.filter((layer) => !taken.has(layer.key) && holds(layer, picture, point));
  return hits[hits.length - 1] || null;
}

// The point of a mask that is approximately farthest from its edge, for a region's number. Computed on a grid of at
// most 72 by 72 cells with a two-pass chamfer distance transform.
export function anchorOf(mask, width, height) {
  const step = Math.max(1, Math.ceil(Math.max(width, height) / 72));
  const columns = Math.ceil(width / step) + 2;
  const rows = Math.ceil(height / step) + 2;
  const distances = new Float32Array(columns * rows); // with a border of background cells
  // The pixel that represents a cell: the one in its middle, clamped to the mask.
  const pixelOf = (cell) => [
    Math.min(width - 1, ((cell % columns) - 1) * step + (step >> 1)),
    Math.min(height - 1, (Math.floor(cell / columns) - 1) * step + (step >> 1)),
  ];
  for (let row = 1; row < rows - 1; row++)
    for (let column = 1; column < columns - 1; column++) {
      const cell = row * columns + column;
      const [x, y] = pixelOf(cell);
      distances[cell] = mask[y * width + x] ? 1e6 : 0;
    }
  const pass = (start, end, by) => {
    for (let cell = start; cell !== end; cell += by)
      if (distances[cell]) {
        const straight = [cell - by, cell - by * columns].map((other) => (distances[other] ?? 0) + 1);
        const slanted = [cell - by * columns - by, cell - by * columns + by].map(
          (other) => (distances[other] ?? 0) + 1.414,
        );
        distances[cell] = Math.min(distances[cell], ...straight, ...slanted);
      }
  };
  pass(columns, distances.length - columns, 1);
  pass(distances.length - columns - 1, columns - 1, -1);
  let best = 0;
  for (let cell = 0; cell < distances.length; cell++) if (distances[cell] > distances[best]) best = cell;
  // If the mask is so thin that it contains no cell's pixel, take its first pixel.
  const first = mask.indexOf(1);
  const pixel = distances[best] ? pixelOf(best) : [first % width, Math.floor(first / width)];
  return pixel.map((place) => place + 0.5);
}

// The anchor as a point of the picture.
export function anchorPoint(layer, picture) {
  const { size, box } = layer.region;
  return [
    ((box[0] + layer.anchor[0]) * picture.width) / size[0],
    ((box[1] + layer.anchor[1]) * picture.height) / size[1],
  ];
}

// Where a layer lies on the canvas.
export function rectOf(layer, picture, view) {
  const { size, box } = layer.region;
  const unitX = (picture.width * view.scale) / size[0];
  const unitY = (picture.height * view.scale) / size[1];
  return {
    x: view.x + box[0] * unitX,
    y: view.y + box[1] * unitY,
    width: layer.width * unitX,
    height: layer.height * unitY,
  };
}
