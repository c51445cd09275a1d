// The closer look in the browser: one tab for each kind of look, its controls and what came of it. Gradio runs this text
// as a function of (element, trigger, props, server, upload, watch), with `elements.js` in front of it. It knows neither
// pixels nor models: the canvas tells which regions there are, and what was found comes as one property for each kind.

const root = element.querySelector(".osp-closer");
const listen = listener("closer");
const TOP = 5; // labels of a region that are shown at once

let scene = { picture: null, selected: null, regions: [] };
let opened = null; // kind of the tab that is open
const looks = {}; // kind -> what Python sent last
const unfolded = new Set(); // "look id:number" of the lists of labels that are shown whole
const panels = {}; // kind -> {tab, body, start, stop, results, live}

// ---- controls -------------------------------------------------------------------------------------------------------

const labelled = (text, control, tip) => make("label", { class: "osp-field", title: tip }, make("span", {}, text), control);
const choice = (...names) => make("select", {}, ...names.map((name) => make("option", { value: name }, W[name])));

// What each kind asks for, as nodes, and how it is told to Python.
const forms = {
  labels() {
    const list = make("textarea", { rows: 3, placeholder: W.labelsExample, spellcheck: "false" });
    const [which, rank] = [choice("all", "selected"), choice("sum", "mean")];
    list.value = recall("labels");
    const fields = [labelled(W.labels, list), labelled(W.which, which), labelled(W.rank, rank, W.rankTip)];
    fields[0].classList.add("osp-wide");
    const read = () => {
      keep("labels", list.value);
      return { labels: list.value, which: which.value, rank_by: rank.value };
    };
    return { fields, read, go: W.judge };
  },
  without: () => questionForm(),
  models: () => questionForm(),
  samples() {
    const count = make("input", { type: "number", min: 2, max: props.most, step: 1, value: 4 });
    const temperature = make("input", { type: "number", min: 0.05, max: 2, step: 0.05, value: 0.8 });
    const form = questionForm();
    form.fields.push(labelled(W.count, count), labelled(W.temperature, temperature));
    return { ...form, read: () => ({ ...form.read(), count: count.value, temperature: temperature.value }) };
  },
  inside: () => ({ fields: [], read: () => ({}), go: W.look }),
};

function questionForm() {
  const box = make("input", { type: "text", placeholder: W.questionTip, maxlength: 4000 });
  const field = labelled(W.question, box, W.alone);
  field.classList.add("osp-wide");
  return { fields: [field], read: () => ({ question: box.value }), go: W.ask };
}

// A list of labels is long to type: the browser keeps the last one.
function keep(name, value) {
  try {
    localStorage.setItem(`osprey:${name}`, value);
  } catch {
    // A browser that keeps nothing may still be used.
  }
}

function recall(name) {
  try {
    return localStorage.getItem(`osprey:${name}`) || "";
  } catch {
    return "";
  }
}

function panelOf(kind) {
  const form = forms[kind]();
  const begin = () => trigger("begin_look", { kind, ...form.read() });
  const start = make("button", { type: "button", class: "osp-go", onclick: begin }, form.go);
  const stop = make("button", { type: "button", class: "osp-quiet", hidden: true, onclick: () => trigger("stop_look", { kind }) }, W.stop);
  const live = make("span", { class: "osp-unseen", role: "status" });
  const results = make("div", { class: `osp-found osp-found-${kind}` });
  const id = `osp-closer-${kind}`;
  const controls = make("div", { class: "osp-form" }, ...form.fields, make("div", { class: "osp-buttons" }, start, stop));
  const missing = kind === "models" && !props.compares;
  const how = missing
    ? make("p", { class: "osp-intro osp-missing" }, `${W.oneModel} `, make("code", {}, W.oneModelCommand))
    : make("p", { class: "osp-intro" }, W.intros[kind]);
  const body = make("div", { role: "tabpanel", id, "aria-labelledby": `${id}-tab`, hidden: true }, how, ...(missing ? [] : [controls, live, results]));
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT" || start.hidden) return;
    event.preventDefault();
    begin();
  });
  const tab = make(
    "button",
    { type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id, "aria-selected": "false", "data-kind": kind, onclick: () => open(opened === kind ? null : kind) },
    W.tabs[kind],
  );
  return { tab, body, start, stop, results, live, shown: "" };
}

