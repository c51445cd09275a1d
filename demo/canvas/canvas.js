// The picture canvas in the browser: combines its modules around one store. Every gesture is sent to Python, and the
// answer is drawn.

import { component, tell } from "../shared/component.js";
import { isTouch, make } from "../shared/elements.js";
import { createCamera, hasCamera } from "./camera.js";
import { createCaptions } from "./captions.js";
import { createChoosing, followChoosing } from "./choosing.js";
import { followDetail } from "./detail.js";
import { createFinds } from "./finds.js";
import { createFiles, followDropsAndPastes } from "./files.js";
import { createGestures, heldHere } from "./gestures.js";
import { createHint } from "./hint.js";
import { followCross, followShortcuts } from "./keyboard.js";
import { createThumbnail } from "./layers.js";
import { createMarks } from "./marks.js";
import { followPan } from "./pan.js";
import { createPictureStrip, exampleButtons } from "./pictures.js";
import { followPointer } from "./pointer.js";
import { followPreview } from "./preview.js";
import { createReceiver } from "./receive.js";
import { createRegionList } from "./regions.js";
import { createRenderer } from "./render.js";
import { createSaving } from "./saving.js";
import { createStage } from "./stage.js";
import { complain, createStore, regionOf } from "./store.js";
import { createButton, createDescribeButton, createMarkOptions, createOpacity, createToolbar } from "./toolbar.js";
import { createZoom } from "./zoom.js";

export const mount = (host) => component("canvas", host, mountCanvas);

function mountCanvas({ element, props, words, trigger, server, watch, listen }) {
  const root = element.querySelector(".osp-root");
  const store = createStore();
  const gestures = createGestures({ store, props, trigger, block: () => tell("osprey:blocked") });
  const { send } = gestures;
  const marks = createMarks({ store, words, send });
  const files = createFiles({ store, words, props, send });
  const opensAddresses = Boolean(props.addresses);
  const undo = () => {
    if (heldHere(store).length) gestures.dropHeld();
    else if (store.scene.canUndo) send("edit_regions", { op: "undo" });
  };
  const redo = () => {
    if (store.scene.canRedo) send("edit_regions", { op: "redo" });
  };

  // ---- elements -----------------------------------------------------------------------------------------------------

  const camera = hasCamera()
    ? createCamera({ words, take: files.open, refuse: (sentence) => complain(store, sentence) })
    : null;
  const cameraButtons = () => (camera ? [createButton("camera", words.camera, words.cameraTip, camera.open)] : []);
  const saving = createSaving({ store, words, send });
  const toolbar = createToolbar({ store, words, marks, send, saving, undo, redo, inputs: files.inputs });
  const zoom = createZoom({ store, words });
  const stage = createStage({
    zoom,
    store,
    words,
    files,
    opensAddresses,
    sources: cameraButtons(),
    examples: exampleButtons(props.examples || [], send),
  });
  const captions = createCaptions({ store, words, place: (request) => server.place_captions(request) });
  const line = make(
    "div",
    { class: "osp-line" },
    createHint({ store, words }),
    createDescribeButton({ store, words, describe: () => tell("osprey:describe") }),
    captions.node,
    ...createMarkOptions({ store, words }),
    createOpacity({ store, words }),
  );
  placeHistory({ toolbar, line, listen });
  const choosing = createChoosing({ store, send });
  const list = createRegionList({ root, store, words, send, choosing, saving, listen });
  const openButton = createButton("open", words.choose, words.chooseTip, files.choosePicture);
  const maskButton = createButton("mask", words.chooseMask, words.chooseMaskTip, files.chooseMasks);
  const strip = createPictureStrip({
    store,
    words,
    send,
    sources: [openButton, ...cameraButtons(), maskButton],
    examples: exampleButtons(props.examples || [], send),
    fallback: () => (store.picture ? openButton : stage.drop),
  });
  root.replaceChildren(toolbar, stage.node, line, list.node, strip.node, ...(camera ? [camera.dialog] : []));

  // ---- behaviour ----------------------------------------------------------------------------------------------------

  // Registered before the renderer, because the size of the stage depends on it.
  store.follow(["picture"], () => {
    const { picture } = store;
    root.classList.toggle("osp-has-picture", Boolean(picture));
    if (picture) root.style.setProperty("--osp-ratio", `${picture.width} / ${picture.height}`);
  });

  const { canvas } = stage;
  // The picture that was opened gets the keys, unless a person is somewhere else.
  store.follow(["picture"], () => {
    const { activeElement } = document;
    const isFree = activeElement === document.body || stage.node.contains(activeElement);
    if (store.picture && isFree && !isTouch()) canvas.focus({ preventScroll: true });
  });
  createRenderer({ store, stage: stage.node, canvas, captions, covered: zoom.covered });
  followChoosing({ canvas, store, choosing, listen });
  followPointer({ canvas, store, marks, zoom, captionAt: captions.textUnder });
  followPan({ canvas, store, zoom, listen });
  followPreview({ canvas, store, trigger, watch, props });
  followDetail({ store, trigger, watch, props });
  followCross({ canvas, store, words, marks, zoom });
  followShortcuts({
    listen,
    store,
    marks,
    send,
    undo,
    redo,
    zoom,
    turnBy: strip.turnBy,
    isOurs: (target) => target === document.body || root.contains(target),
  });
  followDropsAndPastes({ listen, stage: stage.node, files, opensAddresses });
  followPage({ store, list, listen });

  listen(window, "osprey:connection", ({ detail }) => store.set({ isLost: detail.isLost }));

  listen(window, "osprey:send", ({ detail }) => files.open(detail));

  const lightFinds = createFinds({ store });
  listen(window, "osprey:found", ({ detail }) => lightFinds(detail));
  const receive = createReceiver({ store, words, props, gestures, marks, saving, forgetCaptions: captions.forget });
  watch(["scene", "picture", "pictures", "segments", "download"], receive);
  receive();
  store.touch("picture", "scene", "tool"); // draw everything once, also without data from Python
}

