// The preview: the outline of what a click at the pointer would mark. Asked for when the pointer rests, one at a time, and
// not any more on a picture where the answers take long.

import { holds, toPicture } from "./geometry.js";
import { createLayer } from "./layers.js";
import { nextColor } from "./store.js";
import { shownSide } from "./view.js";

// Milliseconds: how long the pointer rests before Python is asked; an answer that takes longer counts as slow.
const REST = 90;
const SLOW = 900;
// After so many slow answers on a picture, no more previews are asked for.
const MOST_SLOW = 2;

export function followPreview({ canvas, store, trigger, watch, props }) {
  let timer = 0;
  let asked = null; // {seq, point, time} of the preview that Python works on
  let seq = 0;
  let slowAnswers = 0;
  let wanted = null; // the point under the resting pointer

  const isOn = () =>
    Boolean(store.picture) &&
    store.tool === "point" &&
    store.action === "new" &&
    !store.drag &&
    !store.waiting &&
    !store.choosing &&
    slowAnswers < MOST_SLOW;

  function forget() {
    clearTimeout(timer);
    wanted = null;
    if (store.preview) store.set({ preview: null });
  }

  function ask() {
    if (!isOn() || asked || !wanted) return;
    asked = { seq: ++seq, point: wanted, time: performance.now() };
    const [x, y] = wanted;
    trigger("preview_point", { picture: store.picture.id, seq, x, y, shown: shownSide(store.picture, store.view) });
  }

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    if (!isOn()) return forget();
    const bounds = canvas.getBoundingClientRect();
    wanted = toPicture(store.view, [event.clientX - bounds.left, event.clientY - bounds.top]);
    if (store.preview && !holds(store.preview, store.picture, wanted)) store.set({ preview: null });
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
  });
  canvas.addEventListener("pointerleave", forget);
  canvas.addEventListener("pointerdown", forget);
  store.follow(["tool", "action", "scene", "view", "choosing"], () => store.preview && store.set({ preview: null }));
  store.follow(["picture"], () => {
    slowAnswers = 0;
    forget();
  });

  watch(["preview"], () => {
    const sent = props.preview;
    if (!sent || !asked || sent.seq !== asked.seq) return;
    const { point, time } = asked;
    asked = null;
    if (performance.now() - time > SLOW) slowAnswers += 1;
    const isFresh = wanted && wanted[0] === point[0] && wanted[1] === point[1];
    if (!isFresh) return ask(); // the pointer has moved on meanwhile
    const isMarked = store.scene.regions.some(({ key }) => key === sent.mask.key);
    const isShown = isOn() && sent.picture === store.picture.id && sent.mask.key && !isMarked;
    const color = nextColor(store);
    store.set({ preview: isShown ? createLayer({ ...sent.mask, color, number: 0 }) : null });
  });
}