// In another language the panel is made anew: what was typed and which tab is open stay.
const typed = [...root.querySelectorAll("input, textarea, select")].map((control) => control.value);
const tabBefore = root.querySelector('[role="tab"][aria-selected="true"]');
for (const kind of props.kinds) panels[kind] = panelOf(kind);
const all = Object.values(panels);
const close = make("button", { type: "button", class: "osp-closer-close", title: W.close, "aria-label": W.close, hidden: true, onclick: () => open(null) }, icon("close"));
const tabs = make("div", { role: "tablist", class: "osp-tabs", "aria-label": W.title }, ...all.map((panel) => panel.tab));
root.setAttribute("aria-label", W.title);
const bodies = all.map((panel) => panel.body);
root.replaceChildren(make("div", { class: "osp-closer-bar" }, make("h2", {}, W.title), tabs, close), ...bodies);
[...root.querySelectorAll("input, textarea, select")].forEach((control, place) => typed[place] && (control.value = typed[place]));

tabs.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const place = all.findIndex((panel) => panel.tab === document.activeElement);
  all[(place + step + all.length) % all.length].tab.focus();
});

function open(kind) {
  const before = opened;
  opened = kind;
  for (const [name, panel] of Object.entries(panels)) {
    panel.body.hidden = name !== kind;
    panel.tab.setAttribute("aria-selected", String(name === kind));
  }
  close.hidden = !kind;
  root.classList.toggle("osp-open", Boolean(kind));
  if (kind) root.scrollIntoView({ block: "nearest" });
  else if (before) panels[before].tab.focus();
}

// ---- what came of it ------------------------------------------------------------------------------------------------

const busy = (look) => look.state === "waiting" || look.state === "running";
const drawn = (piece) => (typeof piece === "number" ? chip(piece) : document.createTextNode(piece));
const written = (pieces) => pieces.map((piece) => (typeof piece === "number" ? `@${piece}` : piece)).join("").trim();
const percentOf = (share) => (share > 0 && share < 0.001 ? "<0.1 %" : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`);
const note = (text, look = "osp-faint") => make("p", { class: look }, text);

// Whether the region is still as it was when it was looked at.
function fate({ number, key }) {
  const region = scene.regions.find((each) => each.number === number);
  return !region ? W.gone : region.key !== key ? W.old : "";
}

function heading(asked) {
  const region = scene.regions.find((each) => each.number === asked.number);
  const there = document.querySelector(`#canvas [data-number="${asked.number}"] canvas`);
  let copy = null;
  if (there) {
    copy = make("canvas", { width: there.width, height: there.height, "aria-hidden": "true" });
    copy.getContext("2d").drawImage(there, 0, 0);
  }
  const name = make("span", { class: "osp-name" }, (region && region.name) || "");
  return make("div", { class: "osp-card-head" }, copy, chip(asked.number), name, make("span", { class: "osp-fate" }, fate(asked)));
}

