// The life cycle of a component's script: it is mounted at once, and again whenever its words change, that is, when a
// person switches the language.

// `host` is what Gradio passes to a script: { element, trigger, props, server, upload, watch }. `mount` gets the same,
// with
//   words: the texts of the component in the language of the person;
//   watch(names, act): calls `act` after Python has changed one of these properties;
//   listen(target, kind, handler, capture): addEventListener for targets outside of what the component draws;
//   atEnd(act): calls `act` when this mount ends.
// Watchers and listeners of an earlier mount end. A mount has to replace what is in `element`.
export function component(name, host, mount) {
  const run = () => {
    // Stored at the window: Gradio may make the component again, and then runs its script without ending the old one.
    const lives = (window.ospreyLives = window.ospreyLives || {});
    if (lives[name]) lives[name].abort();
    const life = (lives[name] = new AbortController());
    mount({
      ...host,
      words: host.props.words,
      watch: (names, act) => host.watch(names, () => life.signal.aborted || act()),
      listen: (target, kind, handler, capture = false) =>
        target.addEventListener(kind, handler, { signal: life.signal, capture }),
      atEnd: (act) => life.signal.addEventListener("abort", act),
    });
  };
  host.watch(["words"], run);
  run();
}

// Components of the page communicate by events at the window:
//   osprey:scene      from the canvas: {picture, selected, regions: [{number, key, name, hidden}]}
//   osprey:segments   from the canvas: the rows of the table of segments
//   osprey:regions    from the line above the question: the numbers of all regions
//   osprey:captions   from the table of segments: the captions, which the canvas draws on the picture
//   osprey:hover      highlight a region, by number, or none (null)
//   osprey:select     select a region, by number
//   osprey:segment    highlight a segment, by index, or none (null)
//   osprey:describe   request to describe all segments
//   osprey:found      from the search field: the masks of the segments to light
//   osprey:who        request for osprey:scene
//   osprey:which      request for osprey:segments
//   osprey:turns      from the conversation: {asked}: the question that waits for its answer, or ""
//   osprey:file       from the canvas: a File that was uploaded
//   osprey:arriving   from the canvas: a File is going to be sent and opened
//   osprey:arrived    from the canvas: the same File, once it was opened, refused or given up
//   osprey:send       request to send and open a File
//   osprey:connection from the browser's copy: {isLost}: whether the server is away
//   osprey:blocked    from the canvas: a gesture was not sent because the server is away
//   osprey:forgotten  from the canvas: the server knows nothing of the picture that is shown
export function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(name, { detail }));
}
