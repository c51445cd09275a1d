// Mentions of regions in a text that is being typed: find one at the caret, list matching regions, replace it.
// Independent of the DOM. A region is {number, percent, name}.

// The mention that is being typed at the caret: an @ that is not inside a word, and at most a short word after it.
// Returns {start, end, text}, `text` in lower case, or null.
export function mentionAt(text, caret) {
  const before = text.slice(0, caret);
  const match = before.match(/(^|[^\p{L}\p{N}_@])@([\p{L}\p{N}_-]{0,24})$/u);
  return match && { start: before.length - match[2].length - 1, end: caret, text: match[2].toLowerCase() };
}

// The regions whose number begins with the text, or whose name contains it.
export function fittingRegions(regions, text) {
  return regions.filter(
    ({ number, name }) => String(number).startsWith(text) || (text && name.toLowerCase().includes(text)),
  );
}

// Whether the typed text is the whole number of the only matching region, so that there is nothing left to choose.
export const isComplete = (matches, text) => matches.length === 1 && text === String(matches[0].number);

// The text with `start` to `end` replaced by the mention of a region, and the new caret position: {text, caret}.
export function withMention(text, { start, end }, number) {
  const after = text.slice(end);
  const word = `@${number}${/^[\s.,;:!?)]/.test(after) ? "" : " "}`;
  return { text: text.slice(0, start) + word + after, caret: start + word.length };
}

// As `withMention`, for a mention that was not typed: a space separates it from the word before it.
export function insertedMention(text, { start, end }, number) {
  const before = text.slice(0, start);
  const word = `${before && !/\s$/.test(before) ? " " : ""}@${number} `;
  return { text: before + word + text.slice(end), caret: start + word.length };
}