function labelCard(look, asked, part) {
  const card = make("article", { class: "osp-judged", "data-region-judged": asked.number }, heading(asked));
  if (!part) {
    card.append(note(busy(look) ? W.waiting : W.stopped));
    return card;
  }
  const id = `${look.id}:${asked.number}`;
  const whole = unfolded.has(id);
  const bars = part.labels.slice(0, whole ? part.labels.length : TOP).map((one) => {
    const bar = make("span", { class: "osp-bar" }, make("i", { style: `width: ${(one.share * 100).toFixed(2)}%` }));
    const title = say(W.logTip, { value: one.log });
    return make("li", { title }, make("span", { class: "osp-bar-label" }, one.label), bar, make("span", { class: "osp-bar-share" }, percentOf(one.share)));
  });
  if (part.unsure) {
    const why = [part.off && W.offList, part.close && W.closeCall].filter(Boolean).join("; ");
    card.append(make("p", { class: "osp-unsure" }, make("strong", {}, W.unsure), ` ${why}`));
  }
  card.append(make("ol", { class: "osp-bars" }, ...bars));
  const rest = part.labels.length - TOP;
  const foot = make("div", { class: "osp-card-foot" }, make("span", {}, say(W.onList, { percent: percentOf(part.onList) })));
  if (rest > 0 && !whole) {
    const more = () => {
      unfolded.add(id);
      show("labels", true);
    };
    foot.append(make("button", { type: "button", class: "osp-link", onclick: more }, say(W.moreLabels, { count: rest })));
  }
  card.append(foot);
  return card;
}

function titleOf(part, place) {
  if (part.how === "model") return [part.model, ""];
  if (part.how === "sample") return [say(W.sample, { number: place + 1 }), say(W.seed, { seed: part.seed })];
  return [W.how[part.how], W.howTips[part.how]];
}

// A sentence on an answer that another one has said before it.
function sameAs(parts, place) {
  const text = (part) => written(part.answer).toLowerCase();
  if (!place || !parts[place].done || parts[place].how === "model") return "";
  const first = parts.findIndex((part) => part.done && text(part) === text(parts[place]));
  if (first < 0 || first >= place) return "";
  return parts[place].how === "sample" ? say(W.sameSample, { number: first + 1 }) : first === 0 ? W.same : "";
}

function answerCard(look, place) {
  const part = look.parts[place];
  const [title, tip] = titleOf(part, place);
  const current = busy(look) && look.parts.findIndex((each) => !each.done) === place;
  const text = make("p", { class: "osp-said" }, ...part.answer.map(drawn));
  if (current && part.answer.length) text.append(make("span", { class: "osp-caret" }));
  if (!part.answer.length) text.append(make("span", { class: "osp-note" }, part.done ? W.nothing : current ? W.waiting : busy(look) ? "…" : W.stopped));
  const same = sameAs(look.parts, place);
  return make(
    "article",
    { class: `osp-answer osp-how-${part.how}`, "aria-label": title },
    make("h3", {}, title, tip ? make("small", {}, ` ${tip}`) : null),
    text,
    // What is there is what a region is for; only its place, or nothing of it, should not do.
    same ? note(same, part.how === "sample" || part.how === "what" ? "osp-faint" : "osp-unsure") : null,
  );
}

function verdict(look) {
  const [first] = look.parts;
  if (busy(look) || !look.parts.length || !look.parts.every((part) => part.done)) return "";
  const different = new Set(look.parts.map((part) => written(part.answer).toLowerCase())).size;
  const count = look.parts.length;
  if (first.how === "model") return different === 1 ? W.modelsAgree : "";
  if (first.how !== "sample") return "";
  return different === 1 ? say(W.agreeAll, { count }) : say(W.agree, { different, count });
}

// Under the pointer, all maps tell what they hold there.
function spotUnder(event) {
  const image = event.target.closest("img");
  if (!image || !image.naturalWidth) return null;
  const box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  const spot = [(event.clientX - box.left) / (image.naturalWidth * scale), (event.clientY - box.top) / (image.naturalHeight * scale)];
  return spot.every((share) => share >= 0 && share < 1) ? spot : null;
}

