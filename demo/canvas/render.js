// Draws the state of the canvas: the picture, then everything over it.

import { badgePlaces } from "./badges.js";
import { make } from "../shared/elements.js";
import { toCanvas } from "./geometry.js";
import { cornersOf, movedBox, movedOutline } from "./handles.js";
import { paintLoupe } from "./loupe.js";
import { paintBrush, paintClick, paintCross, paintFrame, paintMark } from "./mark_painters.js";
import { paintBadge, paintLitSegment, paintPreview, paintRegion, paintSegments } from "./region_painters.js";
import { regionOf, shownLayers } from "./store.js";
import { resizedView } from "./view.js";

// Milliseconds between two drawings of a pulsing point.
const PULSE = 60;
// From this scale on, in CSS pixels for each pixel of the picture, single pixels are shown.
const PIXELS_SCALE = 3;

// How what a search has found is painted.
const FOUND_LOOK = { isStrong: true, isLit: false, opacity: 0.45 };

// `covered()` gives the boxes of what lies over the canvas.
export function createRenderer({ store, stage, canvas, captions, covered }) {
  const context = canvas.getContext("2d");
  const paintAllSegments = createSegmentsPainter(store);

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
    const { picture, view } = store;
    if (picture && (view.width !== width || view.height !== height))
      store.set({ view: resizedView(picture, view, width, height) });
    draw();
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const { picture, view, scene, hovered, drag } = store;
    if (!picture) return;
    paintPicture(view);
    if (showsSegments()) paintAllSegments(context);
    if (store.segment) paintLitSegment(context, store.segment, store);
    if (store.preview) paintPreview(context, store.preview, store);
    for (const layer of store.found) paintRegion(context, layer, { picture, view }, FOUND_LOOK);
    const layers = paintRegions(view);
    const hidden = covered();
    const badges = badgePlaces(layers, picture, view, hidden);
    captions.ask(badges, hidden);
    captions.paint(context);
    for (const badge of badges) {
      const { number } = badge.layer.region;
      paintBadge(context, badge, number === scene.selected || number === hovered);
    }
    paintMarks(view);
    paintCursors(view);
    if (drag && drag.isByFinger && (drag.isAimed || drag.kind === "box" || drag.kind === "brush"))
      paintLoupe(context, view, toCanvas(view, drag.points[drag.points.length - 1]), paintScene);
  }

  function paintScene(view) {
    paintPicture(view);
    if (showsSegments()) paintSegments(context, { ...store, view });
    paintRegions(view);
    paintMarks(view);
  }

  const showsSegments = () => Boolean(store.segments) && (store.tool === "everything" || Boolean(store.segment));

  function paintPicture(view) {
    const { picture, detail } = store;
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = view.scale < PIXELS_SCALE;
    const isLoaded = (image) => image.complete && image.naturalWidth;
    const paintImage = (image, [x0, y0, x1, y1]) =>
      context.drawImage(image, ...toCanvas(view, [x0, y0]), (x1 - x0) * view.scale, (y1 - y0) * view.scale);
    if (isLoaded(picture.image)) paintImage(picture.image, [0, 0, picture.width, picture.height]);
    if (detail && detail.picture === picture.id && isLoaded(detail.image)) paintImage(detail.image, detail.box);
    context.imageSmoothingEnabled = true;
  }

  // Paints the regions, largest first, and the handles of the selected one. Returns the layers painted.
  function paintRegions(view) {
    const { scene, hovered, picture, opacity } = store;
    const layers = shownLayers(store).sort((one, other) => areaOf(other) - areaOf(one));
    for (const layer of layers) {
      const { number } = layer.region;
      const look = { isStrong: number === scene.selected, isLit: number === hovered, opacity };
      paintRegion(context, layer, { picture, view }, look);
    }
    if (layers.some((layer) => layer.region.number === scene.selected)) paintHandles(view);
    return layers;
  }

  // The clicks and the box by which the selected region was found, or the outline by which it was drawn; what is dragged
  // is at its new place.
  function paintHandles(view) {
    const { scene, drag } = store;
    const { points, frame: box, color, corners: outline } = regionOf(scene, scene.selected);
    const held = drag && drag.kind === "handle" ? drag.handle : null;
    if (box && (store.tool === "box" || held)) {
      const shown = held && held.kind === "corner" ? movedBox(box, held.index, drag.points[0]) : box;
      const corners = cornersOf(shown).map((corner) => toCanvas(view, corner));
      paintFrame(context, corners, color);
    }
    if (outline.length && store.tool === "polygon" && !store.corners) {
      const shown = held && held.kind === "vertex" ? movedOutline(outline, held.index, drag.points[0]) : outline;
      const corners = shown.map((corner) => toCanvas(view, corner));
      paintFrame(context, corners, color);
    }
    points.forEach(([x, y, label], index) => {
      const isHeld = held && held.kind === "click" && held.index === index;
      paintClick(context, toCanvas(view, isHeld ? drag.points[0] : [x, y]), label);
    });
  }

  // The area of a layer's box, as a share of the picture: masks may be of reduced pictures of different sizes.
  const areaOf = ({ width, height, region: { size } }) => (width / size[0]) * (height / size[1]);

  function paintMarks(view) {
    const { drag, corners, cross, cursor, picture } = store;
    const ghosts = store.ghosts.filter(({ sheet }) => sheet === picture.sheet);
    for (const ghost of ghosts) paintMark(context, ghost, view, { isSent: true, tip: null });
    if (ghosts.some((ghost) => ghost.kind === "point" || ghost.isHeld)) setTimeout(draw, PULSE);
    const tip = cross && hasFocus() ? cross : cursor;
    if (drag) paintMark(context, drag, view, { isSent: false, tip: null });
    if (corners) paintMark(context, corners, view, { isSent: false, tip });
  }

  function paintCursors(view) {
    const { tool, cursor, cross, brushSize } = store;
    if (tool === "brush" && cursor) paintBrush(context, toCanvas(view, cursor), brushSize / 2);
    if (cross && hasFocus()) paintCross(context, toCanvas(view, cross));
  }

  const hasFocus = () => document.activeElement === canvas;

  canvas.addEventListener("blur", draw);
  canvas.addEventListener("focus", draw);
  store.follow(null, draw);
  store.follow(["picture", "scene"], layout);
  store.follow(["picture", "view"], () => {
    // For tests and for assistive tools: where the picture lies inside the canvas, in CSS pixels.
    const { scale, x, y, width } = store.view;
    if (store.picture && width) canvas.dataset.fit = JSON.stringify({ scale, x, y });
    else delete canvas.dataset.fit;
  });
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

// Painting the outlines of many segments is slow, so they are painted again only after a change of the view.
function createSegmentsPainter(store) {
  const copy = make("canvas", {});
  let painted = {};
  return (context) => {
    const { view, segments } = store;
    const ratio = window.devicePixelRatio || 1;
    if (painted.view !== view || painted.segments !== segments || painted.ratio !== ratio) {
      painted = { view, segments, ratio };
      copy.width = Math.round(view.width * ratio);
      copy.height = Math.round(view.height * ratio);
      const inside = copy.getContext("2d");
      inside.setTransform(ratio, 0, 0, ratio, 0, 0);
      paintSegments(inside, store);
    }
    context.drawImage(copy, 0, 0, view.width, view.height);
  };
}
