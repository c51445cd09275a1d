// The results of an analysis as nodes: labels with their shares, answers side by side, maps.

import { chip, make, say, thumbnailCopy } from "../shared/elements.js";
import { drawn } from "../shared/pieces.js";
import { countDifferent, isBusy, percentOf, sameAnswerBefore } from "./findings.js";
import { createMaps } from "./maps.js";

// Labels of a region that are shown at once.
const TOP_LABELS = 5;

const note = (text, look = "osp-faint") => make("p", { class: look }, text);

// A sentence on how a region has changed since it was asked about; "" if it is still the same.
export function fateOf({ number, key }, scene, words) {
  const region = scene.regions.find((each) => each.number === number);
  if (!region) return words.gone;
  return region.key === key ? "" : words.old;
}

// The nodes of an analysis.
//   context: {words, colors, heat, scene, unfolded, redraw}; `unfolded` is a Set of "id of the analysis:number of the
//   region" of the lists of labels that are shown whole, and `redraw()` is called after it has changed.
export function resultNodes(kind, look, context) {
  if (kind === "labels") return look.asked.map((asked, place) => labelCard(look, asked, look.parts[place], context));
  if (kind === "inside") return mapNodes(look, context);
  return answerNodes(look, context);
}

function mapNodes(look, context) {
  const { words } = context;
  const head = heading(look.asked[0], context);
  if (!look.parts.length) return [head, note(isBusy(look) ? words.waiting : words.stopped)];
  return [head, createMaps(look, context), note(words.scale)];
}

function answerNodes(look, context) {
  const chipOf = (number) => chip(number, context);
  const fate = look.asked.map((asked) => fateOf(asked, context.scene, context.words)).filter(Boolean)[0] || "";
  const isNamed = look.question.some((piece) => typeof piece === "number");
  const subject = isNamed ? [] : [chipOf(look.asked[0].number), " "];
  const question = make(
    "p",
    { class: "osp-asked" },
    ...subject,
    ...drawn(look.question, chipOf),
    make("span", { class: "osp-fate" }, fate),
  );
  const cards = look.parts.map((_, place) => answerCard(look, place, context));
  const verdict = verdictOf(look, context.words);
  const nodes = [question, make("div", { class: "osp-answers" }, ...cards)];
  return verdict ? [...nodes, note(verdict, "osp-verdict")] : nodes;
}

function heading(asked, context) {
  const { scene, words } = context;
  const region = scene.regions.find((each) => each.number === asked.number);
  return make(
    "div",
    { class: "osp-card-head" },
    thumbnailCopy(asked.number),
    chip(asked.number, context),
    make("span", { class: "osp-name" }, (region && region.name) || ""),
    make("span", { class: "osp-fate" }, fateOf(asked, scene, words)),
  );
}

function labelCard(look, asked, part, context) {
  const { words, unfolded, redraw } = context;
  const card = make("article", { class: "osp-judged", "data-region-judged": asked.number }, heading(asked, context));
  if (!part) {
    card.append(note(isBusy(look) ? words.waiting : words.stopped));
    return card;
  }
  if (part.unsure) {
    const why = [part.off && words.offList, part.close && words.closeCall].filter(Boolean).join("; ");
    card.append(make("p", { class: "osp-unsure" }, make("strong", {}, words.unsure), ` ${why}`));
  }
  const id = `${look.id}:${asked.number}`;
  const isWhole = unfolded.has(id);
  const labels = isWhole ? part.labels : part.labels.slice(0, TOP_LABELS);
  const both = labels.length > 0 && labels[0].share !== null && labels[0].clip !== null;
  card.append(make("ol", { class: "osp-bars" }, ...labels.map((label) => labelBar(label, both, words))));
  const foot = make(
    "div",
    { class: "osp-card-foot" },
    make("span", {}, say(isByClip(labels) ? words.clipOnList : words.onList, { percent: percentOf(part.onList) })),
  );
  if (both) {
    const word = part.clipBest === part.labels[0].label ? words.clipAgrees : words.clipBest;
    card.append(make("p", { class: "osp-faint osp-clip-best" }, say(word, { label: part.clipBest })));
  }
  const rest = part.labels.length - labels.length;
  if (rest > 0) {
    const unfold = () => {
      unfolded.add(id);
      redraw();
    };
    const label = say(words.moreLabels, { count: rest });
    foot.append(make("button", { type: "button", class: "osp-link", onclick: unfold }, label));
  }
  card.append(foot);
  return card;
}