function mapFigure(look, part, tellers) {
  const [width, height] = part.size;
  const title = say(W.level, { level: part.level, look: W.levels[part.level] || "", width, height });
  const alt = say(W.map, { number: look.asked[0].number, level: part.level });
  const here = make("b", { class: "osp-here" });
  const scale = make("div", { class: "osp-scale" }, make("span", {}, part.low.toFixed(2)), make("i", { style: `background: linear-gradient(90deg, ${props.heat.join(", ")})` }, here), make("span", {}, part.high.toFixed(2)));
  const values = Int8Array.from(atob(part.values), (letter) => letter.charCodeAt(0));
  // `spot`: shares of the picture's width and height, or null.
  const tell = (spot) => {
    here.hidden = !spot;
    if (!spot) return;
    const [column, row] = [Math.floor(spot[0] * width), Math.floor(spot[1] * height)];
    const value = values[row * width + column] / 100;
    here.textContent = value.toFixed(2);
    here.style.left = `${100 * Math.min(1, Math.max(0, (value - part.low) / (part.high - part.low || 1)))}%`;
  };
  tell(null);
  tellers.push(tell);
  return make("figure", {}, make("img", { src: part.url, alt }), make("figcaption", {}, title), part.seen ? scale : note(W.unseen, "osp-unsure"));
}

const results = {
  labels: (look) => look.asked.map((asked, place) => labelCard(look, asked, look.parts[place])),
  inside(look) {
    const head = heading(look.asked[0]);
    if (!look.parts.length) return [head, note(busy(look) ? W.waiting : W.stopped)];
    const tellers = [];
    const maps = make("div", { class: "osp-maps" }, ...look.parts.map((part) => mapFigure(look, part, tellers)));
    maps.addEventListener("pointermove", (event) => tellers.forEach((tell) => tell(spotUnder(event))));
    maps.addEventListener("pointerleave", () => tellers.forEach((tell) => tell(null)));
    return [head, maps, note(W.scale)];
  },
};
for (const kind of ["without", "samples", "models"])
  results[kind] = (look) => {
    const gone = look.asked.map(fate).filter(Boolean)[0] || "";
    const asked = look.question.some((piece) => typeof piece === "number") ? [] : [chip(look.asked[0].number), " "];
    const line = make("p", { class: "osp-asked" }, ...asked, ...look.question.map(drawn), make("span", { class: "osp-fate" }, gone));
    const said = verdict(look);
    const cards = look.parts.map((_, place) => answerCard(look, place));
    return [line, make("div", { class: "osp-answers" }, ...cards), ...(said ? [note(said, "osp-verdict")] : [])];
  };

// Draws a tab's findings, unless what is there is the same.
function show(kind, anew) {
  const panel = panels[kind];
  const sent = looks[kind];
  const look = sent && sent.picture === scene.picture ? sent : null;
  const running = Boolean(look && busy(look));
  panel.start.hidden = running;
  panel.stop.hidden = !running;
  const names = look && look.asked.map((asked) => [fate(asked), (scene.regions.find((each) => each.number === asked.number) || {}).name]);
  const key = look ? JSON.stringify([look, names]) : "";
  if (panel.shown === key && !anew) return;
  const ended = look && !running && panel.live.dataset.look !== String(look.id);
  panel.shown = key;
  panel.results.replaceChildren(...(look ? results[kind](look) : []));
  panel.results.setAttribute("aria-busy", String(running));
  if (ended) {
    panel.live.dataset.look = String(look.id);
    panel.live.textContent = look.state === "complete" ? say(W.announced, { title: W.tabs[kind] }) : W.stopped;
  } else if (running) panel.live.textContent = W.waiting;
}

const showAll = () => props.kinds.forEach((kind) => show(kind));

function receive() {
  for (const kind of props.kinds) looks[kind] = props[`look_${kind}`];
  showAll();
}

listen(window, "osprey:scene", (event) => {
  const before = scene.picture;
  scene = event.detail;
  root.hidden = !scene.picture;
  if (scene.picture !== before) unfolded.clear();
  showAll();
});

if (tabBefore) open(tabBefore.dataset.kind);
watch(props.kinds.map((kind) => `look_${kind}`), receive);
receive();
window.dispatchEvent(new CustomEvent("osprey:who"));
