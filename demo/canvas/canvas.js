// The picture canvas in the browser: draws picture and regions, turns pointer and keyboard into gestures.
// Gradio runs this text as a function of (element, trigger, props, server, upload, watch), with `elements.js` in front of
// it. It knows no model: every gesture goes to Python, and what comes back is drawn. All coordinates sent are pixels of
// the full picture.

const root = element.querySelector(".osp-root");

// ---- elements -------------------------------------------------------------------------------------------------------

Object.assign(ICONS, {
  point: "M5 3l13 9-6 1.2L9.5 19z",
  box: "M4 7V4h3M17 4h3v3M20 17v3h-3M7 20H4v-3M4 11v2M20 11v2M11 4h2M11 20h2",
  polygon: "M12 3.5l8.500 6.200-3.300 10.300H6.800L3.500 9.700zM12 3.500v.01M20.500 9.700v.01M17.200 20v.01M6.800 20v.01M3.500 9.700v.01",
  everything: "M4 4h6v6H4zM14 4h6v9h-6zM4 14h6v6H4zM14 17h6v3h-6z",
  brush: "M20 4c-5 2-9 6-10.5 9.5l2 2C15 14 18 9 20 4zM9 14.5c-2 0-3 1.5-3 3S5 20 3.5 20c3 1 7 .5 7-3.5z",
  new: "M12 3.5l1.8 5.2 5.5.1-4.4 3.3 1.6 5.3-4.5-3.1-4.5 3.1 1.6-5.3-4.4-3.3 5.5-.1z",
  add: "M12 5v14M5 12h14",
  remove: "M5 12h14",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 010 12h-3",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v6M13.5 11v6",
  open: "M4 18V6h5l2 2h9v10zM12 16v-5M9.5 13.200L12 10.700l2.5 2.5",
  more: "M5 11.500v1M12 11.500v1M19 11.500v1M5.500 12h-1M12.500 12h-1M19.500 12h-1",
  camera: "M4 19V8h4l1.5-3h5L16 8h4v11zM12 10a3.200 3.200 0 100 6.400 3.200 3.200 0 000-6.400z",
  mask: "M4 4h16v16H4zM12 7.500a4.500 4.500 0 100 9 4.500 4.500 0 000-9z",
  save: "M12 4v11M7.500 10.500L12 15l4.500-4.500M4.500 19.500h15",
  extent: "M4 10V4h6M20 14v6h-6M4 4l6.5 6.5M20 20l-6.5-6.5",
  close: "M6 6l12 12M18 6L6 18",
});

function button(name, label, tip, onclick, extra) {
  return make(
    "button",
    { type: "button", class: `osp-button osp-${name}`, title: tip, "aria-label": tip, onclick, ...extra },
    icon(name),
    make("span", { class: "osp-label" }, label),
  );
}

const toolButtons = {};
for (const name of ["point", "box", "polygon", "brush", "everything"])
  toolButtons[name] = button(name, W[name], W[name + "Tip"], () => setTool(name), { "aria-pressed": "false" });
const actionButtons = {};
for (const name of ["new", "add", "remove"])
  actionButtons[name] = button(name, W[name], W[name + "Tip"], () => setAction(name), { "aria-pressed": "false" });

const sizeInput = make("input", { type: "range", min: 4, max: 120, value: 28, "aria-label": W.size });
sizeInput.addEventListener("input", () => draw());
const sizeBox = make("label", { class: "osp-size", title: W.size }, make("span", { class: "osp-dot" }), sizeInput);
const fitInput = make("input", { type: "checkbox" });
const fitBox = make("label", { class: "osp-fit", title: W.fitTip }, fitInput, make("span", {}, W.fit));
const undoButton = button("undo", W.undo, W.undoTip, () => undo());
const clearButton = button("clear", W.clear, W.clearTip, () => send("edit_regions", { op: "clear" }));
const saveButton = button("save", W.save, W.saveTip, () => send("save_record", {}));
const fileInput = make("input", { type: "file", accept: "image/*,.zip", class: "osp-file", tabindex: "-1", "aria-hidden": "true" });
fileInput.addEventListener("change", () => {
  if (fileInput.files.length) openFile(fileInput.files[0]);
  fileInput.value = "";
});
const maskInput = make("input", { type: "file", accept: "image/*,.json", class: "osp-file", tabindex: "-1", "aria-hidden": "true" });
maskInput.addEventListener("change", () => {
  if (maskInput.files.length) openFile(maskInput.files[0], "load_masks");
  maskInput.value = "";
});
const maskButton = button("mask", W.chooseMask, W.chooseMaskTip, () => maskInput.click());
const openButton = button("open", W.choose, W.chooseTip, () => fileInput.click());
const photo = hasCamera ? camera(W, (file) => openFile(file), (sentence) => toast(sentence)) : null;
const cameraButtons = () => (photo ? [button("camera", W.camera, W.cameraTip, photo.open)] : []);

const toolbar = make(
  "div",
  { class: "osp-toolbar", role: "toolbar", "aria-label": W.tools },
  make("div", { class: "osp-group", role: "group", "aria-label": W.tools }, ...Object.values(toolButtons)),
  make("div", { class: "osp-group", role: "group", "aria-label": W.actions }, ...Object.values(actionButtons)),
  make("span", { class: "osp-space" }),
  make("div", { class: "osp-group osp-plain" }, undoButton, clearButton, saveButton),
  fileInput,
  maskInput,
);

// An application: the arrow keys are its own, not the screen reader's.
const canvas = make("canvas", { class: "osp-canvas", tabindex: "0", role: "application", "aria-label": W.canvas, "aria-describedby": "osp-hint" });
const hint = make("div", { class: "osp-hint", id: "osp-hint", role: "status" });
const spinner = make("div", { class: "osp-busy", role: "status" });
const live = make("div", { class: "osp-live", "aria-live": "polite" });
const emptyExamples = make("div", { class: "osp-examples osp-large" });
const empty = make(
  "div",
  { class: "osp-empty" },
  make(
    "button",
    { type: "button", class: "osp-drop", onclick: () => fileInput.click() },
    icon("open"),
    make("strong", {}, W.dropTitle),
    make("span", {}, W.dropText),
  ),
  make("div", { class: "osp-sources" }, ...cameraButtons()),
);
// For those who cannot paste anywhere, as on a phone.
if (props.addresses) {
  const address = make("input", { type: "url", placeholder: W.address, "aria-label": W.address, autocomplete: "off", required: "" });
  const form = make("form", { class: "osp-address" }, address, make("button", { type: "submit" }, W.addressOpen));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send("open_picture", { address: address.value.trim() });
  });
  empty.lastChild.append(form);
}
const dropVeil = make("div", { class: "osp-veil" }, W.dropNow);
const stage = make("div", { class: "osp-stage" }, canvas, empty, spinner, dropVeil, live);
const list = make("div", { class: "osp-list", role: "list", "aria-label": W.regions });
const strip = make("div", { class: "osp-examples osp-strip", "aria-label": W.examples });
const exampleButtons = (large) =>
  (props.examples || []).map((example) => {
    const attributes = { type: "button", title: example.title, "aria-label": example.title, "data-example": example.name };
    const image = make("img", { src: example.thumb, alt: "" });
    const node = make("button", attributes, image, ...(large ? [make("span", {}, example.title)] : []));
    node.addEventListener("click", () => send("open_picture", { example: example.name }));
    return node;
  });