const isByClip = (labels) => labels.length > 0 && labels[0].share === null;

// A label with the model's share of it, the CLIP's, or both below each other.
function labelBar({ label, share, log, clip, cosine }, both, words) {
  const bar = (value, look) =>
    make("span", { class: `osp-bar${look}` }, make("i", { style: `width: ${(value * 100).toFixed(2)}%` }));
  const tips = [];
  if (share !== null) tips.push(say(words.logTip, { value: log }));
  if (clip !== null) tips.push(say(words.cosineTip, { value: cosine }));
  const first = share === null ? clip : share;
  const row = make(
    "li",
    { title: tips.join(", ") },
    make("span", { class: "osp-bar-label" }, label),
    bar(first, ""),
    make("span", { class: "osp-bar-share" }, percentOf(first)),
  );
  if (both) {
    row.append(
      make("span", { class: "osp-bar-by" }, words.clip),
      bar(clip, " osp-bar-clip"),
      make("span", { class: "osp-bar-share osp-clip-share" }, percentOf(clip)),
    );
  }
  return row;
}

function titleOf(part, place, words) {
  if (part.how === "model") return [part.model, ""];
  if (part.how === "sample") return [say(words.sample, { number: place + 1 }), say(words.seed, { seed: part.seed })];
  return [words.how[part.how], words.howTips[part.how]];
}

// A sentence that an earlier part gave the same answer, or "".
function repetitionOf(parts, place, words) {
  if (parts[place].how === "model") return "";
  const first = sameAnswerBefore(parts, place);
  if (first < 0) return "";
  if (parts[place].how === "sample") return say(words.sameSample, { number: first + 1 });
  return first === 0 ? words.same : "";
}

function answerCard(look, place, context) {
  const { words } = context;
  const part = look.parts[place];
  const [title, tip] = titleOf(part, place, words);
  const isBeingWritten = isBusy(look) && look.parts.findIndex((each) => !each.done) === place;
  const text = make("p", { class: "osp-said" }, ...drawn(part.answer, (number) => chip(number, context)));
  if (isBeingWritten && part.answer.length) text.append(make("span", { class: "osp-caret" }));
  if (!part.answer.length) {
    const state = part.done ? words.nothing : isBeingWritten ? words.waiting : isBusy(look) ? "…" : words.stopped;
    text.append(make("span", { class: "osp-note" }, state));
  }
  const repetition = repetitionOf(look.parts, place, words);
  // An unchanged answer is a warning where the model did not get what is in the region: it may be a guess.
  const isHarmless = part.how === "sample" || part.how === "what";
  return make(
    "article",
    { class: `osp-answer osp-how-${part.how}`, "aria-label": title },
    make("h3", {}, title, tip ? make("small", {}, ` ${tip}`) : null),
    text,
    repetition ? note(repetition, isHarmless ? "osp-faint" : "osp-unsure") : null,
  );
}

// A sentence on how far finished answers agree, or "".
function verdictOf(look, words) {
  const { parts } = look;
  if (isBusy(look) || !parts.length || !parts.every((part) => part.done)) return "";
  const different = countDifferent(parts);
  if (parts[0].how === "model") return different === 1 ? words.modelsAgree : "";
  if (parts[0].how !== "sample") return "";
  const count = parts.length;
  return different === 1 ? say(words.agreeAll, { count }) : say(words.agree, { different, count });
}
