// The help sheet with the first steps and the keyboard shortcuts; opened by the button in the header or the key `?`.

import { isTyping, make } from "../shared/elements.js";
import { icon } from "../shared/icons.js";

const keyCaps = (keys) => keys.split(" ").map((key) => make("kbd", {}, key));

export function mountHelp({ element, props, words, listen }) {
  const sheet = createSheet(props, words);
  document.querySelectorAll("#osp-help").forEach((old) => old.remove());
  (element.closest(".gradio-container") || document.body).append(sheet);

  let focusedBefore = null;
  function open() {
    if (sheet.open) return;
    focusedBefore = document.activeElement;
    sheet.showModal();
    sheet.scrollTop = 0;
  }

  sheet.addEventListener("close", () => focusedBefore && focusedBefore.isConnected && focusedBefore.focus());
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close()); // on the backdrop
  sheet.addEventListener("keydown", (event) => event.stopPropagation()); // shortcuts of the page are off

  listen(element, "click", (event) => event.target.closest(".osp-help-open") && open());
  listen(window, "keydown", (event) => {
    if (event.key !== "?" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    open();
  });
}

function createSheet({ sections, steps }, words) {
  const lines = (rows) => rows.flatMap(([keys, what]) => [make("dt", {}, ...keyCaps(keys)), make("dd", {}, what)]);
  const tables = sections.map(([title, rows]) =>
    make("section", {}, make("h3", {}, title), make("dl", {}, ...lines(rows))),
  );
  const shut = make(
    "button",
    { type: "button", class: "osp-help-close", title: words.close, "aria-label": words.close },
    icon("close"),
  );
  const sheet = make(
    "dialog",
    { class: "osp-help", id: "osp-help", "aria-labelledby": "osp-help-title" },
    make("header", {}, make("h2", { id: "osp-help-title" }, words.title), shut),
    make("ol", {}, ...steps.map((step) => make("li", {}, step))),
    make("div", { class: "osp-help-keys" }, ...tables),
  );
  shut.addEventListener("click", () => sheet.close());
  return sheet;
}
