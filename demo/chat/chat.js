// The conversation in the browser: draws questions and answers, and what can be done with each of them. Gradio runs
// this text as a function of (element, trigger, props, server, upload, watch), with `elements.js` in front of it.
// It knows no model: what it shows is `props.turns`, and what a person does goes to Python as an event.

const root = element.querySelector(".osp-chat");
const listen = listener("transcript");

const steps = make("ol", {}, ...W.emptySteps.map((step) => make("li", {}, step)));
const welcome = make("div", { class: "osp-welcome" }, make("strong", {}, W.emptyTitle), steps);
const log = make("div", { class: "osp-log", role: "log", "aria-label": W.chat, tabindex: "0" });
const down = make("button", { type: "button", class: "osp-down", title: W.down, "aria-label": W.down, onclick: () => toEnd() }, icon("down"));
const live = make("div", { class: "osp-unseen", "aria-live": "polite" });
root.replaceChildren(welcome, log, down, live);

let turns = [];
const shown = new Map(); // turn id -> {node, question, answer, parts of what is drawn}
const opened = new Set(); // ids of answers whose measurements are shown
let editing = null; // id of the question that the next one replaces
let draft = ""; // what stood in the box before that question was put there
const isGone = (number) => Boolean(known) && !known.has(number); // a region that is there no more
let known = null;

// ---- text -----------------------------------------------------------------------------------------------------------

// Pieces are runs of text and numbers of regions.
const written = (pieces) => pieces.map((piece) => (typeof piece === "number" ? `@${piece}` : piece)).join("");
const drawn = (piece) => (typeof piece === "number" ? marked(chip(piece)) : document.createTextNode(piece));

// An answer grows at its end: what stands there already stays, and with it the focus and a selection of text.
function extend(holder, pieces) {
  const before = holder.pieces || [];
  let same = 0;
  while (same < before.length && before[same] === pieces[same]) same++;
  const [old, now] = [before[same], pieces[same]];
  if (typeof old === "string" && typeof now === "string" && now.startsWith(old) && same === before.length - 1) {
    holder.childNodes[same].appendData(now.slice(old.length));
    same++;
  }
  while (holder.childNodes.length > same) holder.lastChild.remove();
  holder.append(...pieces.slice(same).map(drawn));
  holder.pieces = pieces;
}

function marked(node) {
  const number = Number(node.dataset.region);
  node.classList.toggle("osp-gone", isGone(number));
  const tip = say(isGone(number) ? W.chipGone : W.chip, { number });
  node.title = tip;
  node.setAttribute("aria-label", tip);
  return node;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https a page may not write to the clipboard, but a selection may still be copied.
    const spare = make("textarea", { class: "osp-unseen", tabindex: "-1" });
    document.body.append(spare);
    spare.value = text;
    spare.select();
    document.execCommand("copy");
    spare.remove();
    button.focus();
  }
  live.textContent = W.copied;
  button.replaceChildren(icon("done"));
  setTimeout(() => {
    button.replaceChildren(icon("copy"));
    live.textContent = "";
  }, 1500);
}

// ---- drawing --------------------------------------------------------------------------------------------------------

function act(name, tip, onclick, extra) {
  return make("button", { type: "button", class: `osp-act osp-act-${name}`, title: tip, "aria-label": tip, onclick, ...extra }, icon(name));
}

function newTurn(id) {
  const question = make("article", { class: "user message", "aria-label": W.yourQuestion });
  const asking = make("div", { class: "osp-acts osp-asking" });
  const text = make("span", {});
  const caret = make("span", { class: "osp-caret" });
  const note = make("span", { class: "osp-note" });
  const answer = make("article", { class: "bot message", "aria-label": W.answer }, text);
  const answering = make("div", { class: "osp-acts osp-answering" });
  const stats = make("dl", { class: "osp-stats", id: `osp-stats-${id}` });
  const node = make("div", { class: "osp-turn", "data-turn": id }, question, asking, answer, answering, stats);
  return { node, question, asking, answer, text, caret, note, answering, stats, keys: {} };
}

// Draws a part only if what it shows has changed: the focus and a selection of text stay where they are.
function part(view, name, what, draw) {
  const key = JSON.stringify(what);
  if (view.keys[name] === key) return;
  view.keys[name] = key;
  draw();
}

