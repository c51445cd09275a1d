// Similarity maps: each level of the encoder as a picture, with a scale that shows the value under the pointer.

import { make, say } from "../shared/elements.js";
import { valueAt } from "./findings.js";

// The maps of an analysis side by side. `heat` are the colours of the scale, from low to high.
export function createMaps(look, { words, heat }) {
  const figures = look.parts.map((part) => createFigure(look.asked[0].number, part, { words, heat }));
  const maps = make("div", { class: "osp-maps" }, ...figures.map((figure) => figure.node));
  // All maps show their value at the point of the picture under the pointer.
  maps.addEventListener("pointermove", (event) => figures.forEach((figure) => figure.tell(spotUnder(event))));
  maps.addEventListener("pointerleave", () => figures.forEach((figure) => figure.tell(null)));
  return maps;
}

function createFigure(number, part, { words, heat }) {
  const [width, height] = part.size;
  const title = say(words.level, { level: part.level, look: words.levels[part.level] || "", width, height });
  const alt = say(words.map, { number, level: part.level });
  const marker = make("b", { class: "osp-here" });
  const scale = make(
    "div",
    { class: "osp-scale" },
    make("span", {}, part.low.toFixed(2)),
    make("i", { style: `background: linear-gradient(90deg, ${heat.join(", ")})` }, marker),
    make("span", {}, part.high.toFixed(2)),
  );
  const values = Int8Array.from(atob(part.values), (letter) => letter.charCodeAt(0));
  // `spot`: shares of the picture's width and height, or null.
  const tell = (spot) => {
    marker.hidden = !spot;
    if (!spot) return;
    const { value, share } = valueAt(part, values, spot);
    marker.textContent = value.toFixed(2);
    marker.style.left = `${100 * share}%`;
  };
  tell(null);
  const below = part.seen ? scale : make("p", { class: "osp-unsure" }, words.unseen);
  return { node: make("figure", {}, make("img", { src: part.url, alt }), make("figcaption", {}, title), below), tell };
}

// The pointer's position in the shown picture, as shares of its width and height, or null. The picture keeps its
// proportions, so it may fill only a part of the element.
function spotUnder(event) {
  const image = event.target.closest("img");
  if (!image || !image.naturalWidth) return null;
  const box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  const spot = [
    (event.clientX - box.left) / (image.naturalWidth * scale),
    (event.clientY - box.top) / (image.naturalHeight * scale),
  ];
  return spot.every((share) => share >= 0 && share < 1) ? spot : null;
}
