// Computations on the results of an analysis: texts, agreement of answers, values of maps. Independent of the DOM.

import { written } from "../shared/pieces.js";

export const isBusy = (look) => look.state === "waiting" || look.state === "running";

// A share of 1 as text; never "0 %" for a share above 0.
export function percentOf(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

// An answer's text in the form that is compared with others.
export const answerText = (part) => written(part.answer).trim().toLowerCase();

// The index of the first finished part with the same answer as the part at `place`, or -1 if there is none before it.
export function sameAnswerBefore(parts, place) {
  if (!place || !parts[place].done) return -1;
  const first = parts.findIndex((part) => part.done && answerText(part) === answerText(parts[place]));
  return first < place ? first : -1;
}

export const countDifferent = (parts) => new Set(parts.map(answerText)).size;

// The value of a map at a point, and its position between the map's lowest and highest value, as a share.
//   part: {size: [width, height], low, high}; values: the map in hundredths, row by row; spot: shares of width, height.
export function valueAt(part, values, [x, y]) {
  const [width, height] = part.size;
  const value = values[Math.floor(y * height) * width + Math.floor(x * width)] / 100;
  const share = (value - part.low) / (part.high - part.low || 1);
  return { value, share: Math.min(1, Math.max(0, share)) };
}
