// Files and web addresses that are chosen, dropped or pasted anywhere on the page.

import { tell } from "../shared/component.js";
import { make, say } from "../shared/elements.js";
import { complain } from "./store.js";

// A zip is a saved conversation. A JSON file holds masks for the open picture or, without one, a saved conversation.
const isSaved = (name) => /\.(zip|json)$/i.test(name);
export const gestureFor = (name, hasPicture) => (/\.json$/i.test(name) && hasPicture ? "load_masks" : "open_picture");

export const isAddress = (text) => /^https?:\/\/\S+$/i.test(text);

export function createFiles({ store, words, props, send, upload }) {
  const pictureInput = fileInput("image/*,.zip", (file) => open(file));
  const maskInput = fileInput("image/*,.json", (file) => open(file, "load_masks"));

  async function open(file, name = gestureFor(file.name, Boolean(store.picture))) {
    if (file.size > props.limit_mb * 1e6) return complain(store, say(words.tooLarge, { limit: props.limit_mb }));
    const isOther = name === "open_picture" && !isSaved(file.name) && file.type && !file.type.startsWith("image/");
    if (isOther) return complain(store, words.notPicture);
    const picture = store.picture ? store.picture.id : null; // another may be in front after the upload
    store.set({ isUploading: true });
    try {
      const { path, url } = await upload(file);
      const data = { path, url, orig_name: file.name, meta: { _type: "gradio.FileData" } };
      send(name, { picture, file: data });
      tell("osprey:file", file);
    } catch {
      complain(store, words.uploadFailed);
    } finally {
      store.set({ isUploading: false });
    }
  }

  const openAddress = (address) => send("open_picture", { address });

  return {
    inputs: [pictureInput, maskInput],
    open,
    openAddress,
    choosePicture: () => pictureInput.click(),
    chooseMasks: () => maskInput.click(),
  };
}

function fileInput(accept, choose) {
  const input = make("input", { type: "file", accept, class: "osp-file", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => {
    if (input.files.length) choose(input.files[0]);
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
    files.open(event.dataTransfer.files[0]);
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
