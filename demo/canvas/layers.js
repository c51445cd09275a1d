// A region or segment ready to be drawn: its pixels for hit tests, its outline, its thumbnail.
//
// A layer is {key, region, mask, width, height, tint, outline, anchor}: `key` identifies the mask, `region` is Python's
// payload, `mask` and `anchor` are as in geometry.js, `tint` is a canvas with the pixels in the region's colour, for
// cutting them out, and `outline` is a path. The layer of a segment also has `index`.

import { make } from "../shared/elements.js";
import { anchorOf, maskOfRuns } from "./geometry.js";
import { loopsOf } from "./outline.js";

export function createLayer(region) {
  const [x0, y0, x1, y1] = region.box;
  const [width, height] = [x1 - x0, y1 - y0];
  const mask = maskOfRuns(region.runs, width, height);
  const color = [...[1, 3, 5].map((start) => parseInt(region.color.slice(start, start + 2), 16)), 255];
  const tint = canvasOf(width, height, (x, y) => mask[y * width + x] && color);
  return { key: region.key, region, mask, width, height, tint, outline: null, anchor: anchorOf(mask, width, height) };
}

export const createSegmentLayer = (item, index) => ({
  ...createLayer({ ...item, color: "#ffffff", text: "#000", number: -1 - index }),
  index,
});

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

// The outline as a path, in pixels of the layer; made when it is first drawn.
export function outlineOf(layer) {
  if (!layer.outline) {
    layer.outline = new Path2D();
    for (const [first, ...rest] of loopsOf(layer.mask, layer.width, layer.height)) {
      layer.outline.moveTo(...first);
      for (const corner of rest) layer.outline.lineTo(...corner);
      layer.outline.closePath();
    }
  }
  return layer.outline;
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