if ((props.examples || []).length) {
  empty.append(make("p", {}, W.dropExamples), emptyExamples);
  emptyExamples.append(...exampleButtons(true));
}
const opened = make("div", { class: "osp-opened", role: "group", "aria-label": W.pictures });
const offered = exampleButtons(false);
strip.append(openButton, ...cameraButtons(), maskButton, opened, ...offered);
const below = make("div", { class: "osp-line" }, hint, captionBox, fitBox, sizeBox);
root.replaceChildren(toolbar, stage, below, list, strip, ...(photo ? [photo.dialog] : []));

// ---- state ----------------------------------------------------------------------------------------------------------

let tool = "point";
let action = "new";
let picture = null; // {id, sheet, width, height, name, image}
let closing = null; // the open picture whose closing waits for a second click: {sheet, timer}
let scene = { regions: [], selected: null, next: null, canUndo: false, seq: 0 };
let layers = new Map(); // region number -> {key, mask, tint, anchor}
let hovered = null;
let chosenBefore = null; // the selection that was last told
let renaming = null; // a name being typed: {number, input}
let drag = null; // {kind, points: [[x, y]…] in picture pixels, minus}
let segments = null; // everything that the segmenter found: layers, largest first; null: not asked for
let segment = null; // the one under the pointer
let corners = null; // a polygon under way: {kind, points, action, minus, color}
let cursor = null; // pointer over the canvas, picture pixels
let cross = null; // keyboard cursor, picture pixels
let ghosts = []; // previews that stay until Python has answered: {seq, kind, points, radius, minus}
let seq = 0; // even; a mark's fitting has the odd one after it
let waiting = null; // gesture under way: {seq, name, toFit, timer}
let line = []; // gestures that wait for it
let fit = { scale: 1, x: 0, y: 0, width: 0, height: 0 };

// ---- gestures to Python ---------------------------------------------------------------------------------------------

// `toFit`: a mark that the outline fitting it best is to replace, as soon as it is there.
function send(name, data, ghost, toFit) {
  const gesture = { seq: (seq += 2), picture: picture ? picture.id : null, ...data };
  if (ghost) ghosts.push({ ...ghost, seq: gesture.seq });
  line.push([name, gesture, Boolean(toFit)]);
  next();
  draw();
}

// One at a time: the component has a single value, and regions must come about in the order of the gestures.
function next() {
  if (waiting || !line.length) return;
  const [name, gesture, toFit] = line.shift();
  waiting = { seq: gesture.seq, name, toFit, timer: setTimeout(() => settle(gesture.seq), 120000) };
  showBusy();
  props.value = gesture;
  trigger(name);
}

function settle(answered) {
  ghosts = ghosts.filter((ghost) => ghost.seq > answered);
  if (waiting && answered >= waiting.seq) {
    clearTimeout(waiting.timer);
    waiting = null;
  }
  showBusy();
  next();
}

function showBusy() {
  const name = waiting && waiting.name;
  const text = /_picture$/.test(name || "") && name !== "close_picture" ? W.opening : name === "refine_mark" ? W.fitting : name === "segment_point" || name === "segment_box" ? W.finding : name === "segment_everything" ? W.findingAll : "";
  spinner.textContent = text;
  spinner.classList.toggle("osp-on", Boolean(text));
}

function undo() {
  if (scene.canUndo) send("edit_regions", { op: "undo" });
}

function select(number) {
  if (number === scene.selected) return;
  scene.selected = number; // shown at once; Python confirms
  showList();
  draw();
  send("edit_regions", { op: "select", number });
}

// A JSON file holds masks for the open picture, or a whole conversation when there is none; a zip always does.
const isSaved = (file) => /\.(zip|json)$/i.test(file.name);
async function openFile(file, name = /\.json$/i.test(file.name) && picture ? "load_masks" : "open_picture") {
  if (file.size > props.limit_mb * 1e6) return toast(say(W.tooLarge, { limit: props.limit_mb }));
  if (name === "open_picture" && !isSaved(file) && file.type && !file.type.startsWith("image/")) return toast(W.notPicture);
  spinner.textContent = W.opening;
  spinner.classList.add("osp-on");
  const meant = picture ? picture.id : null; // another one may be in front when the file is there
  try {
    const { path, url } = await upload(file);
    send(name, { picture: meant, file: { path, url, orig_name: file.name, meta: { _type: "gradio.FileData" } } });
  } catch (error) {
    showBusy();
    toast(W.uploadFailed);
  }
}

let toastTimer = 0;
function toast(text) {
  hint.textContent = text;
  hint.classList.add("osp-problem");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    hint.classList.remove("osp-problem");
    showHint();
  }, 6000);
}

// ---- what comes from Python -----------------------------------------------------------------------------------------

// Written as keys, not as quoted names: Gradio takes quoted words in this text for names of events.
const WATCHED = Object.keys({ scene: 0, picture: 0, pictures: 0, segments: 0, download: 0 });
watch(WATCHED, receive);

