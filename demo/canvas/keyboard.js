// The keyboard: a cross that moves over the picture and makes marks, and the page's shortcuts.

import { isTyping, questionBox } from "../shared/elements.js";
import { isHandKey } from "./pan.js";
import { announce, LARGEST_BRUSH, SMALLEST_BRUSH, USUAL_OPACITY } from "./store.js";

const STEP = 12; // CSS pixels; with Shift, one pixel
const BRUSH_STEP = 6;

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TOOL_KEYS = { p: "point", b: "box", o: "polygon", r: "brush", e: "everything" };
const ACTION_KEYS = { n: "new", "+": "add", "-": "remove" };

// Keys while the picture has the focus.
export function followCross({ canvas, store, words, marks, zoom }) {
  const middle = () => [store.picture.width / 2, store.picture.height / 2];

  canvas.addEventListener("keydown", (event) => {
    if (!store.picture) return;
    if (DIRECTIONS[event.key]) moveCross(DIRECTIONS[event.key], event.shiftKey);
    else if (event.key === "Enter" || (event.key === " " && !isHandKey(store))) {
      if (store.tool === "polygon") {
        event.stopPropagation(); // elsewhere on the page, Enter closes the polygon
        markCorner(event);
      } else markAtCross(event);
    } else return;
    event.preventDefault();
  });

  function moveCross([right, down], isFine) {
    const { picture, drag, view } = store;
    const step = (isFine ? 1 : STEP) / view.scale;
    const [x, y] = store.cross || middle();
    const cross = [
      Math.min(Math.max(x + right * step, 0), picture.width - 1),
      Math.min(Math.max(y + down * step, 0), picture.height - 1),
    ];
    if (drag && drag.kind === "box") drag.points[1] = cross;
    else if (drag && drag.kind === "brush") drag.points.push(cross);
    store.set({ cross, segment: store.tool === "everything" ? marks.segmentUnder(cross) : store.segment });
    zoom.follow(cross);
  }

  function markAtCross(event) {
    const cross = store.cross || middle();
    const mark = marks.begin(cross, marks.actionOf(event));
    store.set({ cross });
    if (store.tool !== "box" && store.tool !== "brush") marks.finish(mark, 0);
    else if (!store.drag) {
      store.set({ drag: mark });
      announce(store, store.tool === "box" ? words.boxBegun : words.strokeBegun);
    } else {
      const { drag } = store;
      store.set({ drag: null });
      marks.finish(drag, drag.points.length > 1 ? Infinity : 0); // every move by the keyboard is intended
    }
  }

  // A second Enter at the same place closes the polygon.
  function markCorner(event) {
    const { corners, cross } = store;
    const last = corners && corners.points[corners.points.length - 1];
    const at = cross || middle();
    if (corners && (!cross || marks.distanceOnCanvas(last, at) < 1)) {
      marks.closePolygon();
      store.set({ cross: at });
    } else {
      marks.addCorner([...at], marks.actionOf(event));
      store.set({ cross: store.corners ? at : null }); // null: the outline was closed on its first corner
    }
  }
}

// Keys anywhere on the page, except in text fields.
//   zoom is as in zoom.js; turnBy(steps) switches to another open picture; isOurs(target) says whether PageUp and PageDown do so there.
export function followShortcuts({ listen, store, marks, send, undo, redo, zoom, turnBy, isOurs }) {
  listen(window, "keydown", (event) => {
    if ((isTyping(event.target) && event.target.type !== "checkbox") || !store.picture) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey || event.altKey) {
      const isRedo = key === "y" || (key === "z" && event.shiftKey);
      if (event.altKey || (key !== "z" && key !== "y")) return;
      event.preventDefault();
      if (isRedo) redo();
      else undo();
      return;
    }
    if (key === "pageup" || key === "pagedown") {
      // Elsewhere these keys keep scrolling.
      if (store.pictures.length < 2 || !isOurs(event.target)) return;
      event.preventDefault();
      turnBy(key === "pageup" ? -1 : 1);
    } else if (TOOL_KEYS[key]) marks.setTool(TOOL_KEYS[key]);
    else if (ACTION_KEYS[key]) marks.setAction(ACTION_KEYS[key]);
    else if (key === "enter" && store.corners) marks.closePolygon();
    else if (key === "backspace" && store.corners) marks.removeCorner();
    else if (key === "f") store.set({ fitsMarks: !store.fitsMarks });
    else if (key === "m") store.set({ opacity: store.opacity ? 0 : USUAL_OPACITY });
    else if (key === "c") store.set({ hasCaptions: !store.hasCaptions });
    else if (key === "z") event.shiftKey ? zoom.out() : zoom.in();
    else if (key === "0") zoom.fit();
    else if (key === "1") zoom.actualSize();
    else if (key === "[") changeBrush(-BRUSH_STEP);
    else if (key === "]") changeBrush(BRUSH_STEP);
    else if (key === "/") askFrom(event);
    else if (key === "escape") store.set({ drag: null, corners: null });
    else if ((key === "delete" || key === "backspace") && store.scene.selected)
      send("edit_regions", { op: "delete", number: store.scene.selected });
  });

  // To the question's box, past all buttons between it and the picture.
  function askFrom(event) {
    const box = questionBox();
    if (!box) return;
    event.preventDefault(); // the sign is no part of the question
    box.focus();
  }

  function changeBrush(step) {
    store.set({ brushSize: Math.min(Math.max(store.brushSize + step, SMALLEST_BRUSH), LARGEST_BRUSH) });
  }
}
