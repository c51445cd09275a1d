// Small things that the scripts of several rooms use: elements, sentences, chips, the box of the question. Writes
// nobody's words as HTML: text goes in as text.

// A sentence of the catalogue with its {holes} filled.
export const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// An element. Attributes that begin with "on" are listeners; true is an empty attribute; false and null are none.
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

// The class that gives the color of a region; `colors` is how many there are before they begin again.
export const colorClass = (number, colors) => `osp-c${(number - 1) % colors}`;

// A region's number on its color. While the pointer or the focus is on a chip, the conversation lights the region.
export function chip(number, { words, colors }) {
  const tip = say(words.chip, { number });
  const look = `osp-chip ${colorClass(number, colors)}`;
  const attributes = { type: "button", class: look, "data-region": number, title: tip, "aria-label": tip };
  return make("button", attributes, String(number));
}

// A copy of the thumbnail that the list of regions shows, or null where there is none.
export function thumbnailCopy(number) {
  const there = document.querySelector(`#canvas [data-number="${number}"] canvas`);
  if (!there) return null;
  const copy = make("canvas", { width: there.width, height: there.height, "aria-hidden": "true" });
  copy.getContext("2d").drawImage(there, 0, 0);
  return copy;
}

// Whether the keys that are pressed there are letters of a text.
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export const questionBox = () => document.querySelector("#question textarea");

// Gradio learns what is in a text box by its input event. `caret` is the place of the caret, at first the end.
export function fillQuestion(text, caret = text.length) {
  const box = questionBox();
  if (!box) return;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  box.setSelectionRange(caret, caret);
}
