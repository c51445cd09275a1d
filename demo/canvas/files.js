// Files and web addresses that are chosen, dropped or pasted anywhere on the page.

import { tell } from "../shared/component.js";
import { make, say } from "../shared/elements.js";
import { droppedFiles, LIMITS } from "./dropped.js";
import { sendFile } from "./sending.js";
import { complain } from "./store.js";

// A zip is a saved conversation. A JSON file holds masks for the open picture or, without one, a saved conversation.
const isSaved = (name) => /\.(zip|json)$/i.test(name);
export const gestureFor = (name, hasPicture) => (/\.json$/i.test(name) && hasPicture ? "load_masks" : "open_picture");

// What a drop of folders leaves out; "" if it leaves out nothing.
export const leftOutInWords = ({ empty, isCut }, words) =>
  [empty.length && say(words.folderEmpty, { name: empty.join(", ") }), isCut && say(words.folderCut, LIMITS)]
    .filter(Boolean)
    .join(" ");

export const isAddress = (text) => /^https?:\/\/\S+$/i.test(text);

// Milliseconds in which the page notices that the server is gone.
const NOTICE_TIME = 15_000;

export function createFiles({ store, words, props, send }) {
  const pictureInput = fileInput("image/*,.zip", (files) => openAll(files), true);
  const maskInput = fileInput("image/*,.json", ([file]) => open(file, "load_masks"));
  let last = Promise.resolve(); // files are sent one after another

  // Sends the file and has Python open it; what cannot be opened is told at once.
  function open(file, name = gestureFor(file.name, Boolean(store.picture))) {
    const refuse = (sentence) => complain(store, `${file.name}: ${sentence}`);
    if (file.size > props.limit_mb * 1e6) return refuse(say(words.tooLarge, { limit: props.limit_mb }));
    const isOther = name === "open_picture" && !isSaved(file.name) && file.type && !file.type.startsWith("image/");
    if (isOther) return refuse(words.notPicture);
    const picture = store.picture ? store.picture.id : null; // another may be in front after the upload
    if (name === "open_picture") tell("osprey:arriving", file);
    last = last.then(() => sendAndOpen(file, name, picture));
  }

  const openAll = (files) => [...files].forEach((file) => open(file));

  async function openDropped(transfer) {
    const { files, empty, isCut } = await droppedFiles(transfer);
    const sentence = leftOutInWords({ empty, isCut }, words);
    if (sentence) complain(store, sentence);
    openAll(files);
  }

  async function sendAndOpen(file, name, picture) {
    const giving = new AbortController();
    const show = (share) => store.set({ arriving: { file, share, abort: () => giving.abort() } });
    show(0);
    try {
      const data = await sendFile(file, { progress: show, signal: giving.signal });
      show(1);
      send(name, { picture, file: data });
      tell("osprey:file", file);
      await answer();
      tell("osprey:arrived", file);
    } catch (error) {
      // Where the line broke because the server is gone, the page sends the file again once it is back.
      const forget = () => store.isLost || tell("osprey:arrived", file);
      if (error.isCut) setTimeout(forget, NOTICE_TIME);
      else forget();
      if (error.name !== "AbortError") complain(store, error.message || words.uploadFailed);
    } finally {
      store.set({ arriving: null });
    }
  }

  // Resolves once Python has answered the gesture that was sent last, or it was given up.
  let onAnswers = () => {};
  store.follow(["waiting"], () => onAnswers());
  function answer() {
    const { seq } = store;
    const isOpen = () =>
      (store.waiting && store.waiting.seq <= seq) || store.queue.some(({ gesture }) => gesture.seq <= seq);
    return new Promise((resolve) => {
      onAnswers = () => isOpen() || resolve();
      onAnswers();
    });
  }

  const openAddress = (address) => send("open_picture", { address });

  return {
    inputs: [pictureInput, maskInput],
    open,
    openDropped,
    openAddress,
    choosePicture: () => pictureInput.click(),
    chooseMasks: () => maskInput.click(),
  };
}

function fileInput(accept, choose, isMultiple = false) {
  const look = { class: "osp-file", tabindex: "-1", "aria-hidden": "true" };
  const input = make("input", { type: "file", accept, multiple: isMultiple, ...look });
  input.addEventListener("change", () => {
    if (input.files.length) choose([...input.files]);
    input.value = "";
  });
  return input;
}

// A drag of files shows a veil over `stage` by the class osp-dropping. `opensAddresses`: whether pasted addresses are
// opened.
export function followDropsAndPastes({ listen, stage, files, opensAddresses }) {
  const hasFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  listen(window, "dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    stage.classList.add("osp-dropping");
  });
  listen(window, "dragleave", (event) => {
    if (!event.relatedTarget) stage.classList.remove("osp-dropping");
  });
  listen(window, "drop", (event) => {
    stage.classList.remove("osp-dropping");
    if (!hasFile(event) || !event.dataTransfer.files.length) return;
    event.preventDefault();
    files.openDropped(event.dataTransfer);
  });
  listen(window, "paste", (event) => {
    const pasted = [...((event.clipboardData && event.clipboardData.files) || [])];
    const picture = pasted.find((file) => file.type.startsWith("image/"));
    if (picture) {
      event.preventDefault();
      files.open(picture);
    } else if (opensAddresses) openPastedAddress(event);
  });

  function openPastedAddress(event) {
    const address = event.clipboardData ? event.clipboardData.getData("text/plain").trim() : "";
    const isInText = event.target.closest && event.target.closest("input, textarea, [contenteditable]");
    if (!isAddress(address) || isInText) return;
    event.preventDefault();
    files.openAddress(address);
  }
}
