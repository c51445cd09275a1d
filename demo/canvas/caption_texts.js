// Which captions the picture shows, and how their texts are shortened. Independent of the DOM.

import { anchorPoint, holds } from "./geometry.js";

// The captions to place: regions first, then, with the tool "everything", the segments that are not regions yet.
// Returns [{text, layer, color, number}]; color and number are null for segments.
export function wantedCaptions({ picture, scene, layers, segments, described, tool }) {
  if (!picture) return [];
  const texts = described && described.picture === picture.id ? described.texts : new Map();
  const ofSegments = segments ? segments.layers : [];
  const textOfKey = new Map(ofSegments.map((layer) => [layer.key, texts.get(layer.index)]));
  const captions = [];
  for (const region of scene.regions) {
    const text = region.name || textOfKey.get(region.key);
    const layer = layers.get(region.number);
    if (text && layer && !region.hidden) captions.push({ text, layer, color: region.color, number: region.number });
  }
  if (tool !== "everything") return captions;
  const taken = new Set(scene.regions.map((region) => region.key));
  for (const layer of ofSegments) {
    const text = texts.get(layer.index);
    if (!text || taken.has(layer.key)) continue;
    // A part that is called as the whole around it needs no caption.
    const middle = anchorPoint(layer, picture);
    const isRepeated = captions.some(
      (other) => nounOf(other.text) === nounOf(text) && holds(other.layer, picture, middle),
    );
    if (!isRepeated) captions.push({ text, layer, color: null, number: null });
  }
  return captions;
}

// Where a description goes on to tell more of the thing that it has named.
const FURTHER =
  /[,;:.](?=\s)|\s(?:\(|(?:with|in|on|at|by|from|that|which|who|is|are|has|near|behind|under|over|beside|against|next|wearing|holding|sitting|standing|lying)\s)/i;

// What a description says of the thing before it goes on to tell more: "a large dog" of "a large dog at the top".
function nameIn(text) {
  const further = text.slice(1).search(FURTHER);
  return (further < 0 ? text : text.slice(0, further + 1)).trim();
}

// The name of the thing itself, without its looks and place, one or several alike.
function nounOf(text) {
  const parts = nameIn(text).toLowerCase().split(/\s+/);
  return parts[parts.length - 1].replace(/[.,;:!?]+$/, "").replace(/(?<=\w{2})s$/, "");
}

// The text in at most this width, with "…" at its end if something is left out: what a description tells further goes
// first, then the words before the thing's name; only a name that is too wide itself is cut. `measure(text)` returns a
// width.
export function shortened(text, width, measure) {
  const fits = (part) => measure(part) <= width + 0.5;
  if (fits(text)) return text;
  const parts = nameIn(text).split(/\s+/);
  for (let first = 0; first < parts.length; first += 1) {
    const rest = `${parts.slice(first).join(" ")}…`;
    if (fits(rest) && !/^(?:and|or|of) /i.test(rest)) return rest;
  }
  const letters = [...parts[parts.length - 1]];
  const cut = () => `${letters.join("")}…`;
  while (letters.length > 1 && measure(cut()) > width) letters.pop();
  return cut();
}
