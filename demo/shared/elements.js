// Helpers for the scripts of several components: elements, sentences, chips, the question's box. Text is always
// inserted as text, never as HTML.

// A sentence of the catalogue with its {placeholders} filled in.
export const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// An element. Attributes that begin with "on" are listeners; true is an empty attribute; false and null are left out.
export function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// The class that gives the color of a region; `colors` is the number of colors in the palette.
export const colorClass = (number, colors) => `osp-c${(number - 1) % colors}`;

// A region's number on its color. While the pointer or the focus is on a chip, the conversation lights the region.
export function chip(number, { words, colors }) {
  const tip = say(words.chip, { number });
  const look = `osp-chip ${colorClass(number, colors)}`;
  const attributes = { type: "button", class: look, "data-region": number, title: tip, "aria-label": tip };
  return make("button", attributes, String(number));
}

// A copy of the region's thumbnail in the list of regions, or null if there is none.
export function thumbnailCopy(number) {
  const thumbnail = document.querySelector(`#canvas [data-number="${number}"] canvas`);
  if (!thumbnail) return null;
  const copy = make("canvas", { width: thumbnail.width, height: thumbnail.height, "aria-hidden": "true" });
  copy.getContext("2d").drawImage(thumbnail, 0, 0);
  return copy;
}

// Whether the page has one column, as on a phone that is held upright; as in the style sheets.
export const isNarrow = () =>
  window.matchMedia("(max-width: 900px) and (min-height: 501px), (max-width: 639px)").matches;

// Whether fingers are what points at things.
export const isTouch = () => window.matchMedia("(pointer: coarse)").matches;

// Whether keys pressed at this target type text.
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export const questionBox = () => document.querySelector("#question textarea");

// Writes a text into the question's box; the input event tells Gradio. `caret` is the caret's position, by default the
// end.
export function fillQuestion(text, caret = text.length) {
  const box = questionBox();
  if (!box) return;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  box.setSelectionRange(caret, caret);
}
