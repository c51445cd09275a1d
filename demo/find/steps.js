// What a search found at a threshold. Independent of the DOM.

// The initial threshold; the same as in Python, see search.py.
export const FIRST_THRESHOLD = 0.5;

// Indices of the segments found at this threshold, best first. `steps` are [[threshold, indices]…], falling: the finds
// change at these thresholds only.
export function foundAt(steps, threshold) {
  const reached = steps.filter(([lowest]) => lowest >= threshold);
  return reached.length ? reached[reached.length - 1][1] : [];
}

// How many more a lower threshold would find, at most.
export function moreBelow(steps, threshold) {
  const most = Math.max(0, ...steps.map(([, indices]) => indices.length));
  return Math.max(0, most - foundAt(steps, threshold).length);
}
