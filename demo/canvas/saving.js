// Files that Python makes for a person: the whole conversation as a zip, a region as a picture. They are saved or copied.

import { make, say } from "../shared/elements.js";
import { complain } from "./store.js";

// Milliseconds after which the data of a saved file is freed.
const DOWNLOAD_TIME = 60_000;

// Returns {receive(download), saveRecord, saveCutout(number), copyCutout(number)}.
export function createSaving({ store, words, send }) {
  const asked = new Map(); // number of the gesture -> {resolve, reject} of its file

  // Sends a gesture; the promise is for its answer {name, data}, data in base64.
  function ask(event, data) {
    send(event, data);
    const { seq } = store;
    return new Promise((resolve, reject) => asked.set(seq, { resolve, reject }));
  }

  function receive(download) {
    const request = download && asked.get(download.seq);
    if (!request) return;
    asked.delete(download.seq);
    request.resolve({ name: download.name, data: download.data });
    download.data = "";
  }

  // A gesture that was answered without a file was refused, which Python has told.
  store.follow(["waiting"], () => {
    const open = new Set(store.queue.map(({ gesture }) => gesture.seq));
    if (store.waiting) open.add(store.waiting.seq);
    for (const [seq, { reject }] of asked) {
      if (open.has(seq)) continue;
      asked.delete(seq);
      reject(new Error("refused"));
    }
  });

  const save = (kind, answer) =>
    answer.then(
      ({ name, data }) => {
        const url = URL.createObjectURL(blobOf(data, kind));
        make("a", { href: url, download: name }).click();
        setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_TIME);
      },
      () => {},
    );

  // The clipboard is asked at once, while the click still counts as the person's wish, and gets the picture later.
  async function copyCutout(number) {
    const picture = ask("cut_out", { number }).then(({ data }) => blobOf(data, "image/png"));
    let isRefused = false;
    picture.catch(() => (isRefused = true));
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
      complain(store, say(words.copiedCutout, { number }), true);
    } catch {
      if (!isRefused) complain(store, words.copyRefused);
    }
  }

  return {
    receive,
    saveRecord: () => save("application/zip", ask("save_record", {})),
    saveCutout: (number) => save("image/png", ask("cut_out", { number })),
    copyCutout,
  };
}

const blobOf = (data, type) => new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type });
