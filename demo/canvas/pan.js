// Moving and zooming the view with wheel, mouse and fingers.

import { distance } from "./geometry.js";

// How far the pointer moves, in CSS pixels, before a drag pans instead of clicking; as in marks.js.
const LEAST_PAN = 10;
// How much one notch of a wheel zooms, and one step of a pinch on a touchpad, which the browser reports as Ctrl-wheel.
const WHEEL_SPEED = 0.0018;
const PINCH_SPEED = 0.012;
// The most of one pinching event that counts: a notch of a mouse's wheel with Ctrl is no leap.
const MOST_PINCH = 40;
const LINE = 16; // pixels of a line, for wheels that count in lines

// Whether Space pans: the pointer is over the picture, and the keyboard's cross, where Space marks, is not in use.
export const isHandKey = ({ cursor, cross }) => Boolean(cursor) && !cross;

export function followPan({ canvas, store, zoom, listen }) {
  const fingers = new Map(); // id -> position on the canvas
  let hand = null; // a pan by one pointer: {id, start, last, isMoving, isForced}

  function placeOf(event) {
    const bounds = canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }

  // ---- wheel --------------------------------------------------------------------------------------------------------

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!store.picture) return;
      const [right, down] = [event.deltaX, event.deltaY].map((delta) => delta * (event.deltaMode === 1 ? LINE : 1));
      const isPinch = event.ctrlKey || event.metaKey;
      // Where there is nothing to zoom out of, the wheel scrolls the page as elsewhere, and also back up.
      if (!isPinch && !zoom.isZoomed() && (down >= 0 || isPageScrolled())) return;
      event.preventDefault();
      if (event.shiftKey || (!isPinch && Math.abs(right) > Math.abs(down))) zoom.pan(-(right || down), 0);
      else {
        const zoomed = isPinch ? Math.max(-MOST_PINCH, Math.min(down, MOST_PINCH)) * PINCH_SPEED : down * WHEEL_SPEED;
        zoom.by(Math.exp(-zoomed), placeOf(event));
      }
    },
    { passive: false },
  );
  const isPageScrolled = () => window.scrollY > 0;

  // ---- fingers ------------------------------------------------------------------------------------------------------

  const middleOf = ([one, other]) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];

  function pinch(was) {
    const now = [...fingers.values()];
    const [from, to] = [middleOf(was), middleOf(now)];
    store.batch(() => {
      zoom.by(distance(...now) / Math.max(1, distance(...was)), from);
      zoom.pan(to[0] - from[0], to[1] - from[1]);
    });
  }

  // Two fingers zoom the picture, not the page; a finger that aims or draws does not scroll it.
  canvas.addEventListener(
    "touchmove",
    (event) => {
      // A scroll that has begun cannot be stopped; the browser writes an error to the console for each attempt.
      if (event.cancelable && (event.touches.length > 1 || (store.drag && store.drag.isAimed))) event.preventDefault();
    },
    { passive: false },
  );

  // ---- one pointer --------------------------------------------------------------------------------------------------

  const pansByDrag = () => zoom.isZoomed() && (store.tool === "point" || store.tool === "everything");

  canvas.addEventListener("pointerdown", (event) => {
    if (!store.picture) return;
    if (event.pointerType === "touch") fingers.set(event.pointerId, placeOf(event));
    if (fingers.size > 1) {
      hand = null;
      store.set({ drag: null, isPinching: true });
      return;
    }
    const isForced = event.button === 1 || (store.isHand && event.button === 0);
    if (!isForced && !(event.button === 0 && pansByDrag())) return;
    const place = placeOf(event);
    hand = { id: event.pointerId, start: place, last: place, isMoving: isForced };
    if (isForced) {
      event.preventDefault();
      store.set({ drag: null });
      canvas.setPointerCapture(event.pointerId);
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (fingers.has(event.pointerId)) {
      const before = [...fingers.values()];
      fingers.set(event.pointerId, place);
      if (fingers.size === 2) return pinch(before);
    }
    if (!hand || hand.id !== event.pointerId || (store.drag && store.drag.isAimed)) return;
    if (!hand.isMoving && distance(place, hand.start) < LEAST_PAN) return;
    if (!hand.isMoving) store.set({ drag: null }); // no click any more
    hand.isMoving = true;
    zoom.pan(place[0] - hand.last[0], place[1] - hand.last[1]);
    hand.last = place;
    canvas.classList.add("osp-panning");
  });

  function release(event) {
    fingers.delete(event.pointerId);
    if (!fingers.size && store.isPinching) store.set({ isPinching: false });
    if (hand && hand.id === event.pointerId) hand = null;
    canvas.classList.remove("osp-panning");
  }
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, release);

  // While Space is held with the pointer over the picture, the pointer pans with every tool.
  listen(window, "keydown", (event) => {
    if (event.key !== " " || !isHandKey(store) || ![document.body, canvas].includes(event.target)) return;
    event.preventDefault();
    store.set({ isHand: true });
  });
  listen(window, "keyup", (event) => event.key === " " && store.set({ isHand: false }));
  listen(window, "blur", () => store.set({ isHand: false }));
  store.follow(["isHand"], () => canvas.classList.toggle("osp-hand", store.isHand));
}
