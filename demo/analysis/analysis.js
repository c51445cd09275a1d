// The analysis panel in the browser: one tab for each kind of analysis, with its controls and results. The canvas sends
// the regions by an event; Python sends the results, one property for each kind.

import { component, tell } from "../shared/component.js";
import { make, say } from "../shared/elements.js";
import { icon } from "../shared/icons.js";
import { isBusy } from "./findings.js";
import { createForm } from "./forms.js";
import { fateOf, resultNodes } from "./results.js";

export const mount = (host) => component("closer", host, mountAnalysis);

function mountAnalysis({ element, props, words, trigger, watch, listen }) {
  const root = element.querySelector(".osp-closer");
  const state = {
    scene: { picture: null, selected: null, regions: [] },
    openKind: null, // kind of the tab that is open
    unfolded: new Set(), // "id of the analysis:number of the region" of the lists of labels that are shown whole
  };

  // ---- tabs and controls --------------------------------------------------------------------------------------------

  // After a change of language the panel is made again: the controls keep their values, the open tab stays open.
  const typedBefore = controlsIn(root).map((control) => control.value);
  const tabBefore = root.querySelector('[role="tab"][aria-selected="true"]');

  // Two models can be compared only if two are there.
  const kinds = props.kinds.filter((kind) => kind !== "models" || props.compares);
  const panels = Object.fromEntries(kinds.map((kind) => [kind, createPanel(kind)]));
  const all = Object.values(panels);
  const close = make(
    "button",
    { type: "button", class: "osp-closer-close", title: words.close, "aria-label": words.close, hidden: true },
    icon("close"),
  );
  close.addEventListener("click", () => open(null));
  const tabs = make(
    "div",
    { role: "tablist", class: "osp-tabs", "aria-label": words.title },
    ...all.map((panel) => panel.tab),
  );
  root.setAttribute("aria-label", words.title);
  root.replaceChildren(
    make("div", { class: "osp-closer-bar" }, make("h2", {}, words.title), tabs, close),
    ...all.map((panel) => panel.body),
  );
  controlsIn(root).forEach((control, place) => {
    if (typedBefore[place]) control.value = typedBefore[place];
  });

  function createPanel(kind) {
    const form = createForm(kind, { words, most: props.most });
    const begin = () => trigger("begin_look", { kind, ...form.read() });
    const start = make("button", { type: "button", class: "osp-go", onclick: begin }, form.go);
    const stop = make("button", { type: "button", class: "osp-quiet", hidden: true }, words.stop);
    stop.addEventListener("click", () => trigger("stop_look", { kind }));
    const live = make("span", { class: "osp-unseen", role: "status" });
    const results = make("div", { class: `osp-found osp-found-${kind}` });
    const buttons = make("div", { class: "osp-buttons" }, start, stop);
    const controls = make("div", { class: "osp-form" }, ...form.fields, buttons);
    const intro = make("p", { class: "osp-intro" }, words.intros[kind]);
    const id = `osp-closer-${kind}`;
    const body = make(
      "div",
      { role: "tabpanel", id, "aria-labelledby": `${id}-tab`, hidden: true },
      intro,
      controls,
      live,
      results,
    );
    body.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT" || start.hidden) return;
      event.preventDefault();
      begin();
    });
    const tab = make(
      "button",
      {
        type: "button",
        role: "tab",
        id: `${id}-tab`,
        "aria-controls": id,
        "aria-selected": "false",
        "data-kind": kind,
        onclick: () => open(state.openKind === kind ? null : kind),
      },
      words.tabs[kind],
    );
    return { tab, body, start, stop, results, live, shown: "" };
  }

  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = all.findIndex((panel) => panel.tab === document.activeElement);
    all[(place + step + all.length) % all.length].tab.focus();
  });

  function open(kind) {
    const before = state.openKind;
    state.openKind = kind;
    for (const [name, panel] of Object.entries(panels)) {
      panel.body.hidden = name !== kind;
      panel.tab.setAttribute("aria-selected", String(name === kind));
    }
    close.hidden = !kind;
    root.classList.toggle("osp-open", Boolean(kind));
    if (kind) root.scrollIntoView({ block: "nearest" });
    else if (before) panels[before].tab.focus();
  }

  // ---- findings -----------------------------------------------------------------------------------------------------

  // Draws the results of a kind, unless they are drawn already.
  function show(kind) {
    const { scene, unfolded } = state;
    const panel = panels[kind];
    const sent = props[`look_${kind}`];
    const look = sent && sent.picture === scene.picture ? sent : null;
    const isRunning = Boolean(look && isBusy(look));
    panel.start.hidden = isRunning;
    panel.stop.hidden = !isRunning;
    const key = look ? JSON.stringify([look, look.asked.map(regionNow), [...unfolded]]) : "";
    if (panel.shown === key) return;
    panel.shown = key;
    const context = { words, colors: props.colors, heat: props.heat, scene, unfolded, redraw: () => show(kind) };
    panel.results.replaceChildren(...(look ? resultNodes(kind, look, context) : []));
    panel.results.setAttribute("aria-busy", String(isRunning));
    announce(kind, look, isRunning);
  }

  // The current state of a region that was asked about, as far as the results show it.
  function regionNow(asked) {
    const region = state.scene.regions.find(({ number }) => number === asked.number);
    return [fateOf(asked, state.scene, words), region && region.name];
  }

  function announce(kind, look, isRunning) {
    const { live } = panels[kind];
    if (isRunning) live.textContent = words.waiting;
    else if (look && live.dataset.look !== String(look.id)) {
      live.dataset.look = String(look.id);
      live.textContent = look.state === "complete" ? say(words.announced, { title: words.tabs[kind] }) : words.stopped;
    }
  }

  const showAll = () => kinds.forEach(show);

  listen(window, "osprey:scene", (event) => {
    const before = state.scene.picture;
    state.scene = event.detail;
    root.hidden = !state.scene.picture;
    if (state.scene.picture !== before) state.unfolded.clear();
    showAll();
  });

  if (tabBefore) open(tabBefore.dataset.kind);
  watch(
    kinds.map((kind) => `look_${kind}`),
    showAll,
  );
  showAll();
  tell("osprey:who");
}

const controlsIn = (root) => [...root.querySelectorAll("input, textarea, select")];
