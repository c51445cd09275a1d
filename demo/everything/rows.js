// Filtering and sorting of the table of segments, and what its choice of a style means. Independent of the DOM.

// The initial order: by size, in which the segments are numbered.
export const FIRST_ORDER = { by: "index", isDescending: false };

// The order after a click on the head of a column: numbers begin with the largest, a second click reverses the order.
export function orderAfterClick(order, by) {
  if (order.by === by) return { by, isDescending: !order.isDescending };
  return { by, isDescending: by === "area" || by === "score" };
}

// Rows of which a description contains the text `filter`, sorted.
//   rows: [{index, score, area, …}]; texts: Map from index to description; others: the same of the second model.
export function shownRows(rows, texts, { by, isDescending }, filter, others = new Map()) {
  const wanted = filter.trim().toLowerCase();
  const columns = { text: texts, second: others };
  // Rows without a description come last.
  const value = (row) => (by in columns ? columns[by].get(row.index) || "\uffff" : row[by]);
  const compare = (one, other) => {
    const [a, b] = [value(one), value(other)];
    const sign = typeof a === "string" ? a.localeCompare(b) : a - b;
    return (isDescending ? -sign : sign) || one.index - other.index;
  };
  const holds = (column, row) => (column.get(row.index) || "").toLowerCase().includes(wanted);
  return rows.filter((row) => !wanted || holds(texts, row) || holds(others, row)).sort(compare);
}

// How many descriptions there are, and how many there will be, by both models.
export function progressOf(captions) {
  if (!captions) return { done: 0, total: 0 };
  const { rows, second, total } = captions;
  if (!second) return { done: rows.length, total };
  return { done: rows.length + second.rows.length + second.failures.length, total: 2 * total };
}

// A model's name as far as a column has room for it: without folders, or the owner of a repository.
export const shortName = (name) => name.replaceAll("\\", "/").replace(/\/+$/, "").split(/[/#]/).pop();

// The message that a choice of how to describe stands for: a style, or ":" and the name of a vocabulary.
//   labels: the person's own ones, as typed for "Your labels".
export function wantedOf(choice, labels) {
  if (!choice.startsWith(":")) return { style: choice };
  const vocabulary = choice.slice(1);
  return vocabulary === "own" ? { vocabulary, labels } : { vocabulary };
}
