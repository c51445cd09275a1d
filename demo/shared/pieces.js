// Texts in which regions are mentioned: lists of pieces, each a run of text or the number of a region.

// As one text, with each region as `@` and its number.
export const written = (pieces) => pieces.map((piece) => (typeof piece === "number" ? `@${piece}` : piece)).join("");

// As nodes; `chipOf(number)` makes the node of a region.
export const drawn = (pieces, chipOf) =>
  pieces.map((piece) => (typeof piece === "number" ? chipOf(piece) : document.createTextNode(piece)));
