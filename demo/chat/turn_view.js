// Draws one turn of the conversation: question, answer, buttons for both, measurements. Actions are functions that the
// caller passes.

import { make, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { drawn, written } from "../shared/pieces.js";

// The empty nodes of a turn. `keys` stores the content that each part shows.
export function createTurnView(id, words) {
  const question = make("article", { class: "user message", "aria-label": words.yourQuestion });
  const asking = make("div", { class: "osp-acts osp-asking" });
  const text = make("span", {});
  const caret = make("span", { class: "osp-caret" });
  const note = make("span", { class: "osp-note" });
  const confidence = make("p", { class: "osp-confidence", title: words.confidenceTip, hidden: true });
  const answer = make("article", { class: "bot message", "aria-label": words.answer }, text);
  const changed = make("p", { class: "osp-changed", role: "status", hidden: true });
  const answering = make("div", { class: "osp-acts osp-answering" });
  const stats = make("dl", { class: "osp-stats", id: `osp-stats-${id}` });
  const node = make(
    "div",
    { class: "osp-turn", "data-turn": id },
    question,
    asking,
    answer,
    confidence,
    changed,
    answering,
    stats,
  );
  return { node, question, asking, answer, text, caret, note, confidence, answering, stats, changed, keys: {} };
}

// Draws a turn into its nodes. A part whose content has not changed is not drawn again, so that it keeps the focus and
// a selection of text.
//   turn: {id, about, question, answer, state, note, liked, stats, confidence}; question and answer are pieces;
//   confidence: {line, isUnsure} or null.
//   `changed` are the numbers of regions that have other pixels by now.
//   shown: {isReplaced, mayEdit, mayAsk, hasOpenStats}.
//   acts: {chipOf, copy(text, button), edit, cancelEdit, rate(id, liked), toggleStats(id), askAgain(id)}.
export function drawTurn(view, turn, shown, acts, words) {
  const part = (name, content, draw) => {
    const key = JSON.stringify(content);
    if (view.keys[name] === key) return;
    view.keys[name] = key;
    draw();
  };
  view.node.classList.toggle("osp-replaced", shown.isReplaced);
  part("question", [turn.about, turn.question], () => {
    const subject = turn.about == null ? [] : [acts.chipOf(turn.about), " "];
    view.question.replaceChildren(...subject, ...drawn(turn.question, acts.chipOf));
  });
  part("asking", [shown.isReplaced, shown.mayEdit], () =>
    view.asking.replaceChildren(...questionButtons(turn, shown, acts, words)),
  );
  part("answer", [turn.answer, turn.state, turn.note], () => drawAnswer(view, turn, acts));
  part("confidence", turn.confidence, () => {
    view.confidence.hidden = !turn.confidence;
    view.confidence.textContent = turn.confidence ? turn.confidence.line : "";
    view.confidence.classList.toggle("osp-unsure", Boolean(turn.confidence && turn.confidence.isUnsure));
  });
  part("changed", [turn.changed, shown.mayAsk], () => {
    view.changed.hidden = !turn.changed.length;
    const again = make("button", { type: "button", class: "osp-link", onclick: () => acts.askAgain(turn.id) });
    again.textContent = words.askAgain;
    const line = say(words.changedSince, { numbers: turn.changed.map((number) => `@${number}`).join(", ") });
    view.changed.replaceChildren(`${line} `, ...(shown.mayAsk ? [again] : []));
  });
  part("answering", [turn.state, turn.liked, shown.hasOpenStats, turn.stats.length, turn.answer.length], () => {
    const buttons = answerButtons(view, turn, shown, acts, words);
    const focused = [...view.answering.children].indexOf(document.activeElement);
    view.answering.replaceChildren(...buttons);
    if (focused >= 0 && buttons[focused]) buttons[focused].focus();
  });
  part("stats", [turn.stats, shown.hasOpenStats], () => {
    const lines = turn.stats.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
    view.stats.hidden = !shown.hasOpenStats;
    view.stats.replaceChildren(...lines);
  });
}

function actButton(name, tip, onclick, extra) {
  const attributes = { type: "button", class: `osp-act osp-act-${name}`, title: tip, "aria-label": tip, onclick };
  return make("button", { ...attributes, ...extra }, icon(name));
}

function questionButtons(turn, shown, acts, words) {
  if (shown.isReplaced) {
    const cancel = make("button", { type: "button", class: "osp-link", onclick: acts.cancelEdit }, words.cancelEdit);
    return [make("span", { role: "status" }, words.editing), cancel];
  }
  const text = (turn.about == null ? "" : `@${turn.about} `) + written(turn.question);
  const buttons = [actButton("copy", words.copyQuestion, (event) => acts.copy(text, event.currentTarget))];
  if (shown.mayEdit) buttons.push(actButton("edit", words.editQuestion, acts.edit));
  return buttons;
}

function answerButtons(view, turn, shown, acts, words) {
  if (turn.state === "waiting" || !turn.answer.length) return [];
  const rating = (name, value, tip) =>
    actButton(name, tip, () => acts.rate(turn.id, value), { "aria-pressed": String(turn.liked === value) });
  const buttons = [
    actButton("copy", words.copyAnswer, (event) => acts.copy(written(view.text.pieces), event.currentTarget)),
    rating("like", true, words.like),
    rating("dislike", false, words.dislike),
  ];
  if (turn.stats.length) {
    const state = { "aria-expanded": String(shown.hasOpenStats), "aria-controls": view.stats.id };
    buttons.push(actButton("info", words.stats, () => acts.toggleStats(turn.id), state));
  }
  return buttons;
}

function drawAnswer(view, turn, acts) {
  const isWaiting = turn.state === "waiting";
  extendPieces(view.text, turn.answer, acts.chipOf);
  view.note.textContent = turn.note && (turn.answer.length ? ` ${turn.note}` : turn.note);
  for (const [node, isShown] of [
    [view.note, turn.note],
    [view.caret, isWaiting && turn.answer.length],
  ])
    if (!isShown) node.remove();
    else if (!node.isConnected) view.answer.append(node);
  view.answer.setAttribute("aria-busy", String(isWaiting));
}

// An answer grows at its end: existing nodes stay, so that they keep the focus and a selection of text.
function extendPieces(holder, pieces, chipOf) {
  const before = holder.pieces || [];
  let same = 0;
  while (same < before.length && before[same] === pieces[same]) same++;
  const [old, now] = [before[same], pieces[same]];
  if (typeof old === "string" && typeof now === "string" && now.startsWith(old) && same === before.length - 1) {
    holder.childNodes[same].appendData(now.slice(old.length));
    same++;
  }
  while (holder.childNodes.length > same) holder.lastChild.remove();
  holder.append(...drawn(pieces.slice(same), chipOf));
  holder.pieces = pieces;
}
