// Captions on the picture: names of regions, and the descriptions of segments. This module measures and paints the texts
// that caption_texts.js chooses; Python computes where their rectangles fit.

import { make } from "../shared/elements.js";
import { shortened, wantedCaptions } from "./caption_texts.js";
import { anchorPoint, rectOf, toCanvas } from "./geometry.js";

const FONT = "600 12.5px system-ui, sans-serif";
// CSS pixels.
const HEIGHT = 21;
const PADDING = 7;
const STRIPE = 4;
const LEAST_WIDTH = 52;
const MOST_WIDTH = 220;
const BADGE_HALF = 15;
// Largest share of the picture's area that captions of segments may cover.
const MOST_COVERED = 0.25;
// Milliseconds within which several drawings make only one request.
const PAUSE = 30;

// A caption as sent to Python, in CSS pixels from the picture's corner. `textWidth` is the width of its text.
export function captionRow(layer, textWidth, picture, view) {
  const rect = rectOf(layer, picture, view);
  const [left, top] = [rect.x - view.x, rect.y - view.y];
  const [anchorX, anchorY] = toCanvas({ ...view, x: 0, y: 0 }, anchorPoint(layer, picture));
  const whole = Math.ceil(textWidth) + 2 * PADDING + STRIPE;
  return {
    box: [left, top, left + rect.width, top + rect.height].map(tenth),
    anchor: [anchorX, anchorY].map(tenth),
    width: Math.min(whole, MOST_WIDTH),
    height: HEIGHT,
    least: Math.min(whole, LEAST_WIDTH),
  };
}

// The indices of the captions to place: all of regions, and those of segments until the captions cover the largest
// share of the picture. `size` is the picture's in CSS pixels.
export function keptPlaces(captions, rows, size) {
  let room = MOST_COVERED * size[0] * size[1];
  return captions.flatMap(({ number }, place) => {
    room -= rows[place].width * rows[place].height;
    return number !== null || room >= 0 ? [place] : [];
  });
}

const tenth = (value) => Math.round(value * 10) / 10;

// `place(request)` asks Python for boxes. Returns {node, ask, paint, textUnder, forget}; `node` is the checkbox that
// turns captions off.
export function createCaptions({ store, words, place }) {
  const input = make("input", { type: "checkbox", checked: true });
  const label = { class: "osp-fit osp-captions", title: words.captionsTip };
  const node = make("label", label, input, make("span", {}, words.captions));
  input.addEventListener("change", () => store.set({ hasCaptions: input.checked }));
  store.follow(["hasCaptions"], () => (input.checked = store.hasCaptions));

  let lastKey = "[]"; // the last request, as JSON
  let scaleOfSpots = 0;
  let timer = 0;

  // A separate canvas, for measuring texts.
  const ruler = make("canvas", {}).getContext("2d");
  const widthOf = (text) => {
    ruler.font = FONT;
    return ruler.measureText(text).width;
  };

  // Called at every drawing; asks Python only if something has changed. `badges` are the places of region numbers,
  // `covered` boxes of what lies over the canvas.
  function ask(badges, covered) {
    const { picture, view } = store;
    const wanted = wantedCaptions(store);
    node.classList.toggle("osp-on", wanted.length > 0);
    const candidates = store.hasCaptions ? wanted : [];
    const size = [picture.width * view.scale, picture.height * view.scale].map(tenth);
    const rows = candidates.map(({ text, layer }) => captionRow(layer, widthOf(text), picture, view));
    const places = keptPlaces(candidates, rows, size);
    const captions = places.map((index) => candidates[index]);
    const request = {
      captions: places.map((index) => rows[index]),
      size,
      taken: [
        ...badges.map((badge) => boxOf(badge, view)),
        ...covered.map(([x0, y0, x1, y1]) => [x0 - view.x, y0 - view.y, x1 - view.x, y1 - view.y].map(tenth)),
      ],
    };
    const looks = captions.map(({ text, color }) => [text, color]);
    const key = JSON.stringify(captions.length ? [request, looks] : []);
    if (key === lastKey) return;
    lastKey = key;
    clearTimeout(timer);
    if (!captions.length) {
      show([], []);
      return;
    }
    timer = setTimeout(async () => {
      try {
        const spots = await place(request);
        if (key === lastKey) show(captions, spots);
      } catch {
        if (key === lastKey) lastKey = ""; // repeated at the next drawing
      }
    }, PAUSE);
  }

  function show(captions, spots) {
    scaleOfSpots = store.view.scale;
    const captionSpots = captions.flatMap((caption, index) => {
      if (!spots[index]) return [];
      const [x0, y0, x1, y1] = spots[index];
      const shown = shortened(caption.text, x1 - x0 - 2 * PADDING - STRIPE, widthOf);
      // What was left out leaves no empty plate.
      const width = Math.min(x1 - x0, Math.ceil(widthOf(shown)) + 2 * PADDING + STRIPE);
      return [{ ...caption, shown, x: x0 + (x1 - x0 - width) / 2, y: y0, width, height: y1 - y0 }];
    });
    store.set({ captionSpots });
  }

  function paint(context) {
    const { view, segment, hovered } = store;
    if (scaleOfSpots !== view.scale || !store.hasCaptions) return;
    for (const spot of store.captionSpots) {
      const isLit = spot.layer === segment || (spot.number !== null && spot.number === hovered);
      paintCaption(context, spot, view.x + spot.x, view.y + spot.y, isLit);
    }
  }

  // The whole caption of a region, or of the segment under the pointer, if the picture shows it cut; else "".
  function textUnder(number) {
    const { captionSpots, segment } = store;
    const spot = captionSpots.find((each) => (number ? each.number === number : segment && each.layer === segment));
    return spot && spot.shown !== spot.text ? spot.text : "";
  }

  // Drops the captions of the previous picture.
  function forget() {
    lastKey = "";
    store.set({ captionSpots: [] });
  }

  return { node, ask, paint, textUnder, forget };
}

const boxOf = ({ x, y }, view) =>
  [x - view.x - BADGE_HALF, y - view.y - BADGE_HALF, x - view.x + BADGE_HALF, y - view.y + BADGE_HALF].map(tenth);

// Light letters on a dark plate can be read on any picture.
function paintCaption(context, spot, x, y, isLit) {
  context.beginPath();
  context.roundRect(x, y, spot.width, spot.height, 5);
  context.fillStyle = isLit ? "rgba(10, 14, 20, 0.96)" : "rgba(16, 20, 27, 0.82)";
  context.fill();
  if (isLit) {
    context.lineWidth = 1.5;
    context.strokeStyle = "#fff";
    context.stroke();
  }
  if (spot.color) {
    context.fillStyle = spot.color;
    context.fillRect(x, y + 4, STRIPE, spot.height - 8);
  }
  context.font = FONT;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  context.fillText(spot.shown, x + STRIPE + PADDING - 1, y + spot.height / 2 + 0.5);
}