function showTurn(view, turn, last, busy) {
  const replaced = editing === turn.id;
  view.node.classList.toggle("osp-replaced", replaced);
  part(view, "question", [turn.about, turn.question], () => {
    const subject = turn.about == null ? [] : [marked(chip(turn.about)), " "];
    view.question.replaceChildren(...subject, ...turn.question.map(drawn));
  });
  part(view, "asking", [replaced, last && !busy], () => {
    if (replaced) {
      const cancel = make("button", { type: "button", class: "osp-link", onclick: () => stopEditing(true) }, W.cancelEdit);
      return view.asking.replaceChildren(make("span", { role: "status" }, W.editing), cancel);
    }
    const text = () => (turn.about == null ? "" : `@${turn.about} `) + written(turn.question);
    const buttons = [act("copy", W.copyQuestion, (event) => copy(text(), event.currentTarget))];
    if (last && !busy) buttons.push(act("edit", W.editQuestion, () => edit()));
    view.asking.replaceChildren(...buttons);
  });
  part(view, "answer", [turn.answer, turn.state, turn.note], () => {
    const waiting = turn.state === "waiting";
    extend(view.text, turn.answer);
    view.note.textContent = turn.note && (turn.answer.length ? ` ${turn.note}` : turn.note);
    for (const [node, there] of [[view.note, turn.note], [view.caret, waiting && turn.answer.length]])
      if (!there) node.remove();
      else if (!node.isConnected) view.answer.append(node);
    view.answer.setAttribute("aria-busy", String(waiting));
  });
  part(view, "answering", [turn.state, turn.liked, opened.has(turn.id), turn.stats.length, turn.answer.length], () => {
    const buttons = [];
    if (turn.state !== "waiting" && turn.answer.length) {
      buttons.push(act("copy", W.copyAnswer, (event) => copy(written(turnOf(turn.id).answer), event.currentTarget)));
      for (const [name, value, tip] of [["like", true, W.like], ["dislike", false, W.dislike]])
        buttons.push(act(name, tip, () => rate(turn.id, value), { "aria-pressed": String(turn.liked === value) }));
      if (turn.stats.length)
        buttons.push(act("info", W.stats, () => toggleStats(turn.id), { "aria-expanded": String(opened.has(turn.id)), "aria-controls": view.stats.id }));
    }
    const held = [...view.answering.children].indexOf(document.activeElement);
    view.answering.replaceChildren(...buttons);
    if (held >= 0 && buttons[held]) buttons[held].focus();
  });
  part(view, "stats", [turn.stats, opened.has(turn.id)], () => {
    const lines = turn.stats.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
    view.stats.hidden = !opened.has(turn.id);
    view.stats.replaceChildren(...lines);
  });
}

const turnOf = (id) => turns.find((turn) => turn.id === id);

function show() {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const ids = new Set(turns.map((turn) => turn.id));
  for (const [id, view] of shown)
    if (!ids.has(id)) {
      view.node.remove();
      shown.delete(id);
      opened.delete(id);
    }
  const last = turns[turns.length - 1];
  const busy = Boolean(last && last.state === "waiting");
  let fresh = false;
  for (const turn of turns) {
    let view = shown.get(turn.id);
    if (!view) {
      shown.set(turn.id, (view = newTurn(turn.id)));
      fresh = true;
    }
    showTurn(view, turn, turn === last, busy);
    if (view.node.parentNode !== log) log.append(view.node);
  }
  welcome.hidden = turns.length > 0;
  log.hidden = !turns.length;
  if (fresh || atEnd) toEnd();
  showDown();
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  showDown();
}

function showDown() {
  down.hidden = log.hidden || log.scrollHeight - log.scrollTop - log.clientHeight < 60;
}
log.addEventListener("scroll", showDown, { passive: true });

function receive() {
  turns = props.turns || [];
  const last = turns[turns.length - 1];
  if (editing != null && (!last || last.id !== editing)) stopEditing(false);
  show();
}

// ---- what a person does ---------------------------------------------------------------------------------------------

function rate(id, value) {
  const turn = turnOf(id);
  turn.liked = turn.liked === value ? null : value; // shown at once; Python keeps it
  trigger("rate_answer", { turn: id, liked: turn.liked });
  show();
}

function toggleStats(id) {
  if (!opened.delete(id)) opened.add(id);
  const last = turns[turns.length - 1];
  show();
  if (last && last.id === id) toEnd();
}

// The last question goes into the box; once asked, it takes the old one's place.
function edit() {
  const last = turns[turns.length - 1];
  const box = questionBox();
  if (!last || last.state === "waiting" || editing === last.id || !box) return;
  draft = box.value;
  editing = last.id;
  props.value = { editing };
  if (last.about != null) tell("select", last.about);
  fillQuestion(written(last.question));
  show();
}

function stopEditing(cancelled) {
  editing = null;
  props.value = null;
  if (cancelled) fillQuestion(draft);
  draft = "";
  show();
}

listen(window, "keydown", (event) => {
  if (event.target !== questionBox() || event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape" && editing != null) stopEditing(true);
  else if (event.key === "ArrowUp" && !event.target.value && !event.shiftKey) edit();
  else return;
  event.preventDefault();
});

// ---- chips and regions ----------------------------------------------------------------------------------------------

const tell = (what, number) => window.dispatchEvent(new CustomEvent(`osprey:${what}`, { detail: number }));
const chipAt = (event) => event.target instanceof Element && event.target.closest(".osp-chip[data-region]");

for (const [kind, lit] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]])
  listen(document, kind, (event) => {
    const found = chipAt(event);
    if (found) tell("hover", lit ? Number(found.dataset.region) : null);
  });
listen(document, "click", (event) => {
  const found = chipAt(event);
  if (found && !isGone(Number(found.dataset.region))) tell("select", Number(found.dataset.region));
});

listen(window, "osprey:regions", (event) => {
  known = new Set(event.detail);
  for (const node of log.querySelectorAll(".osp-chip")) marked(node);
});

new ResizeObserver(() => showDown()).observe(log);

// Written as keys, not as quoted names: Gradio takes quoted words in this text for names of events.
watch(Object.keys({ turns: 0 }), receive);
receive();
