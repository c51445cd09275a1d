// The changes between two scenes as sentences, for screen readers.

import { say } from "../shared/elements.js";

// Sentences about the regions that were deleted, added or changed.
export function changesInWords(before, now, words) {
  const old = new Map(before.regions.map((region) => [region.number, region]));
  const numbers = new Set(now.regions.map((region) => region.number));
  const deleted = before.regions.filter((region) => !numbers.has(region.number));
  const isCleared = deleted.length > 0 && !now.regions.length;
  const sentences = isCleared ? [words.cleared] : deleted.map(({ number }) => say(words.gone, { number }));
  for (const region of now.regions) {
    const was = old.get(region.number);
    if (!was) sentences.push(say(words.marked, region));
    else if (was.key !== region.key) sentences.push(say(words.changed, region));
    else if (was.name !== region.name) sentences.push(say(region.name ? words.named : words.unnamed, region));
    else if (was.hidden !== region.hidden) sentences.push(say(region.hidden ? words.hid : words.shown, region));
  }
  return sentences;
}
