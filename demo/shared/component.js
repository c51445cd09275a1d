// The life of a component's script: it is mounted at once, and anew whenever its words change, as they do when a person
// switches the language. Knows nothing of what a component shows.

// `host` is what Gradio gives a script: { element, trigger, props, server, upload, watch }. `mount` gets the same, with
//   words: the texts of the component in the language of the person;
//   watch(names, act): calls `act` after Python has changed one of these properties;
//   listen(target, kind, handler, capture): addEventListener for targets outside of what the component draws.
// What an earlier mount watches and listens to ends. A mount has to replace what is in `element`.
export function component(name, host, mount) {
  const run = () => {
    // Kept at the window: Gradio may make the component anew, and runs its script once more without telling the old one.
    const lives = (window.ospreyLives = window.ospreyLives || {});
    if (lives[name]) lives[name].abort();
    const life = (lives[name] = new AbortController());
    mount({
      ...host,
      words: host.props.words,
      watch: (names, act) => host.watch(names, () => life.signal.aborted || act()),
      listen: (target, kind, handler, capture = false) =>
        target.addEventListener(kind, handler, { signal: life.signal, capture }),
    });
  };
  host.watch(["words"], run);
  run();
}

// Components of the page speak to each other by events at the window:
//   osprey:scene      the canvas tells {picture, selected, regions: [{number, key, name, hidden}]}
//   osprey:segments   the canvas tells the rows of the table of everything
//   osprey:regions    the line above the question tells the numbers of the regions there are
//   osprey:captions   the table of everything tells the descriptions, for the canvas to write on the picture
//   osprey:hover      a region is to be lit, by number, or null
//   osprey:select     a region is to be selected, by number
//   osprey:segment    a segment is to be lit, by its place, or null
//   osprey:who        somebody wants to be told the scene
//   osprey:which      somebody wants to be told the segments
export function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(name, { detail }));
}
