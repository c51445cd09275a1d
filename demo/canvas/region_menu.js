// The menu of a region: rename, show or hide, reshape, cut out, merge, subtract. Its length does not depend on how many regions
// there are: of several others, the second of a merge or a subtraction is chosen on the picture.

import { make, say } from "../shared/elements.js";

const RESHAPINGS = ["grow", "shrink", "fill", "largest", "invert"];
// The words of the entry with which the other region is chosen.
const JOININGS = { merge: "mergeAny", subtract: "subtractAny" };

// `rename(region)` opens the field for a name; `choosing` and `saving` are as in choosing.js and saving.js. Returns {toggle(region, opener, event),
// close}.
export function createRegionMenu({ root, store, words, send, rename, choosing, saving, listen }) {
  let menu = null;

  function close() {
    if (menu) menu.remove();
    menu = null;
  }

  function toggle(region, opener, event) {
    event.stopPropagation();
    const isSame = menu && menu.dataset.number === String(region.number);
    close();
    if (!isSame) open(region, opener);
  }

  function open(region, opener) {
    const { number } = region;
    const items = entriesOf(region, opener).map(([text, onclick]) =>
      make("button", { type: "button", role: "menuitem", onclick }, text),
    );
    const label = say(words.more, { number });
    menu = make("div", { class: "osp-menu", role: "menu", "aria-label": label, "data-number": number }, ...items);
    menu.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
      else if (event.key === "Escape") {
        close();
        opener.focus();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
    root.append(menu);
    const [bounds, from] = [root.getBoundingClientRect(), opener.getBoundingClientRect()];
    menu.style.left = `${Math.max(0, Math.min(from.left - bounds.left, bounds.width - menu.offsetWidth))}px`;
    menu.style.bottom = `${bounds.bottom - from.top + 6}px`;
    items[0].focus({ preventScroll: true });
  }

  // Pairs of a label and the function that a click calls.
  function entriesOf(region, opener) {
    const { number } = region;
    const leaveFor = (act) => {
      close();
      opener.focus({ preventScroll: true });
      act();
    };
    const edit = (op, extra) => () => leaveFor(() => send("edit_regions", { op, number, ...extra }));
    const renameRegion = () => {
      close();
      rename(region);
    };
    const others = store.scene.regions.map((each) => each.number).filter((other) => other !== number);
    return [
      [words.rename, renameRegion],
      region.hidden ? [words.show, edit("show")] : [words.hide, edit("hide")],
      ...RESHAPINGS.map((op) => [words[op], edit(op)]),
      [words.saveCutout, () => leaveFor(() => saving.saveCutout(number))],
      [words.copyCutout, () => leaveFor(() => saving.copyCutout(number))],
      ...(others.length ? Object.keys(JOININGS).map((op) => joiningEntry(op)) : []),
    ];

    function joiningEntry(op) {
      const [other] = others;
      if (others.length === 1) return [say(words[op], { other }), edit(op, { other })];
      return [words[JOININGS[op]], () => leaveFor(() => choosing.begin(op, number))];
    }
  }

  listen(window, "pointerdown", (event) => {
    if (menu && !menu.contains(event.target) && !event.target.closest(".osp-more")) close();
  });
  return { toggle, close };
}
