// The conversation in the browser: shows `props.turns`, and sends a person's actions on them to Python. It also
// highlights and selects regions for the chips of the whole page.

import { component, tell } from "../shared/component.js";
import { chip, fillQuestion, isNarrow, make, questionBox, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { written } from "../shared/pieces.js";
import { writeToClipboard } from "./clipboard.js";
import { followSettings } from "./settings.js";
import { createTurnView, drawTurn } from "./turn_view.js";

// Within this distance from its end, in pixels, the conversation scrolls along with a growing answer.
const NEAR_END = 60;

export const mount = (host) => component("transcript", host, mountConversation);

function mountConversation({ element, props, words, trigger, watch, listen }) {
  const root = element.querySelector(".osp-chat");
  const state = {
    turns: [],
    views: new Map(), // turn id -> its nodes
    openStats: new Set(), // ids of turns whose measurements are shown
    editing: null, // id of the turn that the next question replaces
    draft: "", // what was in the box before that turn's question was put there
    known: null, // Set of the numbers of all regions; null: not received yet
  };

  const steps = make("ol", {}, ...words.emptySteps.map((step) => make("li", {}, step)));
  const welcome = make("div", { class: "osp-welcome" }, make("strong", {}, words.emptyTitle), steps);
  const log = make("div", { class: "osp-log", role: "log", "aria-label": words.chat, tabindex: "0" });
  const down = make(
    "button",
    { type: "button", class: "osp-down", title: words.down, "aria-label": words.down, onclick: () => toEnd() },
    icon("down"),
  );
  const live = make("div", { class: "osp-unseen", "aria-live": "polite" });
  root.replaceChildren(welcome, log, down, live);

  // ---- chips --------------------------------------------------------------------------------------------------------

  const isGone = (number) => Boolean(state.known) && !state.known.has(number);

  function markChip(node) {
    const number = Number(node.dataset.region);
    const tip = say(isGone(number) ? words.chipGone : words.chip, { number });
    node.classList.toggle("osp-gone", isGone(number));
    node.title = tip;
    node.setAttribute("aria-label", tip);
    return node;
  }

  const chipOf = (number) => markChip(chip(number, { words, colors: props.colors }));
  const chipAt = (event) => event.target instanceof Element && event.target.closest(".osp-chip[data-region]");

  for (const [kind, isLit] of [
    ["pointerover", true],
    ["focusin", true],
    ["pointerout", false],
    ["focusout", false],
  ])
    listen(document, kind, (event) => {
      const node = chipAt(event);
      if (node) tell("osprey:hover", isLit ? Number(node.dataset.region) : null);
    });
  listen(document, "click", (event) => {
    const node = chipAt(event);
    if (node && !isGone(Number(node.dataset.region))) tell("osprey:select", Number(node.dataset.region));
  });
  listen(window, "osprey:regions", (event) => {
    state.known = new Set(event.detail);
    for (const node of log.querySelectorAll(".osp-chip")) markChip(node);
  });

  // ---- showing ------------------------------------------------------------------------------------------------------

  const lastTurn = () => state.turns[state.turns.length - 1];

  function show() {
    const isAtEnd = isNearEnd();
    removeOldViews();
    const last = lastTurn();
    const isBusy = Boolean(last && last.state === "waiting");
    let hasNew = false;
    for (const turn of state.turns) {
      let view = state.views.get(turn.id);
      if (!view) {
        view = createTurnView(turn.id, words);
        state.views.set(turn.id, view);
        hasNew = true;
      }
      const shown = {
        isReplaced: state.editing === turn.id,
        mayEdit: turn === last && !isBusy,
        mayAsk: !isBusy,
        hasOpenStats: state.openStats.has(turn.id),
      };
      drawTurn(view, turn, shown, acts, words);
      if (view.node.parentNode !== log) log.append(view.node);
    }
    welcome.hidden = state.turns.length > 0;
    log.hidden = !state.turns.length;
    if (hasNew || isAtEnd) toEnd();
    showDown();
  }

  function removeOldViews() {
    const ids = new Set(state.turns.map((turn) => turn.id));
    for (const [id, view] of state.views) {
      if (ids.has(id)) continue;
      view.node.remove();
      state.views.delete(id);
      state.openStats.delete(id);
    }
  }

  const isNearEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;

  // In a log of its own height by the log, in one that is as long as its turns by the page.
  function toEnd() {
    log.scrollTop = log.scrollHeight;
    const last = lastTurn() && state.views.get(lastTurn().id);
    if (last && isNarrow()) last.node.scrollIntoView({ block: "end" });
    showDown();
  }

  function showDown() {
    down.hidden = log.hidden || isNearEnd();
  }
  log.addEventListener("scroll", showDown, { passive: true });
  new ResizeObserver(() => showDown()).observe(log);

  // ---- what a person does -------------------------------------------------------------------------------------------

  const acts = {
    chipOf,
    copy,
    edit,
    cancelEdit: () => stopEditing(true),
    rate,
    toggleStats,
    askAgain: (id) => trigger("ask_again", { turn: id }),
  };

  async function copy(text, button) {
    await writeToClipboard(text, button);
    live.textContent = words.copied;
    button.replaceChildren(icon("done"));
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      live.textContent = "";
    }, 1500);
  }

  function rate(id, value) {
    const turn = state.turns.find((each) => each.id === id);
    turn.liked = turn.liked === value ? null : value; // shown at once; Python stores it
    trigger("rate_answer", { turn: id, liked: turn.liked });
    show();
  }

  function toggleStats(id) {
    if (!state.openStats.delete(id)) state.openStats.add(id);
    show();
    if (lastTurn() && lastTurn().id === id) toEnd();
  }

  // Puts the last question into the box; when it is asked, it replaces the old turn.
  function edit() {
    const last = lastTurn();
    const box = questionBox();
    if (!last || last.state === "waiting" || state.editing === last.id || !box) return;
    state.draft = box.value;
    state.editing = last.id;
    props.value = { editing: last.id };
    if (last.about != null) tell("osprey:select", last.about);
    fillQuestion(written(last.question));
    show();
  }

  function stopEditing(isCancelled) {
    state.editing = null;
    props.value = null;
    if (isCancelled) fillQuestion(state.draft);
    state.draft = "";
    show();
  }

  listen(window, "keydown", (event) => {
    if (event.target !== questionBox() || event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && state.editing != null) stopEditing(true);
    else if (event.key === "ArrowUp" && !event.target.value && !event.shiftKey) edit();
    else return;
    event.preventDefault();
  });

  // ---- what comes from Python ---------------------------------------------------------------------------------------

  function receive() {
    state.turns = props.turns || [];
    const last = lastTurn();
    if (state.editing != null && (!last || last.id !== state.editing)) stopEditing(false);
    show();
    tell("osprey:turns", { asked: last && last.state === "waiting" ? written(last.question) : "" });
  }

  followSettings({ listen });
  watch(["turns"], receive);
  receive();
}
