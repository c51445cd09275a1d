// Writes a text to the clipboard.

import { make } from "../shared/elements.js";

// `holder` gets the focus back if the text had to be selected for copying.
export async function writeToClipboard(text, holder) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https a page may not write to the clipboard, but a selection may still be copied.
    const spare = make("textarea", { class: "osp-unseen", tabindex: "-1" });
    document.body.append(spare);
    spare.value = text;
    spare.select();
    document.execCommand("copy");
    spare.remove();
    holder.focus();
  }
}
