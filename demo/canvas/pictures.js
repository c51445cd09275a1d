// The strip below the list of regions: buttons that open a picture, the open pictures, the examples.

import { make, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { complain } from "./store.js";

const SURE_TIME = 4000; // milliseconds for the second click that closes a picture

// Buttons of the examples, with their titles below the pictures.
export function exampleButtons(examples, send) {
  return examples.map(({ name, title, thumb }) => {
    const attributes = { type: "button", title, "aria-label": title, "data-example": name };
    const button = make("button", attributes, make("img", { src: thumb, alt: "" }), make("span", {}, title));
    button.addEventListener("click", () => send("open_picture", { example: name }));
    return button;
  });
}

// The index `steps` away from `place`, wrapping around at the ends.
export const turnedPlace = (place, steps, count) => (place + steps + count) % count;

// `sources` are buttons that come first; `examples` those of the examples; `fallback()` returns the button that gets
// the focus when no picture is left. Returns {node, turnBy(steps)}.
export function createPictureStrip({ store, words, send, sources, examples, fallback }) {
  const opened = make("div", { class: "osp-opened", role: "group", "aria-label": words.pictures });
  const node = make(
    "div",
    { class: "osp-examples osp-strip", "aria-label": words.examples },
    make("div", { class: "osp-strip-sources" }, ...sources),
    opened,
    ...examples,
  );

  const isFront = (sheet) => Boolean(store.picture) && store.picture.sheet === sheet;

  function turnTo(sheet) {
    if (store.picture && !isFront(sheet)) send("turn_to_picture", { sheet });
  }

  function turnBy(steps) {
    const place = store.pictures.findIndex(({ sheet }) => isFront(sheet));
    const count = store.pictures.length;
    if (place >= 0 && count > 1) turnTo(store.pictures[turnedPlace(place, steps, count)].sheet);
  }

  // Closing a picture also deletes its regions and chat, so it needs a second click.
  function close(sheet) {
    const isSure = store.closing && store.closing.sheet === sheet;
    if (store.closing) clearTimeout(store.closing.timer);
    if (isSure) {
      store.set({ closing: null });
      send("close_picture", { sheet });
    } else {
      store.set({ closing: { sheet, timer: setTimeout(() => store.set({ closing: null }), SURE_TIME) } });
      complain(store, words.closeSure);
    }
  }

  function createSheet({ sheet, name, thumb }) {
    const attributes = { "aria-label": say(words.turnTo, { name }), "aria-pressed": String(isFront(sheet)) };
    const turn = make(
      "button",
      { type: "button", class: "osp-leaf", title: name, ...attributes },
      make("img", { src: thumb, alt: "" }),
      make("span", {}, name),
    );
    turn.addEventListener("click", () => turnTo(sheet));
    const label = say(words.closePicture, { name });
    const shut = make(
      "button",
      { type: "button", class: "osp-shut", title: label, "aria-label": label },
      icon("close"),
    );
    shut.addEventListener("click", () => close(sheet));
    const item = make("div", { class: "osp-sheet", "data-sheet": sheet }, turn, shut);
    item.classList.toggle("osp-front", isFront(sheet));
    item.classList.toggle("osp-sure", Boolean(store.closing) && store.closing.sheet === sheet);
    return item;
  }

  let shown = "";
  function show() {
    const { pictures, picture, closing } = store;
    const sheets = pictures.map(({ sheet }) => sheet);
    const key = JSON.stringify([sheets, picture && picture.sheet, closing && closing.sheet]);
    if (key === shown) return;
    shown = key;
    const restoreFocus = keepFocus();
    opened.replaceChildren(...pictures.map(createSheet));
    // An example that is open is not offered again.
    for (const button of examples) {
      const { src } = button.querySelector("img");
      button.hidden = pictures.some(({ name, thumb }) => name === button.dataset.example && thumb === src);
    }
    restoreFocus();
    scrollToFront();
  }

  // The strip's nodes are replaced: returns a function that gives the focus back to the same button, or else to the
  // picture in front.
  function keepFocus() {
    const focused = document.activeElement;
    if (!opened.contains(focused)) return () => {};
    const { sheet } = focused.closest(".osp-sheet").dataset;
    const look = focused.classList[0];
    return () => {
      const same = opened.querySelector(`[data-sheet="${sheet}"] .${look}`);
      const target = same || opened.querySelector(".osp-front .osp-leaf") || fallback();
      if (target) target.focus({ preventScroll: true });
    };
  }

  function scrollToFront() {
    const front = opened.querySelector(".osp-front");
    if (!front) return;
    const left = front.offsetLeft - node.offsetLeft;
    const right = left + front.offsetWidth;
    const start = node.scrollLeft + node.firstChild.offsetWidth; // the buttons cover what scrolls below them
    if (left < start || right > node.scrollLeft + node.clientWidth)
      node.scrollLeft = left - node.firstChild.offsetWidth;
  }

  store.follow(["pictures", "picture", "closing"], show);
  return { node, turnBy };
}