// On a phone undo, redo, clear and save stand below the picture, so that the tools take one row.
function placeHistory({ toolbar, line, listen }) {
  const history = toolbar.querySelector(".osp-plain");
  const narrow = window.matchMedia("(max-width: 560px)");
  const place = () => (narrow.matches ? line.prepend(history) : toolbar.append(history));
  listen(narrow, "change", place);
  place();
}

// The events between the canvas and the other components; see shared/component.js.
function followPage({ store, list, listen }) {
  function tellScene() {
    const regions = store.scene.regions.map(({ number, key, name, hidden }) => ({ number, key, name, hidden }));
    const picture = store.picture && store.picture.id;
    tell("osprey:scene", { picture, selected: store.scene.selected, regions });
  }

  function tellSegments() {
    const { segments, picture } = store;
    const rows = (segments ? segments.layers : []).map((layer) => ({
      picture: segments.picture,
      index: layer.index,
      percent: layer.region.percent,
      area: layer.mask.reduce((sum, pixel) => sum + pixel, 0) / (layer.region.size[0] * layer.region.size[1]),
      score: layer.region.score,
      thumbnail: () => createThumbnail(layer, picture, 44),
    }));
    tell("osprey:segments", rows);
  }

  store.follow(["scene", "picture"], tellScene);
  store.follow(["segments"], tellSegments);
  listen(window, "osprey:who", tellScene);
  listen(window, "osprey:which", tellSegments);

  const isRegion = (number) => Boolean(regionOf(store.scene, number));
  listen(window, "osprey:hover", ({ detail }) => store.set({ hovered: isRegion(detail) ? detail : null }));
  listen(window, "osprey:select", ({ detail }) => isRegion(detail) && list.select(detail));
  listen(window, "osprey:segment", ({ detail }) => {
    store.set({ segment: (store.segments && store.segments.layers[detail]) || null });
  });
  listen(window, "osprey:captions", ({ detail }) => {
    store.set({ described: detail && { picture: detail.picture, texts: new Map(detail.rows) } });
  });
}
