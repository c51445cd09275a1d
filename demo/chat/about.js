// Mentions while typing a question: `@` opens a list of the regions. A click on a suggested question fills the box.
// Regions are {number, percent, name}.

import { component, tell } from "../shared/component.js";
import { colorClass, fillQuestion, make, questionBox, say, thumbnailCopy } from "../shared/elements.js";
import { fittingRegions, isComplete, mentionAt, withMention } from "../shared/mentions.js";

export const mount = (host) => component("about", host, mountAbout);

function mountAbout({ element, props, words, watch, listen }) {
  let regions = [];
  let open = null; // {start, end, matches, active}: the typed mention, the matching regions, the active one's index

  const list = make("ul", {
    class: "osp-pop",
    id: "osp-pop",
    role: "listbox",
    "aria-label": words.pick,
    hidden: true,
  });
  const live = make("div", { class: "osp-unseen osp-pop-live", "aria-live": "polite" });
  document.querySelectorAll("#osp-pop, .osp-pop-live").forEach((old) => old.remove());
  (element.closest(".gradio-container") || document.body).append(list);
  element.parentElement.append(live);

  // Opens, updates or closes the list according to the text at the caret.
  function look() {
    const box = questionBox();
    const hasCaret = box && document.activeElement === box && box.selectionStart === box.selectionEnd;
    const mention = hasCaret ? mentionAt(box.value, box.selectionStart) : null;
    const matches = mention ? fittingRegions(regions, mention.text) : [];
    if (!matches.length || isComplete(matches, mention.text)) return close();
    const before = open && open.matches[open.active];
    const active = Math.max(
      0,
      matches.findIndex((region) => before && region.number === before.number),
    );
    const isNew = !open;
    open = { start: mention.start, end: mention.end, matches, active };
    show(box);
    if (isNew) live.textContent = say(words.pickMany, { count: matches.length });
  }

  function optionOf(region, place) {
    const badge = make("span", { class: `osp-chip ${colorClass(region.number, props.colors)}` }, String(region.number));
    const option = make(
      "li",
      {
        role: "option",
        id: `osp-pop-${region.number}`,
        "aria-selected": String(place === open.active),
        "data-region": region.number,
      },
      thumbnailCopy(region.number), // may be null; then number and colour suffice
      badge,
      make("span", { class: "osp-pop-name" }, region.name || say(words.region, region)),
      make("span", { class: "osp-pop-note" }, region.percent),
    );
    option.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
    option.addEventListener("click", () => choose(place));
    option.addEventListener("pointermove", () => move(place));
    return option;
  }

  function show(box) {
    list.replaceChildren(...open.matches.map(optionOf));
    list.hidden = false;
    const bounds = box.getBoundingClientRect();
    const width = Math.min(300, window.innerWidth - 16);
    const isAbove = bounds.top > 250 || bounds.top > window.innerHeight - bounds.bottom;
    list.style.width = `${width}px`;
    list.style.left = `${Math.max(8, Math.min(bounds.left, window.innerWidth - width - 8))}px`;
    list.style.maxHeight = `${Math.min(280, (isAbove ? bounds.top : window.innerHeight - bounds.bottom) - 16)}px`;
    list.style.top = isAbove ? "auto" : `${bounds.bottom + 6}px`;
    list.style.bottom = isAbove ? `${window.innerHeight - bounds.top + 6}px` : "auto";
    for (const [name, value] of Object.entries(COMBOBOX)) box.setAttribute(name, value);
    markActive(box);
  }

  function markActive(box) {
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === open.active)));
    const active = list.children[open.active];
    box.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
    tell("osprey:hover", open.matches[open.active].number);
  }

  function move(place) {
    if (!open || open.active === place) return;
    open.active = (place + open.matches.length) % open.matches.length;
    markActive(questionBox());
  }

  function close() {
    if (!open) return;
    open = null;
    list.hidden = true;
    live.textContent = "";
    const box = questionBox();
    if (box) for (const name of [...Object.keys(COMBOBOX), "aria-activedescendant"]) box.removeAttribute(name);
    tell("osprey:hover", null);
  }

  function choose(place) {
    const mention = open;
    close();
    const { text, caret } = withMention(questionBox().value, mention, mention.matches[place].number);
    fillQuestion(text, caret);
    close(); // filling the box counts as typing and may have opened the list
  }

  const isInBox = (event) => event.target === questionBox();
  listen(document, "input", (event) => isInBox(event) && look());
  listen(document, "click", (event) => isInBox(event) && look());
  listen(document, "keyup", (event) => isInBox(event) && /^(Arrow(Left|Right)|Home|End)$/.test(event.key) && look());
  listen(document, "focusout", (event) => isInBox(event) && close());
  listen(window, "resize", () => close());
  // In the capture phase, before Gradio's listeners: Enter chooses a region while the list is open, else it asks.
  const onKey = (event) => {
    if (!open || !isInBox(event) || event.isComposing) return;
    if (event.key === "ArrowDown") move(open.active + 1);
    else if (event.key === "ArrowUp") move(open.active - 1);
    else if (event.key === "Enter" || event.key === "Tab") choose(open.active);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  listen(window, "keydown", onKey, true);

  listen(element, "click", (event) => {
    const text = event.target.dataset && event.target.dataset.fill;
    if (text) fillQuestion(text);
  });

  function receive() {
    regions = props.regions || [];
    tell(
      "osprey:regions",
      regions.map((region) => region.number),
    );
    if (open) look();
  }

  watch(["regions"], receive);
  receive();
}

// ARIA attributes of the question's box while the list is open.
const COMBOBOX = {
  role: "combobox",
  "aria-haspopup": "listbox",
  "aria-expanded": "true",
  "aria-controls": "osp-pop",
  "aria-autocomplete": "list",
};
