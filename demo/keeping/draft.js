// The question that is being typed, and the one that waits for its answer, are kept in the tab across reloads.

import { questionBox } from "../shared/elements.js";
import { keepInTab, recallInTab } from "../shared/browser_store.js";

const DRAFT = "draft";
const ASKED = "asked";
const BOX_TIME = 10_000; // milliseconds in which the box has to be there
const BOX_PAUSE = 100;

// Returns {bringBackAsked}: puts the question that had no answer into the box, unless something is typed there;
// resolves to {isBack, question}: whether it did, and the question, "" if there was none.
export function followDraft({ listen }) {
  const keepDraft = () => questionBox() && keepInTab(DRAFT, questionBox().value);
  listen(document, "input", ({ target }) => target === questionBox() && keepDraft());
  listen(window, "pagehide", keepDraft);
  // Python empties the box after it has taken the question, without an event of the box.
  listen(window, "osprey:turns", ({ detail }) => {
    if (detail.asked != null) keepInTab(ASKED, detail.asked);
    setTimeout(keepDraft, BOX_PAUSE);
  });

  const asked = recallInTab(ASKED) || ""; // as it was before the page was loaded; the first turns may overwrite it
  const typed = recallInTab(DRAFT) || "";
  const filled = fill(typed);

  async function bringBackAsked() {
    await filled;
    return { isBack: await fill(asked), question: asked };
  }

  return { bringBackAsked };
}

// Writes a text into the question's box once it is there, without taking the focus; resolves to whether it was empty.
async function fill(text) {
  if (!text) return false;
  const end = Date.now() + BOX_TIME;
  while (!questionBox() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, BOX_PAUSE));
  const box = questionBox();
  if (!box || box.value) return false;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}
