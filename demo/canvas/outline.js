// The outline of a mask as closed lines along the edges of its pixels. Independent of the DOM.

// Directions of an edge: right, down, left, up. An outline has the mask on its right-hand side.
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
];

// The loops around a mask, row by row in a Uint8Array, as lists of corners [x, y]; holes have loops of their own.
export function loopsOf(mask, width, height) {
  const columns = width + 1;
  const edges = edgesOf(mask, width, height);
  const loops = [];
  for (let start = 0; start < edges.length; start++) {
    while (edges[start]) loops.push(loopFrom(edges, start, columns));
  }
  return loops;
}

// For each corner between pixels, as bits, the directions in which an edge leaves it.
function edgesOf(mask, width, height) {
  const columns = width + 1;
  const edges = new Uint8Array(columns * (height + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (!mask[pixel]) continue;
      const corner = y * columns + x;
      if (!y || !mask[pixel - width]) edges[corner] |= 1;
      if (x === width - 1 || !mask[pixel + 1]) edges[corner + 1] |= 2;
      if (y === height - 1 || !mask[pixel + width]) edges[corner + columns + 1] |= 4;
      if (!x || !mask[pixel - 1]) edges[corner + columns] |= 8;
    }
  return edges;
}

// One loop, whose edges are taken out of `edges`. Where two pixels touch at a corner only, it turns towards its mask.
function loopFrom(edges, start, columns) {
  const corners = [];
  let corner = start;
  let direction = -1;
  do {
    const order = [direction + 1, direction, direction + 3].map((turn) => turn & 3);
    const next = direction < 0 ? firstOf(edges[corner]) : order.find((turn) => edges[corner] & (1 << turn));
    if (next !== direction) corners.push([corner % columns, Math.floor(corner / columns)]);
    direction = next;
    edges[corner] &= ~(1 << direction);
    const [right, down] = STEPS[direction];
    corner += right + down * columns;
  } while (corner !== start);
  return corners;
}

const firstOf = (bits) => [0, 1, 2, 3].find((direction) => bits & (1 << direction));
