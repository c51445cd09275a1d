// A person's own questions as buttons, kept in this browser only. Gradio runs this text as a function of
// (element, trigger, props, server, upload, watch), with `elements.js` in front of it.

const KEY = "osprey:questions";
const MOST = 20;
const root = element.querySelector(".osp-own");
const listen = listener("presets");
root.setAttribute("aria-label", W.all);

// Whatever else may have written there: only texts of a sane length count.
function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) || "[]");
    return found.filter((text) => typeof text === "string" && text.trim() && text.length <= props.longest).slice(0, MOST);
  } catch {
    return [];
  }
}

// In a private window there may be no store; then they live as long as the page.
let own = read();
function write(questions) {
  own = questions;
  try {
    localStorage.setItem(KEY, JSON.stringify(own));
  } catch {
    /* kept in `own` */
  }
  show();
}

const short = (text) => (text.length > 34 ? `${text.slice(0, 32).trim()} …` : text);

const keep = make("button", { type: "button", class: "osp-own-keep", title: W.keepTip, onclick: () => keepTyped() }, icon("keep"), W.keep);

function show() {
  const buttons = own.map((text, place) => {
    const ask = make("button", { type: "button", class: "osp-own-ask", title: text, onclick: () => trigger("ask_own", { text }) }, short(text));
    const tip = say(W.forget, { text: short(text) });
    const remove = make("button", { type: "button", class: "osp-own-forget", title: tip, "aria-label": tip, onclick: () => forget(place) }, icon("close"));
    return make("span", { class: "osp-own-one", role: "listitem" }, ask, remove);
  });
  root.replaceChildren(...buttons, keep);
  showKeep();
}

const typed = () => (questionBox() ? questionBox().value.trim() : "");
function showKeep() {
  keep.hidden = !typed() || own.includes(typed()) || own.length >= MOST;
}

function keepTyped() {
  if (!typed() || own.includes(typed())) return;
  write([...own, typed()]);
  const added = root.querySelectorAll(".osp-own-ask");
  added[added.length - 1].focus();
}

function forget(place) {
  write(own.filter((_, other) => other !== place));
  const rest = root.querySelectorAll(".osp-own-forget");
  if (rest.length) rest[Math.min(place, rest.length - 1)].focus();
  else if (questionBox()) questionBox().focus();
}

listen(document, "input", (event) => event.target === questionBox() && showKeep());
// Gradio empties the box without an input event.
listen(document, "click", () => setTimeout(showKeep, 400));
listen(document, "keyup", (event) => event.key === "Enter" && setTimeout(showKeep, 400));
listen(window, "storage", (event) => {
  if (event.key !== KEY) return;
  own = read();
  show();
});
show();
