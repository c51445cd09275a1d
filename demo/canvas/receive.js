// Reads the component's properties, as sent by Python, into the store.

import { tell } from "../shared/component.js";
import { say } from "../shared/elements.js";
import { changesInWords } from "./changes.js";
import { createLayer, createSegmentLayer } from "./layers.js";
import { announce, complain, NO_VIEW, regionOf } from "./store.js";

// Milliseconds in which the properties of a change that closes the picture arrive together.
const FORGOTTEN_TIME = 300;

// `saving` is as in saving.js. `forgetCaptions()` drops the previous picture's captions. Returns the function to call after a change of properties.
export function createReceiver({ store, words, props, gestures, marks, saving, forgetCaptions }) {
  let announced = null; // the selection that was last announced

  function receive() {
    store.batch(() => {
      receivePicture();
      saving.receive(props.download);
      receiveSegments();
      receivePictures();
      if (props.scene) receiveScene();
    });
  }

  function receivePicture() {
    const sent = props.picture && props.picture.id ? props.picture : null;
    if (sent && (!store.picture || store.picture.sheet !== sent.sheet)) {
      const { id, sheet, width, height, name } = sent;
      const image = new Image();
      image.onload = () => store.touch("image");
      image.src = sent.url;
      leavePicture({ id, sheet, width, height, name, image });
      marks.setAction("new");
      if (store.tool === "everything") gestures.send("segment_everything", {});
    } else if (!sent && store.picture) leavePicture(null);
  }

  function receivePictures() {
    const pictures = (props.pictures && props.pictures.items) || [];
    if (pictures === store.pictures) return;
    store.set({ pictures });
    gestures.keepOpen(pictures.map(({ sheet }) => sheet));
  }

  // Puts another picture in front and drops the state of the previous one.
  function leavePicture(picture) {
    forgetCaptions();
    store.set({
      picture,
      layers: new Map(),
      renaming: null,
      cross: null,
      hovered: null,
      view: NO_VIEW,
      detail: null,
      drag: null,
      corners: null,
      segments: null,
      segment: null,
    });
    gestures.leavePicture();
  }

  function receiveSegments() {
    const sent = props.segments;
    const { picture, segments } = store;
    if (!sent || !picture || sent.picture !== picture.id || (segments && segments.picture === sent.picture)) return;
    store.set({ segments: { picture: sent.picture, layers: sent.items.map(createSegmentLayer) } });
    if (sent.items.length) announce(store, say(words.segmentsFound, { count: sent.items.length }));
    else complain(store, words.nothingFound);
  }

  function receiveScene() {
    // No picture in the regions' answer, but one on the page: the server has lost the page's state.
    if (store.picture && props.scene.picture === null) return void setTimeout(tellForgotten, FORGOTTEN_TIME);
    const before = store.scene;
    const isOfPicture = !store.picture || props.scene.picture === store.picture.id;
    const scene = isOfPicture ? props.scene : { ...props.scene, regions: [] };
    store.set({ scene, layers: layersOf(scene.regions) });
    announceChanges(before, scene);
    const hasNew = scene.regions.some((region) => !regionOf(before, region.number));
    // Most things take more than one stroke: the next stroke extends the same region.
    if (hasNew && store.tool === "brush" && store.action === "new" && !store.fitsMarks) marks.setAction("add");
    if (!scene.regions.length && store.action !== "new") marks.setAction("new");
    if (scene.isLoading) return gestures.hold(scene.seq);
    fitMark(before, scene);
    gestures.settle(scene.seq);
  }

  function tellForgotten() {
    if (store.picture && props.scene.picture === null) tell("osprey:forgotten");
  }

  function layersOf(regions) {
    const layer = (region) => {
      const old = store.layers.get(region.number);
      return old && old.key === region.key ? old : createLayer(region);
    };
    return new Map(regions.map((region) => [region.number, layer(region)]));
  }

  // A refused mark has changed no region, so there is nothing to fit.
  function fitMark(before, scene) {
    const { waiting } = store;
    if (!waiting || !waiting.isToFit || scene.seq !== waiting.seq) return;
    const marked = regionOf(scene, scene.selected);
    const old = marked && regionOf(before, marked.number);
    if (marked && !(old && old.key === marked.key)) gestures.fitNow();
    waiting.isToFit = false;
  }

  function announceChanges(before, scene) {
    const { picture } = store;
    if (before.picture !== scene.picture) {
      const values = picture && { name: picture.name, count: scene.regions.length };
      if (picture && before.picture) announce(store, say(words.inFront, values));
      return;
    }
    const sentences = changesInWords(before, scene, words);
    if (!sentences.length && scene.selected && announced !== scene.selected)
      sentences.push(say(words.chosen, { number: scene.selected }));
    announced = scene.selected;
    if (sentences.length) announce(store, sentences.join(" "));
    if (scene.twin && scene.seq !== before.seq) complain(store, say(words.twin, { number: scene.twin }), true);
  }

  return receive;
}
