// Tools and the marks made with them: turns what a person draws into gestures for Python.

import { distance, isInside, segmentAt, withoutRepeats } from "./geometry.js";
import { handleGesture } from "./handles.js";
import { complain, nextColor } from "./store.js";
import { shownSide } from "./view.js";

// In CSS pixels: how far a click may miss the first corner of a polygon, how far a click may move, the smallest box.
const CORNER_REACH = 11;
const MOST_CLICK_MOVES = 10;
const LEAST_BOX = 4;

export function createMarks({ store, words, send }) {
  function setTool(tool) {
    store.batch(() => {
      if (store.tool !== tool) setAction("new");
      store.set({ tool, drag: null, corners: null, segment: null });
      const isAsked = store.held.some(({ name }) => name === "segment_everything");
      if (tool === "everything" && store.picture && !store.segments && !isAsked) send("segment_everything", {});
    });
  }

  function setAction(action) {
    if (action !== "new" && !store.scene.regions.length) return;
    store.set({ action, corners: null });
  }

  // The action of a mark made by this event. Shift, the right button and a pen's eraser remove, whatever is chosen.
  function actionOf(event) {
    const isMinus = event.shiftKey || event.button === 2 || event.button === 5 || (event.buttons & 34) > 0;
    return isMinus && store.scene.regions.length ? "remove" : store.action;
  }

  // A new mark of the current tool. `start` and `pointer` are the position and id of a pointer event, if there is one.
  function begin(point, action, { start = [0, 0], pointer = -1, isByFinger = false } = {}) {
    const radius = store.brushSize / 2 / store.view.scale;
    const color = nextColor(store);
    return { kind: store.tool, points: [point], action, color, radius, start, pointer, isByFinger, isAimed: false };
  }

  // Sends a mark. `moved`: how far the pointer moved meanwhile, in CSS pixels.
  function finish(mark, moved) {
    const { kind, points, action } = mark;
    if (kind === "everything") takeSegment(points[0], action, moved);
    else if (kind === "point") {
      const [x, y] = points[0];
      const shown = shownSide(store.picture, store.view);
      const click = { x, y, action, ...(shown === null ? {} : { shown }) };
      if (moved < MOST_CLICK_MOVES) send("segment_point", click, { ghost: mark });
    } else if (kind === "box") {
      const [start, end] = [points[0], points[1] || points[0]];
      if (moved < LEAST_BOX) complain(store, words.hintBox);
      else send("segment_box", { box: [...start, ...end], action }, { ghost: mark });
    } else {
      const options = { ghost: mark, isToFit: store.fitsMarks };
      send("segment_brush", { points, radius: mark.radius, action }, options);
    }
  }

  // A handle of the selected region, dragged or clicked. `moved` as above.
  function finishHandle({ handle, points, isRemoving }, moved) {
    const hasMoved = moved >= LEAST_BOX;
    const gesture = handleGesture(handle, points[0], store.picture, { hasMoved, isRemoving: isRemoving && !hasMoved });
    if (gesture) send("edit_regions", gesture);
    else if (handle.kind === "click") complain(store, words.handleTip, true);
    else if (handle.kind === "vertex") addCorner(points[0], store.action); // a click there begins another outline
  }

  function takeSegment(point, action, moved) {
    if (moved >= MOST_CLICK_MOVES) return;
    const segment = segmentUnder(point);
    if (segment) send("take_segment", { index: segment.index, action });
    else if (store.segments) complain(store, words.noSegment);
  }

  function segmentUnder(point) {
    const { segments, scene, picture } = store;
    if (!segments || !isInside(picture, point)) return null;
    return segmentAt(segments.layers, scene.regions, picture, point);
  }

  // A polygon is drawn corner by corner, and closed by a click on its first corner, a double click or Enter.
  function addCorner(point, action) {
    const { corners } = store;
    if (!corners) store.set({ corners: { kind: "polygon", points: [point], action, color: nextColor(store) } });
    else if (corners.points.length > 2 && distanceOnCanvas(point, corners.points[0]) < CORNER_REACH) closePolygon();
    else store.set({ corners: { ...corners, points: [...corners.points, point] } });
  }

  function removeCorner() {
    const points = store.corners.points.slice(0, -1);
    store.set({ corners: points.length ? { ...store.corners, points } : null });
  }

  function closePolygon() {
    if (!store.corners) return;
    // A double click has added its corner twice.
    const points = withoutRepeats(store.corners.points, 1 / store.view.scale);
    const mark = { ...store.corners, points };
    if (points.length < 3) {
      store.set({ corners: mark });
      complain(store, words.hintPolygon);
      return;
    }
    store.set({ corners: null });
    send("segment_polygon", { points, action: mark.action }, { ghost: mark, isToFit: store.fitsMarks });
  }

  const distanceOnCanvas = (one, other) => distance(one, other) * store.view.scale;

  return {
    setTool,
    setAction,
    actionOf,
    begin,
    finish,
    finishHandle,
    segmentUnder,
    addCorner,
    removeCorner,
    closePolygon,
    distanceOnCanvas,
  };
}
