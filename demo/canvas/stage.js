// The stage: the canvas, and the overlays for an empty page, for waiting, and for dropping files.

import { make } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { createArriving } from "./arriving.js";
import { busyText, heldHere } from "./gestures.js";

// `sources` are further buttons that open a picture; `examples` those of the examples; `opensAddresses`: whether there
// is a field for a web address; `zoom` as in zoom.js. Returns {node, canvas, drop}: `drop` is the button that chooses a file.
export function createStage({ store, words, files, sources, examples, opensAddresses, zoom }) {
  // The role "application" passes the arrow keys to the canvas instead of the screen reader.
  const canvas = make("canvas", {
    class: "osp-canvas",
    tabindex: "0",
    role: "application",
    "aria-label": words.canvas,
    "aria-describedby": "osp-hint",
  });
  const drop = make(
    "button",
    { type: "button", class: "osp-drop", onclick: files.choosePicture },
    icon("open"),
    make("strong", {}, words.dropTitle),
    make("span", {}, words.dropText),
  );
  const ways = make("div", { class: "osp-sources" }, ...sources);
  // A field for addresses, for devices such as phones where one cannot paste onto the page.
  if (opensAddresses) ways.append(addressForm(words, files));
  const empty = make("div", { class: "osp-empty" }, drop, ways);
  if (examples.length)
    empty.append(make("p", {}, words.dropExamples), make("div", { class: "osp-examples osp-large" }, ...examples));

  const spinner = make("div", { class: "osp-busy", role: "status" });
  store.follow(["waiting", "arriving", "held"], () => {
    spinner.textContent = store.arriving ? "" : busyText(store, words); // what arrives has its own line
    spinner.classList.toggle("osp-on", Boolean(spinner.textContent));
  });
  const live = make("div", { class: "osp-live", "aria-live": "polite" });
  store.follow(["announcement"], () => (live.textContent = store.announcement.text));

  const veil = make("div", { class: "osp-veil" }, words.dropNow);
  const node = make(
    "div",
    { class: "osp-stage" },
    canvas,
    empty,
    spinner,
    zoom.node,
    createArriving({ store, words }),
    veil,
    live,
  );
  store.follow(["held", "picture"], () => node.classList.toggle("osp-loading-marks", heldHere(store).length > 0));
  store.follow(["tool"], () => (node.dataset.tool = store.tool));
  store.follow(["view", "picture"], () => node.classList.toggle("osp-zoomed", zoom.isZoomed()));
  return { node, canvas, drop };
}

function addressForm(words, files) {
  const address = make("input", {
    type: "url",
    placeholder: words.address,
    "aria-label": words.address,
    autocomplete: "off",
    required: "",
  });
  const open = make("button", { type: "submit" }, words.addressOpen);
  const form = make("form", { class: "osp-address" }, address, open);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    files.openAddress(address.value.trim());
  });
  return form;
}
