// The queue of gestures to Python. They are sent one at a time: the component has a single value, and regions must be
// made in the order of the gestures.

// Milliseconds after which a gesture without an answer is given up.
const PATIENCE = 120_000;
// Milliseconds until a gesture is sent again for which the segmenter was still loading.
const LOADING_PAUSE = 1000;
// The gestures that need the segmenter.
const SEGMENTING = ["segment_point", "segment_box", "segment_everything", "take_segment"];

// `block()` is called instead of sending while the server is away.
export function createGestures({ store, props, trigger, block = () => {} }) {
  // Sends an event of this name with this data. `ghost` is a mark that stays drawn until Python has answered.
  // `isToFit`: whether the outline that fits the mark best replaces it, once Python has made it a region.
  function send(name, data, { ghost = null, isToFit = false } = {}) {
    if (store.isLost) return block();
    const seq = store.seq + 2;
    const gesture = { seq, ...ofFront(), ...data };
    const entry = { name, gesture, isToFit };
    // Regions are made in the order of the gestures.
    const isHeld = SEGMENTING.includes(name) && (store.held.length > 0 || isTriedAgain());
    // What a mark is fitted to must be the last that was drawn.
    const kept = ghost ? store.held.filter((held) => held.name !== "refine_mark") : store.held;
    store.set({
      seq,
      ghosts: ghost
        ? [...store.ghosts, { ...ghost, seq, sheet: gesture.made_on, ...(isHeld && { isHeld }) }]
        : store.ghosts,
      held: isHeld ? [...kept, entry] : kept,
      queue: isHeld ? store.queue : [...store.queue, entry],
    });
    sendNext();
  }

  const ofFront = () =>
    store.picture ? { picture: store.picture.id, made_on: store.picture.sheet } : { picture: null };

  function sendNext() {
    if (store.waiting || !store.queue.length) return;
    const [{ name, gesture, isToFit, isAgain }, ...queue] = store.queue;
    const timer = setTimeout(() => settle(gesture.seq), PATIENCE);
    store.set({ queue, waiting: { seq: gesture.seq, name, gesture, isToFit, isAgain, timer } });
    props.value = gesture;
    trigger(name);
  }

  // Called when Python has answered the gesture of this number, and thereby all before it that are not held.
  function settle(seq) {
    if (store.waiting && store.waiting.isAgain && seq >= store.waiting.seq) {
      const done = store.waiting.gesture.seq;
      store.set({ held: store.held.filter(({ gesture }) => gesture.seq !== done) });
    }
    const held = new Set(store.held.map(({ gesture }) => gesture.seq));
    store.set({ ghosts: store.ghosts.filter((ghost) => ghost.seq > seq || held.has(ghost.seq)) });
    if (store.waiting && seq >= store.waiting.seq) {
      clearTimeout(store.waiting.timer);
      const { isAgain } = store.waiting;
      store.set({ waiting: null });
      if (isAgain) sendHeld(); // the segmenter is there now
    }
    sendNext();
  }

  // Called when Python could not yet do the gesture of this number, because the segmenter is loading.
  function hold(seq) {
    const { waiting } = store;
    if (!waiting || waiting.seq !== seq) return settle(seq);
    const { name, gesture, isToFit, isAgain, timer } = waiting;
    clearTimeout(timer);
    // Those that wait behind it need the segmenter too: it may be there before they are sent.
    const behind = store.queue.filter((entry) => SEGMENTING.includes(entry.name));
    const added = isAgain ? [] : [{ name, gesture, isToFit }, ...behind];
    const seqs = new Set(added.map((entry) => entry.gesture.seq));
    store.set({
      waiting: null,
      held: [...store.held, ...added],
      queue: store.queue.filter((entry) => !added.includes(entry)),
      ghosts: store.ghosts.map((ghost) => (seqs.has(ghost.seq) ? { ...ghost, isHeld: true } : ghost)),
    });
    setTimeout(sendHeld, LOADING_PAUSE);
    sendNext();
  }

  // Sends the first gesture that is held again, with a new number, because its old one may be answered already. It stays
  // held until it is done.
  function sendHeld() {
    if (!store.held.length || isTriedAgain() || store.isLost) return;
    const [{ name, gesture, isToFit }, ...others] = store.held;
    const seq = store.seq + 2;
    const entry = { name, gesture: { ...gesture, seq }, isToFit };
    store.set({
      seq,
      held: [entry, ...others],
      ghosts: store.ghosts.map((ghost) => (ghost.seq === gesture.seq ? { ...ghost, seq } : ghost)),
      queue: [...store.queue, { ...entry, isAgain: true }],
    });
    sendNext();
  }

  const isTriedAgain = () => [store.waiting, ...store.queue].some((entry) => entry && entry.isAgain);

  // Drops the gesture that was held last for the picture in front, with its mark.
  function dropHeld() {
    const { gesture } = heldHere(store).at(-1);
    const isAnother = (entry) => entry.gesture.seq !== gesture.seq;
    const isQueued = !store.queue.every(isAnother);
    store.set({
      held: store.held.filter(isAnother),
      queue: store.queue.filter(isAnother),
      ghosts: store.ghosts.filter((ghost) => ghost.seq !== gesture.seq),
    });
    if (isQueued) sendHeld(); // those that are held wait for the answer to the one that is tried again
  }

  // Queues the fitting of the mark that Python has just answered, before all other gestures.
  function fitNow() {
    const gesture = { seq: store.waiting.seq + 1, ...ofFront() };
    store.set({ queue: [{ name: "refine_mark", gesture, isToFit: false }, ...store.queue] });
  }

  // Called when another picture comes to the front. Held marks stay: they name the picture that they were made on. Only
  // the search for all segments is dropped, which is made again for each picture in front.
  function leavePicture() {
    keepHeld(({ name }) => name !== "segment_everything");
    const seqs = new Set(store.held.map(({ gesture }) => gesture.seq));
    store.set({ ghosts: store.ghosts.filter(({ seq }) => seqs.has(seq)) });
  }

  // Called with the ids of the sheets that are open: marks on a picture that was closed go with it.
  function keepOpen(sheets) {
    keepHeld(({ gesture }) => sheets.includes(gesture.made_on));
  }

  function keepHeld(isKept) {
    const dropped = new Set(store.held.filter((entry) => !isKept(entry)).map(({ gesture }) => gesture.seq));
    if (!dropped.size) return;
    store.set({
      held: store.held.filter(isKept),
      queue: store.queue.filter(({ gesture }) => !dropped.has(gesture.seq)),
      ghosts: store.ghosts.filter(({ seq }) => !dropped.has(seq)),
    });
    sendHeld(); // the one that is tried again may be among those dropped
  }

  store.follow(["isLost"], sendHeld);
  return { send, settle, hold, dropHeld, fitNow, leavePicture, keepOpen };
}

// The gestures that are held for the picture in front.
export const heldHere = ({ held, picture }) =>
  held.filter(({ gesture }) => Boolean(picture) && gesture.made_on === picture.sheet);

// The sentence that says what the page is waiting for, or "".
export function busyText({ waiting, arriving, held = [] }, words) {
  const name = waiting ? waiting.name : "";
  if (held.length || (waiting && waiting.isAgain)) return words.segmenterLoading;
  if (arriving || name === "open_picture" || name === "turn_to_picture") return words.opening;
  if (name === "refine_mark") return words.fitting;
  if (name === "segment_point" || name === "segment_box") return words.finding;
  if (name === "segment_everything") return words.findingAll;
  return "";
}