function receive() {
  const sent = props.picture && props.picture.id ? props.picture : null;
  if (sent && (!picture || picture.sheet !== sent.sheet)) {
    const image = new Image();
    const arrived = { id: sent.id, sheet: sent.sheet, width: sent.width, height: sent.height, name: sent.name, image };
    image.onload = () => draw();
    image.src = sent.url;
    picture = arrived;
    leaveOld();
    cross = hovered = drag = corners = segments = segment = null;
    setAction("new");
    if (tool === "everything") send("segment_everything", {});
    showSegments();
    root.classList.add("osp-has-picture");
    root.style.setProperty("--osp-ratio", `${sent.width} / ${sent.height}`);
  } else if (!sent && picture) {
    picture = null;
    leaveOld();
    cross = hovered = drag = corners = segments = segment = null;
    delete canvas.dataset.fit;
    showSegments();
    root.classList.remove("osp-has-picture");
  }
  const kept = props.download;
  if (kept && waiting && waiting.name === "save_record" && kept.seq === waiting.seq) {
    const bytes = Uint8Array.from(atob(kept.data), (letter) => letter.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
    make("a", { href: url, download: kept.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    kept.data = ""; // once is enough
  }
  const found = props.segments;
  if (found && picture && found.picture === picture.id && (!segments || segments.picture !== found.picture)) {
    const layersFound = found.items.map((item, index) => segmentLayer(item, index));
    segments = { picture: found.picture, layers: layersFound };
    showSegments();
    if (!layersFound.length) toast(W.nothingFound);
    else live.textContent = say(W.segmentsFound, { count: layersFound.length });
  }
  if (props.scene) {
    const before = scene;
    scene = props.scene;
    if (picture && scene.picture !== picture.id) scene = { ...scene, regions: [] };
    const fresh = scene.regions.find((region) => !before.regions.some((old) => old.number === region.number));
    announce(before);
    if (fresh) {
      // A thing is seldom painted in one stroke: the next stroke goes on with the same region.
      if (tool === "brush" && action === "new" && !fitInput.checked) setAction("add");
    }
    const numbers = new Set(scene.regions.map((region) => region.number));
    for (const number of layers.keys()) if (!numbers.has(number)) layers.delete(number);
    for (const region of scene.regions) {
      const layer = layers.get(region.number);
      if (!layer || layer.key !== region.key) layers.set(region.number, layerOf(region));
    }
    if (!scene.regions.length && action !== "new") setAction("new");
    if (waiting && waiting.toFit && scene.seq === waiting.seq) {
      const drawn = scene.regions.find((region) => region.number === scene.selected);
      // A mark that was refused has changed nothing: then there is nothing to fit.
      const changed = drawn && !before.regions.some((old) => old.number === drawn.number && old.key === drawn.key);
      if (changed) line.unshift(["refine_mark", { seq: waiting.seq + 1, picture: picture.id }, false]);
      waiting.toFit = false;
    }
    settle(scene.seq);
  }
  showPictures();
  showList();
  showHint();
  showButtons();
  layout();
  tellScene();
}

// What belongs to the picture that was in front before.
function leaveOld() {
  layers = new Map();
  captionSpots = [];
  captionsAsked = "";
  renaming = null;
  closeMenu();
}

// ---- several pictures -----------------------------------------------------------------------------------------------

const openPictures = () => (props.pictures && props.pictures.items) || [];

function turnTo(sheet) {
  if (picture && sheet !== picture.sheet) send("turn_to_picture", { sheet });
}

// The neighbour that many places on, around the end.
function turnBy(steps) {
  const items = openPictures();
  const place = items.findIndex((item) => picture && item.sheet === picture.sheet);
  if (place >= 0 && items.length > 1) turnTo(items[(place + steps + items.length) % items.length].sheet);
}

// Regions and chat go with a picture: one click is not enough.
function closePicture(sheet) {
  const sure = closing && closing.sheet === sheet;
  if (closing) clearTimeout(closing.timer);
  closing = null;
  if (sure) send("close_picture", { sheet });
  else {
    closing = { sheet, timer: setTimeout(() => { closing = null; showPictures(); }, 4000) };
    toast(W.closeSure);
  }
  showPictures();
}

const fileButton = () => (picture ? openButton : empty.querySelector(".osp-drop"));

let picturesBefore = "";
function showPictures() {
  const items = openPictures();
  const state = JSON.stringify([items.map((item) => item.sheet), picture && picture.sheet, closing && closing.sheet]);
  if (state === picturesBefore) return;
  picturesBefore = state;
  const focused = opened.contains(document.activeElement) ? document.activeElement : null;
  const [focusedSheet, focusedLook] = focused ? [focused.closest(".osp-sheet").dataset.sheet, focused.classList[0]] : [];
  opened.replaceChildren(
    ...items.map(({ sheet, name, thumb }) => {
      const isFront = Boolean(picture) && sheet === picture.sheet;
      const turn = make(
        "button",
        { type: "button", class: "osp-leaf", title: name, "aria-label": say(W.turnTo, { name }), "aria-pressed": String(isFront) },
        make("img", { src: thumb, alt: "" }),
      );
      turn.addEventListener("click", () => turnTo(sheet));
      const label = say(W.closePicture, { name });
      const close = make("button", { type: "button", class: "osp-shut", title: label, "aria-label": label }, icon("close"));
      close.addEventListener("click", () => closePicture(sheet));
      const node = make("div", { class: "osp-sheet", "data-sheet": sheet }, turn, close);
      node.classList.toggle("osp-front", isFront);
      node.classList.toggle("osp-sure", Boolean(closing) && closing.sheet === sheet);
      return node;
    }),
  );
  for (const node of offered) {
    const thumb = node.querySelector("img").src;
    node.hidden = items.some((item) => item.name === node.dataset.example && item.thumb === thumb);
  }
  const target = focused && (opened.querySelector(`[data-sheet="${focusedSheet}"] .${focusedLook}`) || opened.querySelector(".osp-front .osp-leaf") || fileButton());
  if (target) target.focus({ preventScroll: true });
  const front = opened.querySelector(".osp-front");
  if (front) {
    const [left, right] = [front.offsetLeft - strip.offsetLeft, front.offsetLeft - strip.offsetLeft + front.offsetWidth];
    if (left < strip.scrollLeft || right > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = left - 100;
  }
}

// For those who show what is known about the regions elsewhere on the page.
function tellScene() {
  const regions = scene.regions.map(({ number, key, name, hidden }) => ({ number, key, name, hidden }));
  const detail = { picture: picture && picture.id, selected: scene.selected, regions };
  window.dispatchEvent(new CustomEvent("osprey:scene", { detail }));
}

// What has changed, in words for who does not see it.
function announce(before) {
  if (before.picture !== scene.picture) {
    if (picture && before.picture) live.textContent = say(W.inFront, { name: picture.name, count: scene.regions.length });
    return;
  }
  const told = [];
  const old = new Map(before.regions.map((region) => [region.number, region]));
  const now = new Set(scene.regions.map((region) => region.number));
  const gone = before.regions.filter((region) => !now.has(region.number));
  if (gone.length && !now.size) told.push(W.cleared);
  else for (const { number } of gone) told.push(say(W.gone, { number }));
  for (const region of scene.regions) {
    const was = old.get(region.number);
    if (!was) told.push(say(W.marked, region));
    else if (was.key !== region.key) told.push(say(W.changed, region));
    else if (was.name !== region.name) told.push(region.name ? say(W.named, region) : say(W.unnamed, region));
    else if (was.hidden !== region.hidden) told.push(say(region.hidden ? W.hid : W.shown, region));
  }
  if (!told.length && scene.selected && chosenBefore !== scene.selected) told.push(say(W.chosen, { number: scene.selected }));
  chosenBefore = scene.selected;
  if (told.length) live.textContent = told.join(" ");
}

// A region ready to be drawn: pixels for hit tests, tinted picture, and the spot farthest from its edge for the badge.
function layerOf(region) {
  const [x0, y0, x1, y1] = region.box;
  const width = x1 - x0;
  const height = y1 - y0;
  const mask = new Uint8Array(width * height);
  let at = 0;
  region.runs.forEach((run, index) => {
    if (index % 2) mask.fill(1, at, at + run);
    at += run;
  });
  const tint = make("canvas", { width, height });
  const context = tint.getContext("2d");
  const pixels = context.createImageData(width, height);
  const rgb = [1, 3, 5].map((start) => parseInt(region.color.slice(start, start + 2), 16));
  for (let i = 0; i < mask.length; i++)
    if (mask[i]) pixels.data.set([rgb[0], rgb[1], rgb[2], 255], i * 4);
  context.putImageData(pixels, 0, 0);
  return { key: region.key, region, mask, width, height, tint, outline: null, anchor: anchorOf(mask, width, height) };
}

function anchorOf(mask, width, height) {
  const step = Math.max(1, Math.ceil(Math.max(width, height) / 72));
  const columns = Math.ceil(width / step) + 2;
  const rows = Math.ceil(height / step) + 2;
  const distance = new Float32Array(columns * rows);
  for (let r = 1; r < rows - 1; r++)
    for (let c = 1; c < columns - 1; c++) {
      const y = Math.min(height - 1, (r - 1) * step + (step >> 1));
      const x = Math.min(width - 1, (c - 1) * step + (step >> 1));
      distance[r * columns + c] = mask[y * width + x] ? 1e6 : 0;
    }
  const pass = (start, end, by) => {
    for (let i = start; i !== end; i += by)
      if (distance[i]) {
        const near = [i - by, i - by * columns].map((j) => (distance[j] ?? 0) + 1);
        const far = [i - by * columns - by, i - by * columns + by].map((j) => (distance[j] ?? 0) + 1.414);
        distance[i] = Math.min(distance[i], ...near, ...far);
      }
  };
  pass(columns, distance.length - columns, 1);
  pass(distance.length - columns - 1, columns - 1, -1);
  let best = 0;
  for (let i = 0; i < distance.length; i++) if (distance[i] > distance[best]) best = i;
  if (!distance[best]) {
    const first = mask.indexOf(1);
    return [(first % width) + 0.5, Math.floor(first / width) + 0.5];
  }
  return [((best % columns) - 1) * step + step / 2, (Math.floor(best / columns) - 1) * step + step / 2];
}

// ---- drawing --------------------------------------------------------------------------------------------------------

function layout() {
  const ratio = window.devicePixelRatio || 1;
  const width = stage.clientWidth;
  const height = stage.clientHeight;
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  if (picture) {
    const scale = Math.min(width / picture.width, height / picture.height);
    const before = fit.scale;
    fit = { scale, x: (width - picture.width * scale) / 2, y: (height - picture.height * scale) / 2, width, height };
    if (before !== scale) for (const layer of layers.values()) layer.outline = null;
    // For tests and for assistive tools: where the picture lies inside the canvas, in CSS pixels.
    canvas.dataset.fit = JSON.stringify({ scale: fit.scale, x: fit.x, y: fit.y });
  }
  draw();
}

let frame = 0;
function draw() {
  if (!frame)
    frame = requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
}

function paint() {
  const ratio = window.devicePixelRatio || 1;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!picture) return;
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = fit.scale < 3;
  if (picture.image.complete && picture.image.naturalWidth)
    context.drawImage(picture.image, fit.x, fit.y, picture.width * fit.scale, picture.height * fit.scale);
  context.imageSmoothingEnabled = true;
  const shown = scene.regions.filter((region) => !region.hidden).map((region) => layers.get(region.number)).filter(Boolean);
  if (segments && (tool === "everything" || segment)) paintSegments(context);
  const byArea = [...shown].sort((one, other) => other.width * other.height - one.width * one.height);
  for (const layer of byArea) paintRegion(context, layer);
  const selected = shown.find((layer) => layer.region.number === scene.selected);
  if (selected) {
    const { points } = scene.regions.find((region) => region.number === scene.selected);
    if (points.length > 1) for (const [x, y, label] of points) paintMark(context, x, y, label);
  }
  const badges = badgePlaces(byArea);
  placeCaptions(context, badges);
  paintCaptions(context);
  for (const badge of badges) paintBadge(context, ...badge);
  for (const ghost of ghosts) paintDrag(context, ghost, true);
  if (drag) paintDrag(context, drag, false);
  if (corners) paintDrag(context, corners, false);
  paintCursor(context);
}

// A segment of the whole: its pixels and, drawn once, its edge in white and black.
function segmentLayer(item, index) {
  const region = { ...item, color: "#ffffff", text: "#000", number: -1 - index };
  const layer = { ...layerOf(region), index };
  const { width, height, mask } = layer;
  const edge = make("canvas", { width, height });
  const context = edge.getContext("2d");
  const pixels = context.createImageData(width, height);
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (inside(x, y) && !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)))
        pixels.data.set((x + y) % 8 < 4 ? [255, 255, 255, 255] : [20, 24, 31, 255], (y * width + x) * 4);
  context.putImageData(pixels, 0, 0);
  return { ...layer, edge };
}

function paintSegments(context) {
  context.fillStyle = "rgba(10, 14, 20, 0.25)";
  context.fillRect(fit.x, fit.y, picture.width * fit.scale, picture.height * fit.scale);
  for (const layer of segments.layers) {
    const [x, y, width, height] = rectOf(layer);
    if (layer === segment) {
      context.globalAlpha = 0.4;
      context.drawImage(layer.tint, x, y, width, height);
      context.globalAlpha = 1;
    }
    context.drawImage(layer.edge, x, y, width, height);
  }
}

function showSegments() {
  const rows = (segments ? segments.layers : []).map((layer) => ({
    picture: segments.picture, index: layer.index, percent: layer.region.percent, area: layer.mask.reduce((sum, inside) => sum + inside, 0),
    score: layer.region.score, thumbnail: () => thumbnail({ ...layer, region: { ...layer.region } }, 44),
  }));
  window.dispatchEvent(new CustomEvent("osprey:segments", { detail: rows }));
}

// The smallest segment that holds the point and is no region yet: a second click takes the larger whole.
function segmentAt([x, y]) {
  if (!segments) return null;
  const taken = new Set(scene.regions.map((region) => region.key));
  const hits = segments.layers.filter((layer) => !taken.has(layer.key) && holds(layer, x, y));
  return hits.length ? hits[hits.length - 1] : null;
}

function rectOf(layer) {
  const unit = (picture.width * fit.scale) / layer.region.size[0];
  const unitY = (picture.height * fit.scale) / layer.region.size[1];
  const [x0, y0] = layer.region.box;
  return [fit.x + x0 * unit, fit.y + y0 * unitY, layer.width * unit, layer.height * unitY, unit, unitY];
}

function paintRegion(context, layer) {
  const [x, y, width, height] = rectOf(layer);
  const strong = layer.region.number === scene.selected;
  const lit = layer.region.number === hovered;
  context.globalAlpha = lit ? 0.5 : strong ? 0.36 : 0.26;
  context.drawImage(layer.tint, x, y, width, height);
  context.globalAlpha = 1;
  layer.outline = layer.outline || outlinesOf(layer, width, height);
  const { halo, contour, wide, margin } = layer.outline;
  context.drawImage(halo, x - margin, y - margin, width + 2 * margin, height + 2 * margin);
  const ring = strong || lit ? wide : contour;
  context.drawImage(ring, x - margin, y - margin, width + 2 * margin, height + 2 * margin);
}

// Contours as grown silhouettes with the region cut out: a white one around a coloured one reads on any background.
function outlinesOf(layer, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const margin = 6;
  const grown = (radius, color) => {
    const sheet = make("canvas", {
      width: Math.max(1, Math.ceil((width + 2 * margin) * ratio)),
      height: Math.max(1, Math.ceil((height + 2 * margin) * ratio)),
    });
    const context = sheet.getContext("2d");
    context.scale(ratio, ratio);
    for (let turn = 0; turn < 16; turn++) {
      const angle = (turn * Math.PI) / 8;
      context.drawImage(layer.tint, margin + radius * Math.cos(angle), margin + radius * Math.sin(angle), width, height);
    }
    context.globalCompositeOperation = "source-in";
    context.fillStyle = color;
    context.fillRect(0, 0, width + 2 * margin, height + 2 * margin);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(layer.tint, margin, margin, width, height);
    return sheet;
  };
  const color = layer.region.color;
  return { margin, halo: grown(4, "rgba(255,255,255,0.85)"), contour: grown(2, color), wide: grown(3, color) };
}

// Where the numbers stand: [layer, x, y] on the canvas. Regions may lie on top of each other, their numbers do not.
function badgePlaces(shown) {
  const radius = 13;
  const [left, top] = [fit.x, fit.y];
  const right = fit.x + picture.width * fit.scale;
  const bottom = fit.y + picture.height * fit.scale;
  const places = [];
  for (const layer of shown) {
    const [x, y, , , unit, unitY] = rectOf(layer);
    const cx = Math.min(Math.max(x + layer.anchor[0] * unit, left + radius), right - radius);
    const cy = Math.min(Math.max(y + layer.anchor[1] * unitY, top + radius), bottom - radius);
    const free = (spot) => places.every(([, tx, ty]) => Math.hypot(tx - spot, ty - cy) >= 26);
    const spots = [0, 28, -28, 56, -56, 84, -84].map((step) => cx + step);
    places.push([layer, spots.find((spot) => spot >= left + radius && spot <= right - radius && free(spot)) ?? cx, cy]);
  }
  return places;
}

function paintBadge(context, layer, cx, cy) {
  const strong = layer.region.number === scene.selected || layer.region.number === hovered;
  const radius = strong ? 13 : 11;
  context.beginPath();
  context.arc(cx, cy, radius + 2.5, 0, 7);
  context.fillStyle = "rgba(0,0,0,0.45)";
  context.fill();
  context.beginPath();
  context.arc(cx, cy, radius + 1.5, 0, 7);
  context.fillStyle = "#fff";
  context.fill();
  context.beginPath();
  context.arc(cx, cy, radius, 0, 7);
  context.fillStyle = layer.region.color;
  context.fill();
  context.fillStyle = layer.region.text;
  context.font = `700 ${strong ? 14 : 12}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(layer.region.number, cx, cy + 0.5);
}

function paintMark(context, x, y, label) {
  const [cx, cy] = [fit.x + x * fit.scale, fit.y + y * fit.scale];
  context.beginPath();
  context.arc(cx, cy, 6, 0, 7);
  context.fillStyle = label ? "#1b7f3b" : "#c22f2f";
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.stroke();
  context.beginPath();
  context.moveTo(cx - 3, cy);
  context.lineTo(cx + 3, cy);
  if (label) {
    context.moveTo(cx, cy - 3);
    context.lineTo(cx, cy + 3);
  }
  context.stroke();
}

function paintDrag(context, what, settled) {
  const color = what.minus ? "#c22f2f" : what.color;
  const at = ([x, y]) => [fit.x + x * fit.scale, fit.y + y * fit.scale];
  context.save();
  if (what.kind === "box") {
    const [ax, ay] = at(what.points[0]);
    const [bx, by] = at(what.points[what.points.length - 1]);
    context.globalAlpha = settled ? 0.6 : 1;
    for (const [width, style, dash] of [[4, "rgba(255,255,255,0.9)", []], [2, color, [6, 4]]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.setLineDash(dash);
      context.strokeRect(Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by));
    }
  } else if (what.kind === "polygon") {
    const tip = cross && document.activeElement === canvas ? cross : cursor;
    const points = (settled || !tip ? what.points : [...what.points, tip]).map(at);
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    if (settled) context.closePath();
    context.globalAlpha = 0.2;
    context.fillStyle = color;
    context.fill();
    context.globalAlpha = settled ? 0.6 : 1;
    for (const [width, style] of [[4, "rgba(255,255,255,0.9)"], [2, color]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
    // The first corner is larger: a click on it closes the outline.
    what.points.map(at).forEach(([x, y], index) => {
      context.beginPath();
      context.arc(x, y, index || settled ? 3.5 : 6, 0, 7);
      context.fillStyle = index ? color : "#fff";
      context.strokeStyle = index ? "#fff" : color;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    });
  } else if (what.kind === "brush") {
    context.globalAlpha = 0.5;
    context.beginPath();
    const [sx, sy] = at(what.points[0]);
    context.moveTo(sx, sy);
    for (const point of what.points) context.lineTo(...at(point));
    if (what.points.length === 1) context.lineTo(sx + 0.01, sy); // a dot
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = what.radius * 2 * fit.scale;
    context.strokeStyle = color;
    context.stroke();
  } else if (what.kind === "point") {
    const [cx, cy] = at(what.points[0]);
    const pulse = settled ? 4 + 3 * Math.abs(Math.sin(performance.now() / 250)) : 5;
    context.beginPath();
    context.arc(cx, cy, pulse, 0, 7);
    context.fillStyle = color;
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.fill();
    context.stroke();
    if (settled) setTimeout(draw, 60);
  }
  context.restore();
}

function paintCursor(context) {
  const ring = (x, y, radius) => {
    for (const [width, style] of [[3, "rgba(255,255,255,0.9)"], [1.5, "rgba(0,0,0,0.8)"]]) {
      context.beginPath();
      context.arc(fit.x + x * fit.scale, fit.y + y * fit.scale, radius, 0, 7);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  };
  if (tool === "brush" && cursor) ring(cursor[0], cursor[1], brushCss() / 2);
  if (cross && document.activeElement === canvas) {
    const [x, y] = [fit.x + cross[0] * fit.scale, fit.y + cross[1] * fit.scale];
    for (const [width, style] of [[4, "#fff"], [1.5, "#000"]]) {
      context.beginPath();
      context.moveTo(x - 11, y);
      context.lineTo(x + 11, y);
      context.moveTo(x, y - 11);
      context.lineTo(x, y + 11);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }
}

// ---- lists, buttons, hints ------------------------------------------------------------------------------------------

function setTool(name) {
  if (tool !== name) setAction("new");
  tool = name;
  stage.dataset.tool = name;
  drag = corners = segment = null;
  if (name === "everything" && picture && !segments) send("segment_everything", {});
  showButtons();
  showHint();
  draw();
}

function setAction(name) {
  if (name !== "new" && !scene.regions.length) return;
  action = name;
  corners = null;
  showButtons();
  showHint();
  draw();
}

function showButtons() {
  for (const [name, node] of Object.entries(toolButtons)) node.setAttribute("aria-pressed", String(name === tool));
  for (const [name, node] of Object.entries(actionButtons)) {
    node.setAttribute("aria-pressed", String(name === action));
    node.disabled = !picture || (name !== "new" && !scene.regions.length);
  }
  for (const node of Object.values(toolButtons)) node.disabled = !picture;
  sizeBox.classList.toggle("osp-on", tool === "brush");
  fitBox.classList.toggle("osp-on", tool === "brush" || tool === "polygon");
  undoButton.disabled = !scene.canUndo;
  clearButton.disabled = !scene.regions.length;
  saveButton.disabled = !picture;
}

function showHint() {
  if (hint.classList.contains("osp-problem")) return;
  const number = scene.selected;
  let text = "";
  if (picture) {
    if (corners) text = W.hintCorners;
    else if (action === "add") text = say(W.hintAdd, { number });
    else if (action === "remove") text = say(W.hintRemove, { number });
    else if (tool === "everything") text = W.hintEverything;
    else if (!scene.regions.length) text = W[{ point: "hintPoint", box: "hintBox", polygon: "hintPolygon", brush: "hintBrush" }[tool]];
    else if (scene.regions.length === 1) text = say(W.hintRefine, { number });
    else text = W.hintMany;
  }
  hint.textContent = text;
}

function showList() {
  // Not under the fingers of who types a name; what has changed meanwhile is shown afterwards.
  if (renaming && document.activeElement === renaming.input) return;
  if (!scene.regions.length) {
    list.replaceChildren(make("span", { class: "osp-none" }, picture ? W.noRegions : ""));
    return;
  }
  const nodes = scene.regions.map((region) => {
    const number = region.number;
    const values = { number, percent: region.percent };
    const badge = make("span", { class: "osp-badge" }, String(number));
    badge.style.background = region.color;
    badge.style.color = region.text;
    const choose = make(
      "button",
      { type: "button", class: "osp-pick", title: say(W.select, values), "aria-label": say(W.region, values), "aria-pressed": String(number === scene.selected) },
      thumbnail(layers.get(number)),
      badge,
      renaming && renaming.number === number ? "" : make("span", { class: region.name ? "osp-name" : "osp-percent" }, region.name || region.percent),
    );
    choose.addEventListener("keydown", (event) => event.key === "F2" && rename(region));
    // The second of two quick clicks: the first has made the list anew, so it is no double click to the browser.
    choose.addEventListener("click", (event) => (event.detail > 1 ? rename(region) : select(number)));
    const mention = make("button", { type: "button", class: "osp-mention", title: say(W.mention, values), "aria-label": say(W.mention, values) }, "@");
    mention.addEventListener("click", () => insertMention(number));
    const remove = make("button", { type: "button", class: "osp-delete", title: say(W.delete, values), "aria-label": say(W.delete, values) }, icon("close"));
    remove.addEventListener("click", () => send("edit_regions", { op: "delete", number }));
    const extent = make("button", { type: "button", class: "osp-extent", title: say(W.extent, values), "aria-label": say(W.extent, values) }, icon("extent"));
    extent.addEventListener("click", () => send("edit_regions", { op: "extent", number }));
    const more = make("button", { type: "button", class: "osp-more", title: say(W.more, values), "aria-label": say(W.more, values), "aria-haspopup": "menu" }, icon("more"));
    more.addEventListener("click", (event) => openMenu(region, more, event));
    const tools = region.found ? [extent, mention, more, remove] : [mention, more, remove];
    const card = make("div", { class: "osp-card", role: "listitem", "data-number": number }, choose, ...(renaming && renaming.number === number ? [renaming.input] : []), ...tools);
    card.style.setProperty("--osp-color", region.color);
    card.classList.toggle("osp-selected", number === scene.selected);
    card.classList.toggle("osp-hidden", region.hidden);
    card.addEventListener("pointerenter", () => hover(number));
    card.addEventListener("pointerleave", () => hover(null));
    return card;
  });
  const kept = list.scrollLeft;
  const focus = focusInList();
  list.replaceChildren(...nodes);
  focus();
  const chosen = list.querySelector(".osp-selected");
  if (chosen) {
    const [left, right] = [chosen.offsetLeft - list.offsetLeft, chosen.offsetLeft - list.offsetLeft + chosen.offsetWidth];
    list.scrollLeft = left < kept ? left : right > kept + list.clientWidth ? right - list.clientWidth : kept;
  }
}

// The list is made anew; who stands on a button of it with the keyboard stays there, or on the card next to it.
function focusInList() {
  const at = document.activeElement;
  const card = list.contains(at) && at.closest(".osp-card");
  if (!card) return () => {};
  const [number, place, look] = [card.dataset.number, [...list.children].indexOf(card), at.classList[0]];
  return () => {
    const same = list.querySelector(`.osp-card[data-number="${number}"]`);
    const next = list.children[Math.min(place, list.children.length - 1)];
    const target = (same && (same.querySelector(`.${look}`) || same.querySelector(".osp-pick"))) || (next && next.querySelector(".osp-pick"));
    if (target) target.focus({ preventScroll: true });
  };
}

// The name is typed where it stands: Enter or leaving keeps it, Escape leaves it as it was.
function rename({ number, name }) {
  const label = say(W.renamePrompt, { number });
  const input = make("input", { class: "osp-rename", type: "text", maxlength: 40, "aria-label": label, placeholder: W.renameHint });
  input.value = name;
  const done = (keep, back) => {
    if (!renaming || renaming.input !== input) return;
    renaming = null;
    if (keep && input.value.trim() !== name) send("edit_regions", { op: "rename", number, name: input.value });
    showList();
    const pick = list.querySelector(`.osp-card[data-number="${number}"] .osp-pick`);
    if (back && pick) pick.focus({ preventScroll: true });
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.isComposing) done(true, true);
    else if (event.key === "Escape") done(false, true);
  });
  // The list may be made anew meanwhile, which takes the focus away for a moment.
  input.addEventListener("blur", () => setTimeout(() => document.activeElement === input || done(true, false)));
  renaming = { number, input };
  showList();
  input.focus();
  input.select();
}

// What can be done with one region besides selecting, mentioning and deleting it.
let menu = null;
function openMenu(region, opener, event) {
  event.stopPropagation();
  const same = menu && menu.dataset.number === String(region.number);
  closeMenu();
  if (same) return;
  const { number } = region;
  const act = (op, extra) => () => {
    closeMenu();
    if (opener.isConnected) opener.focus({ preventScroll: true });
    opener.focus();
    send("edit_regions", { op, number, ...extra });
  };
  const renameIt = () => {
    closeMenu();
    rename(region);
  };
  const entries = [[W.rename, renameIt], region.hidden ? [W.show, act("show")] : [W.hide, act("hide")]];
  for (const op of ["grow", "shrink", "fill", "largest", "invert"]) entries.push([W[op], act(op)]);
  for (const { number: other } of scene.regions)
    if (other !== number)
      entries.push([say(W.merge, { other }), act("merge", { other })], [say(W.subtract, { other }), act("subtract", { other })]);
  const items = entries.map(([label, onclick]) => make("button", { type: "button", role: "menuitem", onclick }, label));
  menu = make("div", { class: "osp-menu", role: "menu", "aria-label": say(W.more, { number }), "data-number": number }, ...items);
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(at + step + items.length) % items.length].focus();
    else if (event.key === "Escape") {
      closeMenu();
      opener.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.append(menu);
  const [bounds, from] = [root.getBoundingClientRect(), opener.getBoundingClientRect()];
  menu.style.left = `${Math.max(0, Math.min(from.left - bounds.left, bounds.width - menu.offsetWidth))}px`;
  menu.style.bottom = `${bounds.bottom - from.top + 6}px`;
  items[0].focus({ preventScroll: true });
}

function closeMenu() {
  if (menu) menu.remove();
  menu = null;
}

function thumbnail(layer, side = 34) {
  const ratio = window.devicePixelRatio || 1;
  const node = make("canvas", { class: "osp-thumb", width: side * ratio, height: side * ratio, "aria-hidden": "true" });
  if (!layer) return node;
  const { region } = layer;
  const paintThumb = () => {
    if (!picture) return;
    const unit = picture.width / region.size[0];
    const [x0, y0] = region.box;
    const reach = Math.max(layer.width, layer.height) * 1.15;
    const left = x0 + layer.width / 2 - reach / 2;
    const top = y0 + layer.height / 2 - reach / 2;
    const context = node.getContext("2d");
    const scale = (side * ratio) / reach;
    const shown = picture.image.naturalWidth / picture.width;
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    context.globalAlpha = 0.35;
    context.drawImage(picture.image, 0, 0, picture.image.naturalWidth / shown / unit, picture.image.naturalHeight / shown / unit);
    const cut = make("canvas", { width: layer.width, height: layer.height });
    const inside = cut.getContext("2d");
    inside.drawImage(layer.tint, 0, 0);
    inside.globalCompositeOperation = "source-in";
    inside.drawImage(picture.image, -x0, -y0, region.size[0], region.size[1]);
    context.globalAlpha = 1;
    context.drawImage(cut, x0, y0);
  };
  if (picture && picture.image.complete) paintThumb();
  else if (picture) picture.image.addEventListener("load", paintThumb, { once: true });
  return node;
}

function insertMention(number) {
  const box = document.querySelector("#question textarea");
  if (!box) return;
  const start = box.selectionStart ?? box.value.length;
  const before = box.value.slice(0, start);
  const word = `${before && !/\s$/.test(before) ? " " : ""}@${number} `;
  box.value = before + word + box.value.slice(box.selectionEnd ?? start);
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  box.setSelectionRange(start + word.length, start + word.length);
}

function hover(number) {
  if (hovered === number) return;
  hovered = number;
  for (const card of list.querySelectorAll(".osp-card"))
    card.classList.toggle("osp-lit", Number(card.dataset.number) === number);
  draw();
}

function holds(layer, x, y) {
  const column = Math.floor((x * layer.region.size[0]) / picture.width) - layer.region.box[0];
  const row = Math.floor((y * layer.region.size[1]) / picture.height) - layer.region.box[1];
  const inside = column >= 0 && row >= 0 && column < layer.width && row < layer.height;
  return inside && layer.mask[row * layer.width + column];
}

function regionAt([x, y]) {
  const hits = scene.regions.filter((region) => {
    const layer = layers.get(region.number);
    return layer && !region.hidden && holds(layer, x, y);
  });
  const size = (region) => (region.box[2] - region.box[0]) * (region.box[3] - region.box[1]);
  return hits.sort((one, other) => size(one) - size(other))[0];
}

// ---- pointer --------------------------------------------------------------------------------------------------------

const brushCss = () => Number(sizeInput.value);
const nextColor = () => {
  const chosen = scene.regions.find((region) => region.number === scene.selected);
  return action === "new" || !chosen ? (scene.next ? scene.next.color : "#e69f00") : chosen.color;
};

function place(event) {
  const bounds = canvas.getBoundingClientRect();
  return [(event.clientX - bounds.left - fit.x) / fit.scale, (event.clientY - bounds.top - fit.y) / fit.scale];
}

const inPicture = ([x, y]) => x >= 0 && y >= 0 && x < picture.width && y < picture.height;
const clamp = ([x, y]) => [Math.min(Math.max(x, 0), picture.width), Math.min(Math.max(y, 0), picture.height)];

// Shift, the right button, or a pen's eraser take away, whatever the toolbar says.
function actionOf(event) {
  const minus = event.shiftKey || event.button === 2 || event.button === 5 || (event.buttons & 34) > 0;
  return minus && scene.regions.length ? "remove" : action;
}

canvas.addEventListener("contextmenu", (event) => event.preventDefault());

canvas.addEventListener("pointerdown", (event) => {
  if (!picture) return;
  if (drag || !event.isPrimary) {
    drag = null; // a second finger: not a mark
    draw();
    return;
  }
  if (![0, 2, 5].includes(event.button)) return;
  const point = place(event);
  if ((tool === "point" || tool === "everything") && !inPicture(point)) return;
  const what = actionOf(event);
  if (tool === "polygon") {
    addCorner(clamp(point), what);
    return;
  }
  const start = tool === "box" ? clamp(point) : point;
  drag = {
    kind: tool, points: [start], action: what, minus: what === "remove", color: nextColor(),
    radius: brushCss() / 2 / fit.scale, at: [event.clientX, event.clientY], pointer: event.pointerId,
  };
  cross = null;
  canvas.setPointerCapture(event.pointerId);
  draw();
});

canvas.addEventListener("pointermove", (event) => {
  if (!picture) return;
  const point = place(event);
  cursor = event.pointerType === "touch" ? null : point;
  if (drag && drag.pointer === event.pointerId) {
    if (drag.kind === "box") drag.points[1] = clamp(point);
    else if (drag.kind === "brush") {
      const steps = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const step of steps.length ? steps : [event]) {
        const to = place(step);
        const from = drag.points[drag.points.length - 1];
        if (Math.hypot(to[0] - from[0], to[1] - from[1]) * fit.scale >= 1) drag.points.push(to);
      }
    }
    draw();
  } else {
    const found = inPicture(point) ? regionAt(point) : null;
    hover(found ? found.number : null);
    if (tool === "brush" || corners) draw();
    if (tool === "everything") {
      const over = inPicture(point) ? segmentAt(point) : null;
      if (over !== segment) {
        segment = over;
        draw();
      }
    }
    canvas.title = captionTold(found && found.number);
  }
});

// ---- polygons: corner by corner, closed on the first corner, by a double click or with Enter ------------------------

function addCorner(point, what) {
  cross = null;
  if (!corners) corners = { kind: "polygon", points: [point], action: what, minus: what === "remove", color: nextColor() };
  else if (corners.points.length > 2 && distanceCss(point, corners.points[0]) < 11) return closePolygon();
  else corners.points.push(point);
  showHint();
  draw();
}

function closePolygon() {
  const done = corners;
  if (!done) return;
  // A double click has set its corner twice.
  done.points = done.points.filter((point, index) => !index || distanceCss(point, done.points[index - 1]) >= 1);
  if (done.points.length < 3) return toast(W.hintPolygon);
  corners = null;
  send("segment_polygon", { points: done.points, action: done.action }, done, fitInput.checked);
  showHint();
}

const distanceCss = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]) * fit.scale;

canvas.addEventListener("dblclick", () => closePolygon());

canvas.addEventListener("pointerup", (event) => {
  if (!drag || drag.pointer !== event.pointerId) return;
  const done = drag;
  drag = null;
  const moved = Math.hypot(event.clientX - done.at[0], event.clientY - done.at[1]);
  finish(done, moved);
});

function finish(done, moved) {
  const ghost = { kind: done.kind, points: done.points, radius: done.radius, minus: done.minus, color: done.color };
  if (done.kind === "everything") {
    const chosen = segmentAt(done.points[0]);
    if (moved < 10 && chosen) send("take_segment", { index: chosen.index, action: done.action });
    else if (moved < 10 && segments) toast(W.noSegment);
  } else if (done.kind === "point") {
    const [x, y] = done.points[0];
    if (moved < 10) send("segment_point", { x, y, action: done.action }, ghost);
  } else if (done.kind === "box") {
    const [start, end] = [done.points[0], done.points[1] || done.points[0]];
    if (moved < 4) toast(W.hintBox);
    else send("segment_box", { box: [...start, ...end], action: done.action }, ghost);
  } else send("segment_brush", { points: done.points, radius: done.radius, action: done.action }, ghost, fitInput.checked);
  draw();
}

canvas.addEventListener("pointercancel", () => {
  drag = null;
  draw();
});
canvas.addEventListener("pointerleave", () => {
  cursor = segment = null;
  if (!drag) hover(null);
  draw();
});

// ---- keyboard -------------------------------------------------------------------------------------------------------

canvas.addEventListener("blur", () => draw());
canvas.addEventListener("focus", () => draw());
canvas.addEventListener("keydown", (event) => {
  if (!picture) return;
  const step = (event.shiftKey ? 1 : 12) / fit.scale;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (moves[event.key]) {
    const from = cross || [picture.width / 2, picture.height / 2];
    cross = [from[0] + moves[event.key][0], from[1] + moves[event.key][1]];
    cross = [Math.min(Math.max(cross[0], 0), picture.width - 1), Math.min(Math.max(cross[1], 0), picture.height - 1)];
    if (drag && drag.kind === "box") drag.points[1] = cross;
    else if (drag && drag.kind === "brush") drag.points.push(cross);
    if (tool === "everything") segment = segmentAt(cross);
  } else if (event.key === "Enter" || event.key === " ") {
    const unmoved = !cross;
    const at = cross || (cross = [picture.width / 2, picture.height / 2]);
    const what = actionOf(event);
    if (tool === "polygon") {
      event.preventDefault();
      event.stopPropagation(); // Enter closes a polygon wherever else on the page it is pressed
      const last = corners && corners.points[corners.points.length - 1];
      if (corners && (unmoved || distanceCss(last, at) < 1)) closePolygon();
      else {
        addCorner([...at], what);
        if (corners) cross = at;
      }
      return draw();
    }
    const mark = {
      kind: tool, points: [at], action: what, minus: what === "remove", color: nextColor(),
      radius: brushCss() / 2 / fit.scale, at: [0, 0], pointer: -1,
    };
    if (tool !== "box" && tool !== "brush") finish(mark, 0);
    else if (!drag) {
      drag = mark;
      live.textContent = tool === "box" ? W.boxBegun : W.strokeBegun;
    } else {
      const done = drag;
      drag = null;
      finish(done, done.points.length > 1 ? 100 : 0);
    }
  } else return;
  event.preventDefault();
  draw();
});

const listenTo = listener("canvas");
const listen = (name, handler) => listenTo(window, name, handler);

listen("pointerdown", (event) => {
  if (menu && !menu.contains(event.target) && !event.target.closest(".osp-more")) closeMenu();
});
listen("keydown", (event) => {
  if ((typing(event.target) && event.target.type !== "checkbox") || !picture) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "p") setTool("point");
  else if (key === "b") setTool("box");
  else if (key === "o") setTool("polygon");
  else if (corners && key === "enter") closePolygon();
  else if (corners && key === "backspace") {
    corners.points.pop();
    if (!corners.points.length) corners = null;
    showHint();
  }
  else if (key === "r") setTool("brush");
  else if (key === "e") setTool("everything");
  else if (key === "f") fitInput.checked = !fitInput.checked;
  else if (key === "c") captionInput.checked = !captionInput.checked;
  else if (key === "n") setAction("new");
  else if (key === "pageup" || key === "pagedown") {
    // Elsewhere these keys scroll, and go on doing so.
    if (openPictures().length < 2 || !(event.target === document.body || root.contains(event.target))) return;
    event.preventDefault();
    return turnBy(key === "pageup" ? -1 : 1);
  } else if (key === "+") setAction("add");
  else if (key === "-") setAction("remove");
  else if (key === "[" || key === "]") sizeInput.value = brushCss() + (key === "[" ? -6 : 6);
  else if (key === "escape") {
    drag = corners = null;
    showHint();
  }
  else if ((key === "delete" || key === "backspace") && scene.selected) send("edit_regions", { op: "delete", number: scene.selected });
  else return;
  draw();
});

// ---- files dropped or pasted anywhere -------------------------------------------------------------------------------

const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
listen("dragover", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  stage.classList.add("osp-dropping");
});
listen("dragleave", (event) => {
  if (!event.relatedTarget) stage.classList.remove("osp-dropping");
});
listen("drop", (event) => {
  stage.classList.remove("osp-dropping");
  if (!carriesFile(event) || !event.dataTransfer.files.length) return;
  event.preventDefault();
  openFile(event.dataTransfer.files[0]);
});
listen("paste", (event) => {
  const file = [...((event.clipboardData && event.clipboardData.files) || [])].find((each) => each.type.startsWith("image/"));
  if (!file) return openPasted(event);
  event.preventDefault();
  openFile(file);
});

// A pasted address opens the picture there, unless it is pasted into a text.
function openPasted(event) {
  const address = event.clipboardData ? event.clipboardData.getData("text/plain").trim() : "";
  if (!props.addresses || !/^https?:\/\/\S+$/i.test(address)) return;
  if (event.target.closest && event.target.closest("input, textarea, [contenteditable]")) return;
  event.preventDefault();
  send("open_picture", { address });
}

// ---- mentions in the chat light and select their region -------------------------------------------------------------

const isRegion = (number) => scene.regions.some((region) => region.number === number);
listen("osprey:hover", (event) => hover(isRegion(event.detail) ? event.detail : null));
// The table of everything shows the segments by their place, and lights the one under the pointer.
listen("osprey:segment", (event) => {
  segment = (segments && segments.layers[event.detail]) || null;
  draw();
});
listen("osprey:who", () => tellScene());
listen("osprey:which", () => showSegments());
listen("osprey:captions", (event) => {
  described = event.detail && { picture: event.detail.picture, texts: new Map(event.detail.rows) };
  draw();
});
listen("osprey:select", (event) => isRegion(event.detail) && select(event.detail));

new ResizeObserver(() => layout()).observe(stage);
setTool("point");
receive();
