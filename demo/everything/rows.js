// Filtering and sorting of the table of segments, and what its choice of a style means. Independent of the DOM.

// The initial order: by size, in which the segments are numbered.
export const FIRST_ORDER = { by: "index", isDescending: false };

// The order after a click on the head of a column: numbers begin with the largest, a second click reverses the order.
export function orderAfterClick(order, by) {
  if (order.by === by) return { by, isDescending: !order.isDescending };
  return { by, isDescending: by === "area" || by === "score" };
}

// Rows whose description contains the text `filter`, sorted.
//   rows: [{index, score, area, …}]; texts: Map from index to description.
export function shownRows(rows, texts, { by, isDescending }, filter) {
  const wanted = filter.trim().toLowerCase();
  // Rows without a description come last.
  const value = (row) => (by === "text" ? texts.get(row.index) || "\uffff" : row[by]);
  const compare = (one, other) => {
    const [a, b] = [value(one), value(other)];
    const sign = typeof a === "string" ? a.localeCompare(b) : a - b;
    return (isDescending ? -sign : sign) || one.index - other.index;
  };
  return rows.filter((row) => !wanted || (texts.get(row.index) || "").toLowerCase().includes(wanted)).sort(compare);
}

// The message that a choice of how to describe stands for: a style, or ":" and the name of a vocabulary.
//   labels: the person's own ones, as typed for "Your labels".
export function wantedOf(choice, labels) {
  if (!choice.startsWith(":")) return { style: choice };
  const vocabulary = choice.slice(1);
  return vocabulary === "own" ? { vocabulary, labels } : { vocabulary };
}
