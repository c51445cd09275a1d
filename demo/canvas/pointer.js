// Pointer events (mouse, finger, pen) over the picture that draw marks. For those that move the view see pan.js.

import { clamped, distance, isInside, regionAt, toPicture } from "./geometry.js";
import { handleAt } from "./handles.js";

// The left button, the right one, and a pen's eraser.
const MARKING_BUTTONS = [0, 2, 5];
// CSS pixels: how far a finger may move while it waits for the loupe; how far apart the taps of a double tap may be.
const STILL = 8;
const SAME_TAP = 32;
// Milliseconds: until a finger at rest gets the loupe; between the taps of a double tap.
const HOLD_TIME = 320;
const DOUBLE_TAP_TIME = 280;

// `captionAt(number)` returns the tooltip over the region with this number, or over no region (null); `zoom` as in
// zoom.js.
export function followPointer({ canvas, store, marks, zoom, captionAt }) {
  let hold = 0; // timer
  let tap = null; // a tap that may become a double tap: {drag, place, timer}

  function placeOf(event) {
    const bounds = canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }
  const pointOf = (event) => toPicture(store.view, placeOf(event));
  const isClicking = (tool) => tool === "point" || tool === "everything";

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => marks.closePolygon());

  canvas.addEventListener("pointerdown", (event) => {
    const { picture, tool } = store;
    if (!picture) return;
    if (store.drag || !event.isPrimary) {
      store.set({ drag: null }); // a second finger cancels the mark
      return;
    }
    if (!MARKING_BUTTONS.includes(event.button) || store.isHand) return;
    const point = pointOf(event);
    if (isClicking(tool) && !isInside(picture, point)) return;
    const action = marks.actionOf(event);
    const isByFinger = event.pointerType === "touch";
    store.set({ cross: null });
    const handle = handleAt(store, placeOf(event), isByFinger);
    if (handle) {
      const isRemoving = action === "remove" && store.action !== "remove";
      const [start, pointer] = [placeOf(event), event.pointerId];
      // Under a finger the loupe shows at once where the handle goes.
      const held = { kind: "handle", handle, points: [point], start, pointer, isRemoving, isByFinger };
      store.set({ drag: { ...held, isAimed: isByFinger } });
      canvas.setPointerCapture(event.pointerId);
      return;
    }
    if (tool === "polygon") {
      marks.addCorner(clamped(picture, point), action);
      return;
    }
    const first = tool === "box" ? clamped(picture, point) : point;
    const drag = marks.begin(first, action, { start: placeOf(event), pointer: event.pointerId, isByFinger });
    store.set({ drag });
    if (isByFinger && isClicking(tool)) hold = setTimeout(() => aim(drag), HOLD_TIME);
    canvas.setPointerCapture(event.pointerId);
  });

  // A finger that rests hides what it points at: from now on it moves the aim under the loupe.
  function aim(drag) {
    if (store.drag !== drag) return;
    drag.isAimed = true;
    store.touch("drag");
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!store.picture) return;
    const point = pointOf(event);
    store.cursor = event.pointerType === "touch" ? null : point; // `lightUnder` notifies if the cursor is drawn
    if (store.drag && store.drag.pointer === event.pointerId) extendDrag(event, point);
    else lightUnder(point);
  });

  function extendDrag(event, point) {
    const { drag, picture, view } = store;
    if (drag.kind === "handle") drag.points[0] = point;
    else if (drag.kind === "box") drag.points[1] = clamped(picture, point);
    else if (drag.kind === "brush") {
      const steps = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const step of steps.length ? steps : [event]) {
        const next = pointOf(step);
        if (distance(next, drag.points[drag.points.length - 1]) * view.scale >= 1) drag.points.push(next);
      }
    } else if (drag.isAimed) drag.points[0] = clamped(picture, point);
    else if (distance(placeOf(event), drag.start) > STILL) clearTimeout(hold);
    store.touch("drag");
  }

  function lightUnder(point) {
    const { picture, scene, layers, tool } = store;
    const region = isInside(picture, point) ? regionAt(scene.regions, layers, picture, point) : undefined;
    const hovered = region ? region.number : null;
    if (hovered !== store.hovered) store.set({ hovered });
    if (tool === "brush" || store.corners) store.touch("cursor");
    if (tool === "everything") {
      const segment = marks.segmentUnder(point);
      if (segment !== store.segment) store.set({ segment });
    }
    canvas.title = captionAt(hovered);
  }

  canvas.addEventListener("pointerup", (event) => {
    clearTimeout(hold);
    const { drag } = store;
    if (!drag || drag.pointer !== event.pointerId) return;
    store.set({ drag: null });
    const place = placeOf(event);
    if (drag.kind === "handle") marks.finishHandle(drag, distance(place, drag.start));
    else if (drag.isAimed) marks.finish(drag, 0);
    else if (drag.isByFinger && isClicking(drag.kind) && distance(place, drag.start) <= STILL) tapped(drag, place);
    else marks.finish(drag, distance(place, drag.start));
  });

  // A tap marks, but only after the time in which a second tap makes it a double tap, which zooms.
  function tapped(drag, place) {
    if (tap && distance(tap.place, place) < SAME_TAP) {
      clearTimeout(tap.timer);
      tap = null;
      zoom.toggleAt(place);
      return;
    }
    const timer = setTimeout(() => {
      tap = null;
      if (store.tool === drag.kind) marks.finish(drag, 0);
    }, DOUBLE_TAP_TIME);
    tap = { drag, place, timer };
  }

  canvas.addEventListener("pointercancel", () => {
    clearTimeout(hold);
    store.set({ drag: null });
  });
  canvas.addEventListener("pointerleave", () => {
    store.set({ cursor: null, segment: null, hovered: store.drag ? store.hovered : null });
  });
}
