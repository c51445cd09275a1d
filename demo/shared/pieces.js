// Texts that mention regions, as lists of pieces: each is a run of text or the number of a region.

// The pieces as one text, with each region as `@` and its number.
export const written = (pieces) => pieces.map((piece) => (typeof piece === "number" ? `@${piece}` : piece)).join("");

// The pieces as nodes; `chipOf(number)` makes the node of a region.
export const drawn = (pieces, chipOf) =>
  pieces.map((piece) => (typeof piece === "number" ? chipOf(piece) : document.createTextNode(piece)));
