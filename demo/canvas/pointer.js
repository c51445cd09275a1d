// Pointer events (mouse, finger, pen) over the picture.

import { clamped, distance, isInside, regionAt, toPicture } from "./geometry.js";

// The left button, the right one, and a pen's eraser.
const MARKING_BUTTONS = [0, 2, 5];

// `captionAt(number)` returns the tooltip over the region with this number, or over no region (null).
export function followPointer({ canvas, store, marks, captionAt }) {
  const screenPoint = (event) => [event.clientX, event.clientY];

  function pointOf(event) {
    const bounds = canvas.getBoundingClientRect();
    return toPicture(store.view, [event.clientX - bounds.left, event.clientY - bounds.top]);
  }

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => marks.closePolygon());

  canvas.addEventListener("pointerdown", (event) => {
    const { picture, tool } = store;
    if (!picture) return;
    if (store.drag || !event.isPrimary) {
      store.set({ drag: null }); // a second finger cancels the mark
      return;
    }
    if (!MARKING_BUTTONS.includes(event.button)) return;
    const point = pointOf(event);
    if ((tool === "point" || tool === "everything") && !isInside(picture, point)) return;
    const action = marks.actionOf(event);
    store.set({ cross: null });
    if (tool === "polygon") {
      marks.addCorner(clamped(picture, point), action);
      return;
    }
    const first = tool === "box" ? clamped(picture, point) : point;
    store.set({ drag: marks.begin(first, action, { start: screenPoint(event), pointer: event.pointerId }) });
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!store.picture) return;
    const point = pointOf(event);
    store.cursor = event.pointerType === "touch" ? null : point; // `lightUnder` notifies if the cursor is drawn
    if (store.drag && store.drag.pointer === event.pointerId) extendDrag(event, point);
    else lightUnder(point);
  });

  function extendDrag(event, point) {
    const { drag, picture, view } = store;
    if (drag.kind === "box") drag.points[1] = clamped(picture, point);
    else if (drag.kind === "brush") {
      const steps = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const step of steps.length ? steps : [event]) {
        const next = pointOf(step);
        if (distance(next, drag.points[drag.points.length - 1]) * view.scale >= 1) drag.points.push(next);
      }
    }
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
    const { drag } = store;
    if (!drag || drag.pointer !== event.pointerId) return;
    store.set({ drag: null });
    marks.finish(drag, distance(screenPoint(event), drag.start));
  });
  canvas.addEventListener("pointercancel", () => store.set({ drag: null }));
  canvas.addEventListener("pointerleave", () => {
    store.set({ cursor: null, segment: null, hovered: store.drag ? store.hovered : null });
  });
}
