// The second region of a merge or a subtraction, chosen with a click on the picture or in the list.

import { isInside, regionAt, toPicture } from "./geometry.js";
import { regionOf } from "./store.js";

// Returns {begin(op, number), choose(number)}. `choose` says whether the click on a region was such a choice.
export function createChoosing({ store, send }) {
  function begin(op, number) {
    store.set({ choosing: { op, number } });
  }

  function choose(other) {
    const { choosing } = store;
    if (!choosing) return false;
    const { op, number } = choosing;
    if (other === number || !regionOf(store.scene, other)) return true; // go on choosing
    store.set({ choosing: null });
    send("edit_regions", { op, number, other });
    return true;
  }

  const cancel = () => store.choosing && store.set({ choosing: null });
  store.follow(["picture", "tool", "action"], cancel);
  store.follow(["scene"], () => store.choosing && !regionOf(store.scene, store.choosing.number) && cancel());
  return { begin, choose, cancel };
}

// Clicks on the picture and Escape while a region is being chosen; before all other listeners, so that nothing is marked.
export function followChoosing({ canvas, store, choosing, listen }) {
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (!store.choosing || !store.picture || event.button !== 0 || store.isHand) return;
      const bounds = canvas.getBoundingClientRect();
      const point = toPicture(store.view, [event.clientX - bounds.left, event.clientY - bounds.top]);
      const others = store.scene.regions.filter(({ number }) => number !== store.choosing.number);
      const region = isInside(store.picture, point) && regionAt(others, store.layers, store.picture, point);
      event.stopImmediatePropagation();
      if (region) choosing.choose(region.number);
    },
    true,
  );
  const onKey = (event) => {
    if (event.key !== "Escape" || !store.choosing) return;
    choosing.cancel();
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  listen(window, "keydown", onKey, true);
}
