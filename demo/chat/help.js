// The help sheet: what to do and which keys do it, behind the button in the header and the key `?`. Gradio runs this
// text as a function of (element, trigger, props, server, upload, watch), with `elements.js` in front of it.

const listen = listener("help");

function keys(text) {
  return text.split(" ").map((key) => make("kbd", {}, key));
}

const sections = props.sections.map(([title, lines]) =>
  make(
    "section",
    {},
    make("h3", {}, title),
    make("dl", {}, ...lines.flatMap(([which, what]) => [make("dt", {}, ...keys(which)), make("dd", {}, what)])),
  ),
);
const shut = make("button", { type: "button", class: "osp-help-close", title: W.close, "aria-label": W.close, onclick: () => sheet.close() }, icon("close"));
const steps = make("ol", {}, ...props.steps.map((step) => make("li", {}, step)));
const sheet = make(
  "dialog",
  { class: "osp-help", id: "osp-help", "aria-labelledby": "osp-help-title" },
  make("header", {}, make("h2", { id: "osp-help-title" }, W.title), shut),
  steps,
  make("div", { class: "osp-help-keys" }, ...sections),
);
document.querySelectorAll("#osp-help").forEach((old) => old.remove());
(element.closest(".gradio-container") || document.body).append(sheet);

let from = null; // what had the focus
function open() {
  if (sheet.open) return;
  from = document.activeElement;
  sheet.showModal();
  sheet.scrollTop = 0;
}

sheet.addEventListener("close", () => from && from.isConnected && from.focus());
sheet.addEventListener("click", (event) => event.target === sheet && sheet.close()); // beside the sheet
sheet.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcut works behind it

listen(element, "click", (event) => event.target.closest(".osp-help-open") && open());
listen(window, "keydown", (event) => {
  if (event.key !== "?" || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  open();
});
