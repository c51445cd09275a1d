// The state of the canvas: one object that all its modules read and change, and that notifies them of changes.
// Coordinates are pixels of the full picture unless a comment says otherwise.

// Diameters of the brush, in CSS pixels.
export const SMALLEST_BRUSH = 4;
export const LARGEST_BRUSH = 120;

// Of the colour over the pixels of the selected region, 0..1.
export const USUAL_OPACITY = 0.36;

// The view before the canvas has a size.
export const NO_VIEW = { scale: 1, x: 0, y: 0, width: 0, height: 0 };

export function createStore() {
  const followers = [];
  let depth = 0;
  let pending = new Set();

  const store = {
    // What Python sent.
    picture: null, // {id, sheet, width, height, name, image}: the one in front; `image` is an Image element
    pictures: [], // all open ones: [{sheet, name, thumb}]
    scene: { regions: [], selected: null, next: null, canUndo: false, canRedo: false, seq: 0 },
    layers: new Map(), // region number -> layer, see layers.js
    segments: null, // all segments of the picture: {picture, layers}, largest first; null: not requested
    described: null, // captions of the segments: {picture, texts: Map from index to caption}

    // What a person chose.
    tool: "point", // point, box, polygon, brush, everything
    action: "new", // new, add, remove
    brushSize: 28, // diameter in CSS pixels
    fitsMarks: false, // whether the segmenter's best fitting outline replaces a mark of brush or polygon
    hasCaptions: true,

    // What a person is doing.
    cursor: null, // the pointer over the canvas
    cross: null, // the keyboard's cursor
    drag: null, // a mark that is being drawn: {kind, points, action, color, radius, start, pointer, isByFinger, isAimed},
    // or a handle that is dragged: {kind: "handle", handle, points, start, pointer, isByFinger, isRemoving}, see handles.js
    isHand: false, // the pointer pans, whatever the tool
    isPinching: false, // two fingers are on the picture
    corners: null, // a polygon that is being drawn: {kind, points, action, color}
    preview: null, // the layer of what a click at the pointer would mark
    hovered: null, // number of the region under the pointer
    segment: null, // the layer of the segment under the pointer
    found: [], // layers of what a search has found
    choosing: null, // a region's partner is being chosen on the picture: {op: "merge" or "subtract", number}
    renaming: null, // a name that is being typed: {number, input}
    closing: null, // the open picture whose closing waits for a second click: {sheet, timer}
    arriving: null, // a file on its way: {file, share of it that is sent, abort()}
    isLost: false, // the server is away, so that no gesture can be sent

    // Gestures on their way to Python.
    seq: 0, // number of the last gesture: even; the fitting of a mark has the odd number after it
    waiting: null, // the gesture that Python is answering: {seq, name, gesture, isToFit, isAgain, timer}
    queue: [], // the gestures to send next: [{name, gesture, isToFit, isAgain}]; isAgain: it was held
    held: [], // gestures kept until the segmenter has loaded, in their order: [{name, gesture, isToFit}]
    ghosts: [], // marks that stay drawn until Python has answered: drags with `seq` and, if it was held, isHeld

    // What is shown.
    view: NO_VIEW, // where the picture lies on the canvas, see view.js
    detail: null, // the visible part of a large picture at its full size: {picture, box, image}
    opacity: USUAL_OPACITY, // of the colour over the selected region's pixels
    captionSpots: [], // captions that are drawn, see captions.js
    problem: null, // {text, isNote} of a sentence in place of the hint: a problem or only a note
    announcement: null, // {text} for screen readers

    // Changes fields and notifies their followers.
    set(changes) {
      Object.assign(store, changes);
      store.touch(...Object.keys(changes));
    },

    // Notifies followers of fields whose values were changed in place.
    touch(...names) {
      names.forEach((name) => pending.add(name));
      if (!depth) notify();
    },

    // Calls `change` and notifies followers only at its end.
    batch(change) {
      depth += 1;
      try {
        change();
      } finally {
        depth -= 1;
      }
      if (!depth && pending.size) notify();
    },

    // Calls `act` after any of these fields has changed; without names, after any change.
    follow(names, act) {
      followers.push({ names, act });
    },
  };

  function notify() {
    const changed = pending;
    pending = new Set();
    for (const { names, act } of followers) if (!names || names.some((name) => changed.has(name))) act();
  }

  return store;
}

// Shows a sentence in place of the hint for some seconds: a problem, or only a note.
export const complain = (store, text, isNote = false) => store.set({ problem: { text, isNote } });
export const announce = (store, text) => store.set({ announcement: { text } });

export const regionOf = (scene, number) => scene.regions.find((region) => region.number === number);

// Layers of the regions that are not hidden, in the order of the list.
export const shownLayers = ({ scene, layers }) =>
  scene.regions
    .filter((region) => !region.hidden)
    .map((region) => layers.get(region.number))
    .filter(Boolean);

// The colour of the region that the next mark changes or makes.
export function nextColor({ scene, action }) {
  const selected = regionOf(scene, scene.selected);
  if (action !== "new" && selected) return selected.color;
  return scene.next ? scene.next.color : "#e69f00";
}
