// A region or segment ready to be drawn: its pixels for hit tests, its tint, its outlines, its thumbnail.
//
// A layer is {key, region, mask, width, height, tint, outline, anchor}: `key` identifies the mask, `region` is Python's
// payload, `mask` and `anchor` are as in geometry.js, `tint` is a canvas with the pixels in the region's colour, and
// `outline` is made when it is first drawn. The layer of a segment also has `index` and `edge`.

import { make } from "../shared/elements.js";
import { anchorOf, maskOfRuns } from "./geometry.js";

// How far an outline reaches beyond the region, in CSS pixels.
export const OUTLINE_MARGIN = 6;

export function createLayer(region) {
  const [x0, y0, x1, y1] = region.box;
  const [width, height] = [x1 - x0, y1 - y0];
  const mask = maskOfRuns(region.runs, width, height);
  const color = [...[1, 3, 5].map((start) => parseInt(region.color.slice(start, start + 2), 16)), 255];
  const tint = canvasOf(width, height, (x, y) => mask[y * width + x] && color);
  return { key: region.key, region, mask, width, height, tint, outline: null, anchor: anchorOf(mask, width, height) };
}

// The layer of a segment, with its edge dashed in white and black.
export function createSegmentLayer(item, index) {
  const layer = createLayer({ ...item, color: "#ffffff", text: "#000", number: -1 - index });
  const { width, height, mask } = layer;
  const isIn = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x];
  const isEdge = (x, y) => isIn(x, y) && !(isIn(x - 1, y) && isIn(x + 1, y) && isIn(x, y - 1) && isIn(x, y + 1));
  const edge = canvasOf(
    width,
    height,
    (x, y) => isEdge(x, y) && ((x + y) % 8 < 4 ? [255, 255, 255, 255] : [20, 24, 31, 255]),
  );
  return { ...layer, index, edge };
}

// A canvas whose pixels are given by `colorAt(x, y)`, as [red, green, blue, opacity] or nothing.
function canvasOf(width, height, colorAt) {
  const node = make("canvas", { width, height });
  const context = node.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const color = colorAt(x, y);
      if (color) pixels.data.set(color, (y * width + x) * 4);
    }
  context.putImageData(pixels, 0, 0);
  return node;
}

// Outlines as grown silhouettes with the region cut out, for a layer of this size on the canvas: a white outline around
// a coloured one is visible on any background.
export function createOutline(layer, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [fullWidth, fullHeight] = [width + 2 * OUTLINE_MARGIN, height + 2 * OUTLINE_MARGIN];
  const grown = (radius, fill) => {
    const node = make("canvas", {
      width: Math.max(1, Math.ceil(fullWidth * ratio)),
      height: Math.max(1, Math.ceil(fullHeight * ratio)),
    });
    const context = node.getContext("2d");
    context.scale(ratio, ratio);
    for (let turn = 0; turn < 16; turn++) {
      const angle = (turn * Math.PI) / 8;
      const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
      context.drawImage(layer.tint, OUTLINE_MARGIN + x, OUTLINE_MARGIN + y, width, height);
    }
    context.globalCompositeOperation = "source-in";
    context.fillStyle = fill;
    context.fillRect(0, 0, fullWidth, fullHeight);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(layer.tint, OUTLINE_MARGIN, OUTLINE_MARGIN, width, height);
    return node;
  };
  const { color } = layer.region;
  return { halo: grown(4, "rgba(255,255,255,0.85)"), thin: grown(2, color), wide: grown(3, color) };
}

// A square canvas with the layer cut out of the picture, the rest faint. `side` is in CSS pixels; without a layer or a
// picture the canvas is empty.
export function createThumbnail(layer, picture, side = 34) {
  const ratio = window.devicePixelRatio || 1;
  const attributes = { class: "osp-thumb", width: side * ratio, height: side * ratio, "aria-hidden": "true" };
  const node = make("canvas", attributes);
  if (!layer || !picture) return node;
  const { image } = picture;
  if (image.complete) paintThumbnail(node, layer, image);
  else image.addEventListener("load", () => paintThumbnail(node, layer, image), { once: true });
  return node;
}

function paintThumbnail(node, layer, image) {
  const [x0, y0] = layer.region.box;
  const [width, height] = layer.region.size;
  const reach = Math.max(layer.width, layer.height) * 1.15;
  const left = x0 + layer.width / 2 - reach / 2;
  const top = y0 + layer.height / 2 - reach / 2;
  const scale = node.width / reach;
  const context = node.getContext("2d");
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.globalAlpha = 0.35;
  context.drawImage(image, 0, 0, width, height);
  const cut = make("canvas", { width: layer.width, height: layer.height });
  const inside = cut.getContext("2d");
  inside.drawImage(layer.tint, 0, 0);
  inside.globalCompositeOperation = "source-in";
  inside.drawImage(image, -x0, -y0, width, height);
  context.globalAlpha = 1;
  context.drawImage(cut, x0, y0);
}
