// The picture that is on its way, over the stage: the browser's own copy of it, how much is sent, and a button that gives
// it up.

import { make, say } from "../shared/elements.js";

// `store.arriving` is {file, share, abort}, see store.js.
export function createArriving({ store, words }) {
  const image = make("img", { alt: "" });
  const bar = make("progress", { max: 1, value: 0 });
  const note = make("span", { role: "status" });
  const cancel = make(
    "button",
    { type: "button", onclick: () => store.arriving && store.arriving.abort() },
    words.sendingCancel,
  );
  const line = make("div", { class: "osp-arriving-line" }, note, bar, cancel);
  const node = make("div", { class: "osp-arriving", hidden: true }, image, line);
  image.onload = () => node.classList.add("osp-seen");

  let shown = null; // the file whose copy is shown
  let url = "";
  function showCopy(file) {
    if (file === shown) return;
    shown = file;
    node.classList.remove("osp-seen");
    URL.revokeObjectURL(url);
    url = file ? URL.createObjectURL(file) : "";
    if (url) image.src = url;
    else image.removeAttribute("src");
  }

  store.follow(["arriving"], () => {
    const { arriving } = store;
    node.hidden = !arriving;
    showCopy(arriving ? arriving.file : null);
    if (!arriving) return;
    const { share, file } = arriving;
    const isSent = share >= 1;
    bar.value = share;
    cancel.hidden = isSent;
    note.textContent = isSent
      ? words.opening
      : say(words.sending, { name: file.name, percent: Math.floor(share * 100) });
  });
  return node;
}
