// The visible part of a large picture at its full size: the browser's copy of the whole picture is reduced, so when a
// person zooms in, Python is asked for the part that is then shown.

import { visibleBox } from "./view.js";

// Milliseconds without a change of the view before Python is asked.
const PAUSE = 180;

export function followDetail({ store, trigger, watch, props }) {
  let timer = 0;
  let asked = "";

  function ask() {
    const { picture, view, detail } = store;
    if (!picture || !view.width || !picture.image.naturalWidth) return;
    const ratio = window.devicePixelRatio || 1;
    const copyScale = picture.image.naturalWidth / picture.width;
    if (copyScale >= 1 || view.scale * ratio <= copyScale * 1.05) return;
    const box = visibleBox(picture, view);
    const scale = Math.min(1, view.scale * ratio);
    const isShown = detail && detail.picture === picture.id && contains(detail.box, box);
    if (isShown && detail.scale >= scale * 0.95) return;
    const request = { picture: picture.id, box, scale };
    const key = JSON.stringify(request);
    if (key === asked) return;
    asked = key;
    trigger("show_detail", request);
  }

  store.follow(["view", "image"], () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  watch(["detail"], () => {
    const sent = props.detail;
    if (!sent || !store.picture || sent.picture !== store.picture.id) return;
    const image = new Image();
    // The old part stays until the new one can be drawn.
    image.onload = () => {
      if (store.picture && sent.picture === store.picture.id) store.set({ detail: { ...sent, image } });
    };
    image.src = sent.url;
  });
}

const contains = (outer, inner) =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
