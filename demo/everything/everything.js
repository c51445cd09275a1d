// The table of segments in the browser, with the model's captions. The canvas sends it rows without masks, and gets the
// index of the row under the pointer.

import { recall } from "../shared/browser_store.js";
import { component, tell } from "../shared/component.js";
import { make, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { FIRST_ORDER, orderAfterClick, progressOf, shortName, shownRows, wantedOf } from "./rows.js";

export const mount = (host) => component("everything", host, mountTable);

function mountTable({ element, props, words, trigger, watch, listen }) {
  const root = element.querySelector(".osp-all");
  const state = {
    rows: [],
    // The captions from Python: {picture, state, total, rows: [[index, text]…], confidences, model,
    // second: {model, rows, failures: [[index, sentence]…]}, or null if no second model was asked}.
    captions: null,
    texts: new Map(), // index -> description
    others: new Map(), // index -> description by the second model
    failures: new Map(), // index -> why the second model could not describe it
    confidences: new Map(), // index -> how sure the name in it is: {short, line, isUnsure}
    order: FIRST_ORDER,
    nodes: new Map(), // index -> nodes of the row; they are kept so that focus and scroll position stay
  };

  // ---- elements -----------------------------------------------------------------------------------------------------

  const styles = props.names_only ? ["category"] : ["short", "category", "detailed"];
  const style = make(
    "select",
    { "aria-label": words.style },
    ...styles.map((name) => make("option", { value: name }, words[name])),
  );
  const start = make("button", { type: "button", class: "osp-describe" }, words.describe);
  // Classes of a vocabulary, by the CLIP: each choice of them has the vocabulary's name behind a colon.
  if (props.vocabularies.length) {
    const named = [...props.vocabularies, ["own", words.own]];
    const group = named.map(([name, title]) => make("option", { value: `:${name}` }, title));
    style.append(make("optgroup", { label: words.vocabularies }, ...group));
  }
  const describe = () => trigger("describe_all", wantedOf(style.value, recall("labels") || ""));
  start.addEventListener("click", describe);
  const fold = make("button", {
    type: "button",
    class: "osp-quiet osp-fold",
    title: words.fold,
    "aria-label": words.fold,
  });
  fold.append(icon("down"));
  fold.addEventListener("click", () => {
    const isFolded = root.classList.toggle("osp-folded");
    fold.setAttribute("aria-expanded", String(!isFolded));
  });
  fold.setAttribute("aria-expanded", String(!root.classList.contains("osp-folded")));
  const stop = make("button", { type: "button", class: "osp-quiet" }, words.stop);
  stop.addEventListener("click", () => trigger("stop_describing", {}));
  const bar = make("progress", { max: 1, value: 0 });
  const note = make("span", { class: "osp-all-note", role: "status" });
  const filter = make("input", { type: "search", placeholder: words.filter, "aria-label": words.filter });
  filter.addEventListener("input", () => show());
  const body = make("tbody", {});
  const none = make("p", { class: "osp-all-waiting" }, words.none);
  const heads = [
    ["index", words.thing, ""],
    ["text", words.caption, ""],
    ["second", "", "osp-second"],
    ["score", words.score, "osp-number osp-score"],
    ["area", words.area, "osp-number"],
  ].map(([by, label, look]) => {
    const sort = make("button", { type: "button", title: by === "score" ? words.scoreTip : label }, label);
    sort.addEventListener("click", () => {
      state.order = orderAfterClick(state.order, by);
      show();
    });
    return make("th", { class: look, scope: "col", "data-by": by }, sort);
  });
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
  root.setAttribute("aria-label", words.title);
  root.replaceChildren(
    make("div", { class: "osp-all-bar" }, make("h2", {}, words.title), style, start, stop, bar, note, filter, fold),
    make("div", { class: "osp-all-scroll" }, table, none),
  );

  // ---- showing ------------------------------------------------------------------------------------------------------

  const light = (index) => tell("osprey:segment", index);

  function createRow(row) {
    const confidence = make("span", { class: "osp-confidence" });
    const other = make("td", { class: "osp-second" });
    const take = make("button", { type: "button", onfocus: () => light(row.index), onblur: () => light(null) });
    take.addEventListener("click", () => trigger("take_row", { index: row.index, picture: row.picture }));
    const node = make(
      "tr",
      { "data-index": row.index, onpointerenter: () => light(row.index), onpointerleave: () => light(null) },
      make("td", {}, row.thumbnail()),
      make("td", {}, take, confidence),
      other,
      make("td", { class: "osp-number osp-score" }, row.score.toFixed(2)),
      make("td", { class: "osp-number" }, row.percent),
    );
    return { node, take, confidence, other };
  }

  function show() {
    const { rows, captions, texts, others, order, nodes } = state;
    root.hidden = !rows.length;
    showProgress(captions);
    showModels(captions);
    for (const head of heads) {
      const direction = order.isDescending ? "descending" : "ascending";
      head.setAttribute("aria-sort", head.dataset.by === order.by ? direction : "none");
    }
    const shown = shownRows(rows, texts, order, filter.value, others).map((row) => {
      if (!nodes.has(row.index)) nodes.set(row.index, createRow(row));
      const { node, take, confidence, other } = nodes.get(row.index);
      const text = texts.get(row.index);
      take.textContent = text || "…";
      take.classList.toggle("osp-all-waiting", !text);
      showConfidence(confidence, state.confidences.get(row.index));
      showOther(other, row.index);
      take.setAttribute("aria-label", say(words.take, { text: text || `${row.index + 1}` }));
      return node;
    });
    const isSame = body.children.length === shown.length && shown.every((node, place) => body.children[place] === node);
    if (!isSame) body.replaceChildren(...shown);
    none.hidden = Boolean(shown.length) || !rows.length;
  }

  // The second model's description of a segment, or why it has none.
  function showOther(node, index) {
    const reason = state.failures.get(index);
    const text = reason || state.others.get(index);
    const isRunning = Boolean(state.captions && state.captions.state === "running");
    node.textContent = text || (isRunning ? "…" : "–");
    node.classList.toggle("osp-all-waiting", !text);
    node.classList.toggle("osp-failed", Boolean(reason));
  }

  // With two models, each column of descriptions has its model's name for a head.
  function showModels(captions) {
    const second = captions && captions.second;
    table.classList.toggle("osp-two", Boolean(second));
    const names = { text: second ? captions.model : "", second: second ? second.model : "" };
    for (const head of heads.filter(({ dataset }) => dataset.by in names)) {
      const name = names[head.dataset.by];
      const button = head.firstChild;
      button.textContent = shortName(name) || words.caption;
      button.title = name || words.caption;
    }
  }

  function showConfidence(node, confidence) {
    node.hidden = !confidence;
    node.textContent = confidence ? (confidence.isUnsure ? confidence.line : confidence.short) : "";
    node.title = confidence ? `${confidence.line} – ${words.confidenceTip}` : "";
    node.classList.toggle("osp-unsure", Boolean(confidence && confidence.isUnsure));
  }

  function showProgress(captions) {
    const isRunning = Boolean(captions && captions.state === "running");
    const { done, total } = progressOf(captions);
    start.hidden = isRunning;
    start.textContent = captions ? words.again : words.describe;
    stop.hidden = bar.hidden = !isRunning;
    bar.value = total ? done / total : 0;
    if (isRunning && captions.preparing) note.textContent = preparingOf(captions.preparing);
    else if (isRunning) note.textContent = say(words.progress, { done, total });
    else if (captions && captions.state === "stopped") note.textContent = say(words.stopped, { done, total });
    else note.textContent = "";
  }

  const preparingOf = ([done, total]) => say(words.preparing, { percent: Math.floor((100 * done) / total) });

  // ---- what comes from the canvas and from Python -------------------------------------------------------------------

  listen(window, "osprey:segments", (event) => {
    state.rows = event.detail;
    state.nodes.clear();
    for (const each of [state.texts, state.others, state.failures, state.confidences]) each.clear();
    state.captions = null;
    state.order = FIRST_ORDER;
    filter.value = "";
    // After a change of language the canvas sends the same segments again: their descriptions are still valid.
    if (state.rows.length && props.captions && props.captions.picture === state.rows[0].picture) receive();
    else show();
  });

  function receive() {
    state.captions = props.captions && props.captions.rows ? props.captions : null;
    state.texts = new Map(state.captions ? state.captions.rows : []);
    state.confidences = new Map(state.captions ? state.captions.confidences : []);
    const second = state.captions && state.captions.second;
    state.others = new Map(second ? second.rows : []);
    state.failures = new Map(second ? second.failures : []);
    tell("osprey:captions", state.captions); // the canvas draws them on the picture
    show();
  }

  listen(window, "osprey:describe", () => {
    root.classList.remove("osp-folded");
    if (!start.hidden) describe();
    root.scrollIntoView({ block: "nearest" });
  });
  watch(["captions"], receive);
  show();
  tell("osprey:which");
}
