// Light or dark: as the system, until a person chooses with the button in the header. Stored in the browser.

import { keep, recall } from "../shared/browser_store.js";
import { icon } from "../shared/icons.js";

export function mountTheme({ element, listen, watch }) {
  const isDark = () => document.body.classList.contains("dark");

  function show() {
    const stored = recall("theme");
    if (stored) document.body.classList.toggle("dark", stored === "dark");
    const button = element.querySelector(".osp-theme");
    if (button) button.replaceChildren(icon(isDark() ? "sun" : "moon"));
  }

  listen(element, "click", (event) => {
    if (!event.target.closest(".osp-theme")) return;
    keep("theme", isDark() ? "light" : "dark");
    show();
  });
  // Python sends the header anew while something loads, and Gradio follows the system's setting.
  watch(["value"], () => setTimeout(show));
  new MutationObserver(() => element.querySelector(".osp-theme:empty") && show()).observe(element, {
    childList: true,
    subtree: true,
  });
  show();
}
