// The list of regions below the picture: a card for each, with its thumbnail, number, name and buttons.

import { insertedMention } from "../shared/mentions.js";
import { fillQuestion, make, questionBox, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { createThumbnail } from "./layers.js";
import { createRegionMenu } from "./region_menu.js";

const MAX_NAME_LETTERS = 200; // as osprey_core.regions.region.MAX_NAME_CHARACTERS

// `root` is the component's element, to which the menu of a region is appended.
// `choosing` and `saving` are as in choosing.js and saving.js.
export function createRegionList({ root, store, words, send, choosing, saving, listen }) {
  const node = make("div", { class: "osp-list", role: "list", "aria-label": words.regions });
  const menu = createRegionMenu({ root, store, words, send, rename, choosing, saving, listen });

  function select(number) {
    if (choosing.choose(number) || number === store.scene.selected) return;
    store.scene.selected = number; // shown at once; Python confirms
    store.touch("scene");
    send("edit_regions", { op: "select", number });
  }

  function createCard(region) {
    const { number } = region;
    const isRenamed = Boolean(store.renaming) && store.renaming.number === number;
    const values = { number, percent: region.percent };
    const edit = (op) => () => send("edit_regions", { op, number });
    const tool = (name, tip, content, onclick) =>
      make("button", { type: "button", class: `osp-${name}`, title: tip, "aria-label": tip, onclick }, content);
    const extent = tool("extent", say(words.extent, values), icon("extent"), edit("extent"));
    if (region.extent) extent.append(make("span", {}, words.extentNames[region.extent]));
    const mention = tool("mention", say(words.mention, values), "@", () => insertMention(number));
    const more = tool("more", say(words.more, values), icon("more"), (event) => menu.toggle(region, more, event));
    more.setAttribute("aria-haspopup", "menu");
    const remove = tool("delete", say(words.delete, values), icon("close"), edit("delete"));
    const card = make(
      "div",
      { class: "osp-card", role: "listitem", "data-number": number },
      createPick(region, values, isRenamed),
      isRenamed ? store.renaming.input : null,
      region.extent ? extent : null, // only masks by the segmenter have other extents
      mention,
      more,
      remove,
    );
    card.style.setProperty("--osp-color", region.color);
    card.classList.toggle("osp-selected", number === store.scene.selected);
    card.classList.toggle("osp-hidden", region.hidden);
    card.addEventListener("pointerenter", () => hover(number));
    card.addEventListener("pointerleave", () => hover(null));
    return card;
  }

  // The button of a card that selects the region; F2 or a double click on it renames the region.
  function createPick(region, values, isRenamed) {
    const { number, name, percent } = region;
    const badge = make("span", { class: "osp-badge" }, String(number));
    badge.style.background = region.color;
    badge.style.color = region.text;
    const pick = make(
      "button",
      {
        type: "button",
        class: "osp-pick",
        title: say(words.select, values),
        "aria-label": say(words.region, values),
        "aria-pressed": String(number === store.scene.selected),
      },
      createThumbnail(store.layers.get(number), store.picture),
      badge,
      isRenamed ? null : make("span", { class: name ? "osp-name" : "osp-percent" }, name || percent),
    );
    pick.addEventListener("keydown", (event) => event.key === "F2" && rename(region));
    // The first click of a double click replaces the list's nodes, so the browser sends no dblclick event.
    pick.addEventListener("click", (event) => (event.detail > 1 ? rename(region) : select(number)));
    return pick;
  }

  function hover(number) {
    if (store.hovered !== number) store.set({ hovered: number });
  }

  store.follow(["hovered"], () => {
    for (const card of node.querySelectorAll(".osp-card"))
      card.classList.toggle("osp-lit", Number(card.dataset.number) === store.hovered);
  });

  function show() {
    const { renaming, scene, picture } = store;
    // Not while a name is being typed; the list is drawn again afterwards.
    if (renaming && document.activeElement === renaming.input) return;
    if (!scene.regions.length) {
      node.replaceChildren(make("span", { class: "osp-none" }, picture ? words.noRegions : ""));
      return;
    }
    const scrollBefore = node.scrollLeft;
    const cards = scene.regions.map(createCard);
    const restoreFocus = keepFocus();
    node.replaceChildren(...cards);
    restoreFocus();
    scrollToSelected(scrollBefore);
  }

  // The list's nodes are replaced: returns a function that gives the focus back to the same button, or else to the card
  // at the same place.
  function keepFocus() {
    const focused = document.activeElement;
    const card = node.contains(focused) && focused.closest(".osp-card");
    if (!card) return () => {};
    const { number } = card.dataset;
    const place = [...node.children].indexOf(card);
    const look = focused.classList[0];
    return () => {
      const same = cardOf(number);
      const next = node.children[Math.min(place, node.children.length - 1)];
      const target = same
        ? same.querySelector(`.${look}`) || same.querySelector(".osp-pick")
        : next && next.querySelector(".osp-pick");
      if (target) target.focus({ preventScroll: true });
    };
  }

  const cardOf = (number) => node.querySelector(`.osp-card[data-number="${number}"]`);

  function scrollToSelected(scrollBefore) {
    const selected = node.querySelector(".osp-selected");
    if (!selected) return;
    const left = selected.offsetLeft - node.offsetLeft;
    const right = left + selected.offsetWidth;
    if (left < scrollBefore) node.scrollLeft = left;
    else if (right > scrollBefore + node.clientWidth) node.scrollLeft = right - node.clientWidth;
    else node.scrollLeft = scrollBefore;
  }

  // Opens a field for the name in the card: Enter or leaving the field saves the name, Escape discards it.
  function rename({ number, name }) {
    const input = make("input", {
      class: "osp-rename",
      type: "text",
      maxlength: MAX_NAME_LETTERS,
      "aria-label": say(words.renamePrompt, { number }),
      placeholder: words.renameHint,
    });
    input.value = name;
    const end = (isKept, returnsFocus) => {
      if (!store.renaming || store.renaming.input !== input) return;
      if (isKept && input.value.trim() !== name) send("edit_regions", { op: "rename", number, name: input.value });
      store.set({ renaming: null });
      const card = cardOf(number);
      if (returnsFocus && card) card.querySelector(".osp-pick").focus({ preventScroll: true });
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && !event.isComposing) end(true, true);
      else if (event.key === "Escape") end(false, true);
    });
    // Drawing the list again takes the focus away for a moment, which does not count as leaving.
    input.addEventListener("blur", () => setTimeout(() => document.activeElement === input || end(true, false)));
    store.set({ renaming: { number, input } });
    input.focus();
    input.select();
  }

  store.follow(["scene", "layers", "picture", "renaming"], show);
  store.follow(["picture"], menu.close);
  return { node, select };
}

// Mentions a region in the question, at the caret.
function insertMention(number) {
  const box = questionBox();
  if (!box) return;
  const start = box.selectionStart ?? box.value.length;
  const { text, caret } = insertedMention(box.value, { start, end: box.selectionEnd ?? start }, number);
  fillQuestion(text, caret);
}
