// What can be said about the findings of an analysis without any element of the page: texts, agreement, values of maps.

import { written } from "../shared/pieces.js";

export const isBusy = (look) => look.state === "waiting" || look.state === "running";

// A share of 1 as a person reads it: never "0 %" for something that is there.
export function percentOf(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

// An answer as it is compared with another one.
export const answerText = (part) => written(part.answer).trim().toLowerCase();

// The place of the first finished part that gives the same answer as the part at `place`, or -1 if none comes before it.
export function sameAnswerBefore(parts, place) {
  if (!place || !parts[place].done) return -1;
  const first = parts.findIndex((part) => part.done && answerText(part) === answerText(parts[place]));
  return first < place ? first : -1;
}

export const countDifferent = (parts) => new Set(parts.map(answerText)).size;

// What a map tells at a spot: its value, and where that lies between the map's lowest and highest, as a share.
//   part: {size: [width, height], low, high}; values: the map in hundredths, row by row; spot: shares of width, height.
export function valueAt(part, values, [x, y]) {
  const [width, height] = part.size;
  const value = values[Math.floor(y * height) * width + Math.floor(x * width)] / 100;
  const share = (value - part.low) / (part.high - part.low || 1);
  return { value, share: Math.min(1, Math.max(0, share)) };
}
