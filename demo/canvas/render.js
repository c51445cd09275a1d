// Draws the state of the canvas: the picture, then everything over it.

import { badgePlaces, fittedView, toCanvas } from "./geometry.js";
import { paintBadge, paintBrush, paintClick, paintCross, paintMark, paintRegion, paintSegments } from "./painters.js";
import { regionOf, shownLayers } from "./store.js";

// Milliseconds between two drawings of a pulsing point.
const PULSE = 60;

export function createRenderer({ store, stage, canvas, captions }) {
  const context = canvas.getContext("2d");

  // Draws at most once for each frame of the browser, however many changes there are.
  let frame = 0;
  function draw() {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  }

  function layout() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return;
    const [fullWidth, fullHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== fullWidth || canvas.height !== fullHeight) {
      canvas.width = fullWidth;
      canvas.height = fullHeight;
    }
    if (store.picture) {
      const view = fittedView(store.picture, width, height);
      if (view.scale !== store.view.scale) for (const layer of store.layers.values()) layer.outline = null;
      store.view = view;
      // For tests and for assistive tools: where the picture lies inside the canvas, in CSS pixels.
      canvas.dataset.fit = JSON.stringify({ scale: view.scale, x: view.x, y: view.y });
    } else delete canvas.dataset.fit;
    draw();
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!store.picture) return;
    paintPicture();
    if (store.segments && (store.tool === "everything" || store.segment)) paintSegments(context, store, store.segment);
    const badges = paintRegions();
    captions.ask(badges);
    captions.paint(context);
    for (const badge of badges) {
      const { number } = badge.layer.region;
      paintBadge(context, badge, number === store.scene.selected || number === store.hovered);
    }
    paintMarks();
    paintCursors();
  }

  function paintPicture() {
    const { picture, view } = store;
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = view.scale < 3; // beyond that, show the single pixels
    if (picture.image.complete && picture.image.naturalWidth)
      context.drawImage(picture.image, view.x, view.y, picture.width * view.scale, picture.height * view.scale);
    context.imageSmoothingEnabled = true;
  }

  // Paints the regions, largest first, and the clicks of the selected one. Returns the positions of their numbers.
  function paintRegions() {
    const { scene, hovered, picture, view } = store;
    const layers = shownLayers(store).sort((one, other) => other.width * other.height - one.width * one.height);
    for (const layer of layers) {
      const { number } = layer.region;
      paintRegion(context, layer, store, { isStrong: number === scene.selected, isLit: number === hovered });
    }
    if (layers.some((layer) => layer.region.number === scene.selected)) {
      const { points } = regionOf(scene, scene.selected);
      if (points.length > 1) for (const [x, y, label] of points) paintClick(context, toCanvas(view, [x, y]), label);
    }
    return badgePlaces(layers, picture, view);
  }

  function paintMarks() {
    const { ghosts, drag, corners, view, cross, cursor } = store;
    for (const ghost of ghosts) paintMark(context, ghost, view, { isSent: true, tip: null });
    if (ghosts.some((ghost) => ghost.kind === "point")) setTimeout(draw, PULSE);
    const tip = cross && hasFocus() ? cross : cursor;
    if (drag) paintMark(context, drag, view, { isSent: false, tip: null });
    if (corners) paintMark(context, corners, view, { isSent: false, tip });
  }

  function paintCursors() {
    const { tool, cursor, cross, view, brushSize } = store;
    if (tool === "brush" && cursor) paintBrush(context, toCanvas(view, cursor), brushSize / 2);
    if (cross && hasFocus()) paintCross(context, toCanvas(view, cross));
  }

  const hasFocus = () => document.activeElement === canvas;

  canvas.addEventListener("blur", draw);
  canvas.addEventListener("focus", draw);
  store.follow(null, draw);
  store.follow(["picture", "scene"], layout);
  store.follow(["captionSpots"], () => {
    // For tests: what is written where, in pixels of the picture.
    const rows = store.captionSpots.map(({ text, shown, x, y, width, height }) => ({
      text,
      shown,
      box: [x, y, x + width, y + height].map((value) => value / store.view.scale),
    }));
    canvas.dataset.captions = JSON.stringify(rows);
  });
  new ResizeObserver(layout).observe(stage);
}
