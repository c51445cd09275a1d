// The choice of language in the header. It is stored in the browser: as a cookie, so that the page is in that language
// from its first paint, and in local storage, because a page embedded in another one may not set cookies.

import { keep, recall } from "../shared/browser_store.js";

export function mountLanguageChoice({ element, props, trigger, watch, listen }) {
  const label = () => (document.documentElement.lang = props.lang);
  watch(["lang"], label);
  label();

  function choose(language) {
    const attributes = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
    document.cookie = `${props.cookie}=${language}; path=/; max-age=31536000; ${attributes}`;
    keep("language", language);
    trigger("choose_language", { language });
  }

  listen(element, "click", (event) => {
    const button = event.target.closest("[data-language]");
    if (button && button.dataset.language !== props.language) choose(button.dataset.language);
  });

  // If the cookie did not reach Python, the page sends the stored choice again, once after each load.
  const stored = recall("language");
  if (stored && stored !== props.language && !window.ospreyLanguageTold) choose(stored);
  window.ospreyLanguageTold = true;
}
