// What a search has found, lit on the picture.

import { createLayer } from "./layers.js";

const COLOR = "#ffd60a";

// Returns the function that lights segments: masks as Python sends them, with `key`, instead of those lit before.
export function createFinds({ store }) {
  let layers = new Map(); // key of the mask -> layer

  return (items) => {
    layers = new Map(items.map((item) => [item.key, layers.get(item.key) || createLayer(colored(item))]));
    store.set({ found: [...layers.values()] });
  };
}

const colored = (item) => ({ ...item, color: COLOR, text: "#000", number: 0 });
