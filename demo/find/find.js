// The search field in the browser: a phrase is sent to Python, the finds are lit on the canvas while the slider moves.

import { component, tell } from "../shared/component.js";
import { make, say } from "../shared/elements.js";
import { FIRST_THRESHOLD, foundAt, moreBelow } from "./steps.js";

export const mount = (host) => component("find", host, mountFind);

function mountFind({ element, props, words, trigger, watch, listen }) {
  const root = element.querySelector(".osp-find");
  let picture = null; // digest of the picture in front
  let isSearching = false;

  // ---- elements -----------------------------------------------------------------------------------------------------

  const phrase = make("input", {
    type: "search",
    placeholder: words.placeholder,
    "aria-label": words.title,
    maxlength: 100,
    enterkeyhint: "search",
  });
  const start = make("button", { type: "submit", class: "osp-find-start" }, words.find);
  const stop = make("button", { type: "button", hidden: true, onclick: () => trigger("stop_search", {}) }, words.stop);
  const form = make("form", { role: "search" }, phrase, start, stop);
  const slider = make("input", {
    type: "range",
    min: 5,
    max: 100,
    value: 100 * FIRST_THRESHOLD,
    "aria-label": words.threshold,
    title: words.thresholdTip,
  });
  const note = make("span", { class: "osp-find-note", role: "status" });
  const take = make("button", { type: "button", class: "osp-find-take" });
  const clear = make(
    "button",
    { type: "button", class: "osp-find-clear", "aria-label": words.clear, title: words.clear },
    "×",
  );
  const results = make("div", { class: "osp-find-results", hidden: true }, slider, note, take, clear);
  root.setAttribute("aria-label", words.title);
  root.replaceChildren(form, results);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!phrase.value.trim() || !picture) return;
    isSearching = true;
    show();
    trigger("search", { phrase: phrase.value, picture });
  });
  slider.addEventListener("input", () => show());
  take.addEventListener("click", () => {
    trigger("take_found", { search: props.found.id, threshold: threshold() });
    light([]);
    results.hidden = true;
  });
  clear.addEventListener("click", () => {
    phrase.value = "";
    light([]);
    results.hidden = true;
    phrase.focus();
  });

  // ---- showing ------------------------------------------------------------------------------------------------------

  const threshold = () => Number(slider.value) / 100;
  const isOfPicture = () => Boolean(props.found && props.found.id && props.found.picture === picture);

  function show() {
    root.hidden = !picture;
    start.hidden = isSearching;
    stop.hidden = !isSearching;
    const isDone = !isSearching && isOfPicture() && props.found.state === "complete";
    results.hidden = !isSearching && !isDone;
    slider.hidden = take.hidden = clear.hidden = !isDone || !props.found.steps.length;
    if (isSearching) note.textContent = words.searching;
    const indices = isDone ? foundAt(props.found.steps, threshold()) : [];
    if (isDone) {
      const more = moreBelow(props.found.steps, threshold());
      const told = indices.length ? say(words.count, { count: indices.length }) : words.nothing;
      note.textContent = more ? `${told} ${say(words.more, { count: more })}` : told;
      take.hidden = !indices.length;
      take.textContent = say(words.take, { count: indices.length });
    }
    light(indices);
  }

  function light(indices) {
    const items = new Map((isOfPicture() ? props.found.items : []).map((item) => [item.index, item]));
    tell(
      "osprey:found",
      indices.map((index) => items.get(index)),
    );
  }

  // ---- what comes from the canvas and from Python -------------------------------------------------------------------

  function receive() {
    isSearching = isOfPicture() && (props.found.state === "waiting" || props.found.state === "running");
    if (isOfPicture() && !isSearching && document.activeElement !== phrase) phrase.value = props.found.phrase;
    slider.value = 100 * FIRST_THRESHOLD;
    show();
  }

  listen(window, "osprey:scene", ({ detail }) => {
    if (detail.picture === picture) return;
    picture = detail.picture;
    phrase.value = isOfPicture() ? props.found.phrase : "";
    receive();
  });

  watch(["found"], receive);
  show();
  tell("osprey:who");
}
