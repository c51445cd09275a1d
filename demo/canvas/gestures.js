// The queue of gestures to Python. They are sent one at a time: the component has a single value, and regions must be
// made in the order of the gestures.

// Milliseconds after which a gesture without an answer is given up.
const PATIENCE = 120_000;

// `block()` is called instead of sending while the server is away.
export function createGestures({ store, props, trigger, block = () => {} }) {
  // Sends an event of this name with this data. `ghost` is a mark that stays drawn until Python has answered.
  // `isToFit`: whether the outline that fits the mark best replaces it, once Python has made it a region.
  function send(name, data, { ghost = null, isToFit = false } = {}) {
    if (store.isLost) return block();
    const seq = store.seq + 2;
    const gesture = { seq, picture: store.picture ? store.picture.id : null, ...data };
    store.set({
      seq,
      ghosts: ghost ? [...store.ghosts, { ...ghost, seq }] : store.ghosts,
      queue: [...store.queue, { name, gesture, isToFit }],
    });
    sendNext();
  }

  function sendNext() {
    if (store.waiting || !store.queue.length) return;
    const [{ name, gesture, isToFit }, ...queue] = store.queue;
    const timer = setTimeout(() => settle(gesture.seq), PATIENCE);
    store.set({ queue, waiting: { seq: gesture.seq, name, isToFit, timer } });
    props.value = gesture;
    trigger(name);
  }

  // Called when Python has answered the gesture of this number, and thereby all before it.
  function settle(seq) {
    store.set({ ghosts: store.ghosts.filter((ghost) => ghost.seq > seq) });
    if (store.waiting && seq >= store.waiting.seq) {
      clearTimeout(store.waiting.timer);
      store.set({ waiting: null });
    }
    sendNext();
  }

  // Queues the fitting of the mark that Python has just answered, before all other gestures.
  function fitNow() {
    const gesture = { seq: store.waiting.seq + 1, picture: store.picture.id };
    store.set({ queue: [{ name: "refine_mark", gesture, isToFit: false }, ...store.queue] });
  }

  return { send, settle, fitNow };
}

// The sentence that says what the page is waiting for, or "".
export function busyText({ waiting, arriving }, words) {
  const name = waiting ? waiting.name : "";
  if (arriving || name === "open_picture" || name === "turn_to_picture") return words.opening;
  if (name === "refine_mark") return words.fitting;
  if (name === "segment_point" || name === "segment_box") return words.finding;
  if (name === "segment_everything") return words.findingAll;
  return "";
}
