// The controls of each kind of analysis, and the message to Python that they form.

import { keep, recall } from "../shared/browser_store.js";
import { make } from "../shared/elements.js";

const MAX_QUESTION_LETTERS = 4000;

// The form of a kind: {fields, read, go}: nodes, a function that returns their values, and the label of the button.
export function createForm(kind, { words, most }) {
  const forms = {
    labels: () => labelsForm(words),
    without: () => questionForm(words),
    models: () => questionForm(words),
    samples: () => samplesForm(words, most),
    inside: () => ({ fields: [], read: () => ({}), go: words.look }),
  };
  return forms[kind]();
}

function field(text, control, tip) {
  return make("label", { class: "osp-field", title: tip }, make("span", {}, text), control);
}

function choice(words, ...names) {
  return make("select", {}, ...names.map((name) => make("option", { value: name }, words[name])));
}

function labelsForm(words) {
  const list = make("textarea", { rows: 3, placeholder: words.labelsExample, spellcheck: "false" });
  const which = choice(words, "all", "selected");
  const rank = choice(words, "sum", "mean");
  list.value = recall("labels") || ""; // the browser stores the last list of labels
  const fields = [field(words.labels, list), field(words.which, which), field(words.rank, rank, words.rankTip)];
  fields[0].classList.add("osp-wide");
  const read = () => {
    keep("labels", list.value);
    return { labels: list.value, which: which.value, rank_by: rank.value };
  };
  return { fields, read, go: words.judge };
}

function questionForm(words) {
  const box = make("input", { type: "text", placeholder: words.questionTip, maxlength: MAX_QUESTION_LETTERS });
  const question = field(words.question, box, words.alone);
  question.classList.add("osp-wide");
  return { fields: [question], read: () => ({ question: box.value }), go: words.ask };
}

function samplesForm(words, most) {
  const count = make("input", { type: "number", min: 2, max: most, step: 1, value: 4 });
  const temperature = make("input", { type: "number", min: 0.05, max: 2, step: 0.05, value: 0.8 });
  const form = questionForm(words);
  const fields = [...form.fields, field(words.count, count), field(words.temperature, temperature)];
  const read = () => ({ ...form.read(), count: count.value, temperature: temperature.value });
  return { fields, read, go: form.go };
}
