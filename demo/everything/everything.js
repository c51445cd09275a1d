// Everything in the picture as a table, in the browser: what the canvas found, and what the model says of it. Gradio
// runs this text as a function of (element, trigger, props, server, upload, watch), with `elements.js` in front of
// it. It knows no masks: the canvas sends it rows, and is told which one the pointer is on.

const root = element.querySelector(".osp-all");
const listen = listener("everything");

let rows = [];
let captions = null;
let order = { by: "index", down: false };
const texts = new Map(); // place -> words
const nodes = new Map(); // place -> table row, kept while it is shown so that focus and scroll stay

const style = make("select", { "aria-label": W.style }, ...["short", "category", "detailed"].map((name) => make("option", { value: name }, W[name])));
const start = make("button", { type: "button", class: "osp-describe", onclick: () => trigger("describe_all", { style: style.value }) }, W.describe);
const stop = make("button", { type: "button", class: "osp-quiet", onclick: () => trigger("stop_describing", {}) }, W.stop);
const bar = make("progress", { max: 1, value: 0 });
const note = make("span", { class: "osp-all-note", role: "status" });
const filter = make("input", { type: "search", placeholder: W.filter, "aria-label": W.filter, oninput: () => show() });
const body = make("tbody", {});
const none = make("p", { class: "osp-all-waiting" }, W.none);
const heads = [["index", W.thing, ""], ["text", W.caption, ""], ["score", W.score, "osp-number osp-score"], ["area", W.area, "osp-number"]].map(([by, label, look]) => {
  const sort = make("button", { type: "button", title: by === "score" ? W.scoreTip : label }, label);
  sort.addEventListener("click", () => {
    order = { by, down: order.by === by ? !order.down : by === "area" || by === "score" };
    show();
  });
  const head = make("th", { class: look, scope: "col", "data-by": by }, sort);
  return head;
});
const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
root.setAttribute("aria-label", W.title);
root.replaceChildren(
  make("div", { class: "osp-all-bar" }, make("h2", {}, W.title), style, start, stop, bar, note, filter),
  make("div", { class: "osp-all-scroll" }, table, none),
);

const light = (index) => window.dispatchEvent(new CustomEvent("osprey:segment", { detail: index }));

function rowOf(row) {
  const take = make("button", { type: "button", onclick: () => trigger("take_row", { index: row.index, picture: row.picture }), onfocus: () => light(row.index), onblur: () => light(null) });
  const node = make(
    "tr",
    { "data-index": row.index, onpointerenter: () => light(row.index), onpointerleave: () => light(null) },
    make("td", {}, row.thumbnail()),
    make("td", {}, take),
    make("td", { class: "osp-number osp-score" }, row.score.toFixed(2)),
    make("td", { class: "osp-number" }, row.percent),
  );
  return { node, take };
}

function show() {
  root.hidden = !rows.length;
  const running = Boolean(captions && captions.state === "running");
  const [done, total] = captions ? [captions.rows.length, captions.total] : [0, 0];
  start.hidden = running;
  start.textContent = captions ? W.again : W.describe;
  stop.hidden = bar.hidden = !running;
  bar.value = total ? done / total : 0;
  note.textContent = running ? say(W.progress, { done, total }) : captions && captions.state === "stopped" ? say(W.stopped, { done, total }) : "";
  const wanted = filter.value.trim().toLowerCase();
  const kept = rows.filter((row) => !wanted || (texts.get(row.index) || "").toLowerCase().includes(wanted));
  const value = (row) => (order.by === "text" ? texts.get(row.index) || "\uffff" : row[order.by]);
  kept.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    const sign = typeof a === "string" ? a.localeCompare(b) : a - b;
    return (order.down ? -sign : sign) || one.index - other.index;
  });
  for (const head of heads)
    head.setAttribute("aria-sort", head.dataset.by !== order.by ? "none" : order.down ? "descending" : "ascending");
  const shown = kept.map((row) => {
    if (!nodes.has(row.index)) nodes.set(row.index, rowOf(row));
    const { node, take } = nodes.get(row.index);
    const text = texts.get(row.index);
    take.textContent = text || "…";
    take.classList.toggle("osp-all-waiting", !text);
    take.setAttribute("aria-label", say(W.take, { text: text || `${row.index + 1}` }));
    return node;
  });
  if (shown.some((node, place) => body.children[place] !== node) || body.children.length !== shown.length) body.replaceChildren(...shown);
  none.hidden = Boolean(shown.length) || !rows.length;
}

listen(window, "osprey:segments", (event) => {
  rows = event.detail;
  nodes.clear();
  texts.clear();
  captions = null;
  filter.value = "";
  order = { by: "index", down: false };
  // The canvas may tell again what it has told, as it does when the language changes.
  if (rows.length && props.captions && props.captions.picture === rows[0].picture) receive();
  else show();
});

// Written as keys, not as quoted names: Gradio takes quoted words in this text for names of events.
watch(Object.keys({ captions: 0 }), receive);
function receive() {
  captions = props.captions && props.captions.rows ? props.captions : null;
  texts.clear();
  for (const [index, text] of captions ? captions.rows : []) texts.set(index, text);
  window.dispatchEvent(new CustomEvent("osprey:captions", { detail: captions })); // the canvas writes them on the picture
  show();
}
show();
window.dispatchEvent(new CustomEvent("osprey:which"));
