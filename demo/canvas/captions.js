// Captions on the picture, in the browser: names of regions, and what "describe everything" said of the segments. It
// stands in front of `canvas.js` in the same function, asks Python where they fit, and draws them there. Which texts
// there are and how wide they are is known here; where a rectangle may go is not.

const CAPTION = { font: "600 12.5px system-ui, sans-serif", high: 21, pad: 7, stripe: 4, least: 52, longest: 220, share: 0.25 };

let described = null; // {picture, texts: Map from place among the segments to words}
let captionSpots = []; // what is drawn: {text, shown, color, x, y, width, height, number}, CSS pixels from the picture's corner
let captionsAsked = "[]"; // what was last asked for
let captionsScale = 0; // the scale that the spots are for
let captionTimer = 0;

const captionInput = make("input", { type: "checkbox", checked: true });
const captionBox = make("label", { class: "osp-fit osp-captions", title: W.captionsTip }, captionInput, make("span", {}, W.captions));
captionInput.addEventListener("change", () => draw());

const textsOf = () => (described && picture && described.picture === picture.id ? described.texts : new Map());

// Regions first, by size; then, while everything is outlined, the segments that are no region yet.
function captionsThereAre() {
  if (!picture) return [];
  const texts = textsOf();
  const byKey = new Map((segments ? segments.layers : []).map((layer) => [layer.key, texts.get(layer.index)]));
  const found = [];
  for (const region of scene.regions) {
    const text = region.name || byKey.get(region.key);
    const layer = layers.get(region.number);
    if (text && layer && !region.hidden) found.push({ text, layer, color: region.color, number: region.number });
  }
  if (tool !== "everything" || !segments) return found;
  const taken = new Set(scene.regions.map((region) => region.key));
  for (const layer of segments.layers) {
    const text = texts.get(layer.index);
    // A part that is called as the whole around it says nothing new.
    const repeated = found.some((other) => other.text === text && holds(other.layer, ...middleOf(layer)));
    if (text && !taken.has(layer.key) && !repeated) found.push({ text, layer, color: null, number: null });
  }
  return found;
}

function middleOf(layer) {
  const [wide, high] = layer.region.size;
  const [x0, y0] = layer.region.box;
  return [((x0 + layer.anchor[0]) * picture.width) / wide, ((y0 + layer.anchor[1]) * picture.height) / high];
}

const tenth = (value) => Math.round(value * 10) / 10;

// Called with every drawing; asks only if something has changed.
function placeCaptions(context, badges) {
  const there = captionsThereAre();
  captionBox.classList.toggle("osp-on", there.length > 0);
  const wanted = captionInput.checked ? there : [];
  context.font = CAPTION.font;
  const size = [picture.width * fit.scale, picture.height * fit.scale].map(tenth);
  let room = CAPTION.share * size[0] * size[1]; // the picture is still to be seen
  const all = wanted.map(({ text, layer }) => {
    const [x, y, width, height, unit, unitY] = rectOf(layer);
    const whole = Math.ceil(context.measureText(text).width) + 2 * CAPTION.pad + CAPTION.stripe;
    const least = Math.min(whole, CAPTION.least);
    return {
      box: [x - fit.x, y - fit.y, x - fit.x + width, y - fit.y + height].map(tenth),
      anchor: [x - fit.x + layer.anchor[0] * unit, y - fit.y + layer.anchor[1] * unitY].map(tenth),
      width: Math.min(whole, CAPTION.longest), height: CAPTION.high, least,
    };
  });
  const rows = [];
  const told = wanted.filter(({ number }, index) => {
    room -= all[index].width * all[index].height;
    const kept = number !== null || room >= 0;
    if (kept) rows.push(all[index]);
    return kept;
  });
  const taken = badges.map(([, x, y]) => [x - fit.x - 15, y - fit.y - 15, x - fit.x + 15, y - fit.y + 15].map(tenth));
  const request = { captions: rows, size, taken };
  const key = JSON.stringify(rows.length ? [request, told.map(({ text, color }) => [text, color])] : []);
  if (key === captionsAsked) return;
  captionsAsked = key;
  clearTimeout(captionTimer);
  if (!rows.length) return showCaptions([], []);
  captionTimer = setTimeout(async () => {
    try {
      const spots = await server.place_captions(request);
      if (key === captionsAsked) showCaptions(told, spots);
    } catch {
      if (key === captionsAsked) captionsAsked = ""; // asked again with the next drawing
    }
  }, 30);
}

function showCaptions(wanted, spots) {
  const context = canvas.getContext("2d");
  context.font = CAPTION.font;
  captionsScale = fit.scale;
  captionSpots = wanted.flatMap(({ text, color, number, layer }, index) => {
    if (!spots[index]) return [];
    const [x0, y0, x1, y1] = spots[index];
    const room = x1 - x0 - 2 * CAPTION.pad - CAPTION.stripe;
    return [{ text, color, number, layer, shown: shortened(context, text, room), x: x0, y: y0, width: x1 - x0, height: y1 - y0 }];
  });
  // For tests: what is written where, in pixels of the picture.
  const told = captionSpots.map((spot) => ({
    text: spot.text, shown: spot.shown, box: [spot.x, spot.y, spot.x + spot.width, spot.y + spot.height].map((value) => value / fit.scale),
  }));
  canvas.dataset.captions = JSON.stringify(told);
  draw();
}

function shortened(context, text, room) {
  if (context.measureText(text).width <= room + 0.5) return text;
  const letters = [...text];
  while (letters.length > 1 && context.measureText(`${letters.join("").trimEnd()}…`).width > room) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

// Light letters on a dark plate: readable on any picture.
function paintCaptions(context) {
  if (captionsScale !== fit.scale || !captionInput.checked) return;
  for (const spot of captionSpots) {
    const [x, y] = [fit.x + spot.x, fit.y + spot.y];
    const lit = spot.layer === segment || (spot.number !== null && spot.number === hovered);
    context.beginPath();
    context.roundRect(x, y, spot.width, spot.height, 5);
    context.fillStyle = lit ? "rgba(10, 14, 20, 0.96)" : "rgba(16, 20, 27, 0.82)";
    context.fill();
    if (lit) {
      context.lineWidth = 1.5;
      context.strokeStyle = "#fff";
      context.stroke();
    }
    if (spot.color) {
      context.fillStyle = spot.color;
      context.fillRect(x, y + 4, CAPTION.stripe, spot.height - 8);
    }
    context.font = CAPTION.font;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillStyle = "#fff";
    context.fillText(spot.shown, x + CAPTION.stripe + CAPTION.pad - 1, y + spot.height / 2 + 0.5);
  }
}

// The whole words of what is under the pointer, where the picture has room for their beginning only.
function captionTold(number) {
  const spot = captionSpots.find((each) => (number ? each.number === number : segment && each.layer === segment));
  return spot && spot.shown !== spot.text ? spot.text : "";
}
