// A person's own questions as buttons, stored in this browser only.

import { keep, recall } from "../shared/browser_store.js";
import { component } from "../shared/component.js";
import { make, questionBox, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";

const MOST = 20;

// The questions in a stored JSON text. Its contents may be foreign: only texts of at most `longest` characters count.
export function questionsIn(stored, longest) {
  try {
    const values = JSON.parse(stored || "[]");
    return values.filter((text) => typeof text === "string" && text.trim() && text.length <= longest).slice(0, MOST);
  } catch {
    return [];
  }
}

export const shortened = (text) => (text.length > 34 ? `${text.slice(0, 32).trim()} …` : text);

export const mount = (host) => component("presets", host, mountPresets);

function mountPresets({ element, props, words, trigger, listen }) {
  const root = element.querySelector(".osp-own");
  let own = questionsIn(recall("questions"), props.longest);
  root.setAttribute("aria-label", words.all);

  const keepButton = make(
    "button",
    { type: "button", class: "osp-own-keep", title: words.keepTip, onclick: () => keepTyped() },
    icon("keep"),
    words.keep,
  );

  function change(questions) {
    own = questions;
    keep("questions", JSON.stringify(own));
    show();
  }

  function show() {
    const buttons = own.map((text, place) => {
      const ask = make(
        "button",
        { type: "button", class: "osp-own-ask", title: text, onclick: () => trigger("ask_own", { text }) },
        shortened(text),
      );
      const tip = say(words.forget, { text: shortened(text) });
      const remove = make(
        "button",
        {
          type: "button",
          class: "osp-own-forget",
          title: tip,
          "aria-label": tip,
          onclick: () => forget(place),
        },
        icon("close"),
      );
      return make("span", { class: "osp-own-one", role: "listitem" }, ask, remove);
    });
    root.replaceChildren(...buttons, keepButton);
    showKeep();
  }

  const typed = () => (questionBox() ? questionBox().value.trim() : "");

  function showKeep() {
    keepButton.hidden = !typed() || own.includes(typed()) || own.length >= MOST;
  }

  function keepTyped() {
    if (!typed() || own.includes(typed())) return;
    change([...own, typed()]);
    const questions = root.querySelectorAll(".osp-own-ask");
    questions[questions.length - 1].focus();
  }

  function forget(place) {
    change(own.filter((_, other) => other !== place));
    const rest = root.querySelectorAll(".osp-own-forget");
    if (rest.length) rest[Math.min(place, rest.length - 1)].focus();
    else if (questionBox()) questionBox().focus();
  }

  listen(document, "input", (event) => event.target === questionBox() && showKeep());
  // Gradio empties the box without an input event.
  listen(document, "click", () => setTimeout(showKeep, 400));
  listen(document, "keyup", (event) => event.key === "Enter" && setTimeout(showKeep, 400));
  listen(window, "storage", (event) => {
    if (event.key !== "osprey:questions") return;
    own = questionsIn(recall("questions"), props.longest);
    show();
  });
  show();
}
