// What the scripts of the page share: making elements, icons and chips. It is put in front of each of them, so `props` is
// that of the component whose script follows. It writes nobody's words as HTML: text goes in as text.

const W = props.words;
const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// A script adds its own.
const ICONS = {
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  done: "M5 12.500l4.500 4.500L19 7.500",
  edit: "M4 20l1-4.500L15.500 5l3.500 3.500L8.500 19zM13.500 7l3.500 3.500",
  like: "M7 20H4v-9h3zM7 11l4-7.500c1.500 0 2.500 1 2.200 2.700L12.500 10h6c1.200 0 2 1 1.700 2.200l-1.500 6.300c-.2.900-1 1.500-1.900 1.500H7",
  dislike: "M7 4H4v9h3zM7 13l4 7.500c1.500 0 2.500-1 2.200-2.700L12.500 14h6c1.200 0 2-1 1.700-2.200l-1.500-6.300C18.500 4.600 17.700 4 16.800 4H7",
  info: "M12 3.500a8.500 8.500 0 100 17 8.500 8.500 0 100-17M12 11v5.500M12 7.600v.1",
  down: "M12 5v13M6.500 12.500L12 18l5.500-5.500",
  keep: "M12 5v14M5 12h14",
  close: "M6.500 6.500l11 11M17.500 6.500l-11 11",
};

function icon(name) {
  const holder = make("span", { class: "osp-glyph", "aria-hidden": "true" });
  holder.innerHTML = `<svg viewBox="0 0 24 24"><path d="${ICONS[name]}"/></svg>`;
  return holder;
}

// A region's number on its colour; `chat.js` lights the region while the pointer or the focus is on a chip.
function chip(number) {
  const tip = say(W.chip, { number });
  const look = `osp-chip osp-c${(number - 1) % props.colors}`;
  return make("button", { type: "button", class: look, "data-region": number, title: tip, "aria-label": tip }, String(number));
}

// Whether the keys that are pressed there are letters of a text.
const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const questionBox = () => document.querySelector("#question textarea");

// Gradio learns what is in a text box by its input event.
function fillQuestion(text, caret) {
  const box = questionBox();
  if (!box) return;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  const at = caret == null ? text.length : caret;
  box.setSelectionRange(at, at);
}

// Listeners outside the component go when the component is mounted anew.
function listener(name) {
  const all = (window.ospreyListeners = window.ospreyListeners || {});
  if (all[name]) all[name].abort();
  const life = (all[name] = new AbortController());
  return (target, kind, handler, capture) =>
    target.addEventListener(kind, handler, { signal: life.signal, capture: Boolean(capture) });
}
