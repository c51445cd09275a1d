// The choice of language in the header. A choice is kept in the browser: as a cookie, so that the page is in that
// language from its first paint, and in the browser's store, because a page inside another one may not set cookies.

import { keep, recall } from "../shared/browser_store.js";

export function mountLanguageChoice({ element, props, trigger, watch, listen }) {
  const label = () => (document.documentElement.lang = props.lang);
  watch(["lang"], label);
  label();

  function choose(language) {
    const inside = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
    document.cookie = `${props.cookie}=${language}; path=/; max-age=31536000; ${inside}`;
    keep("language", language);
    trigger("choose_language", { language });
  }

  listen(element, "click", (event) => {
    const button = event.target.closest("[data-language]");
    if (button && button.dataset.language !== props.language) choose(button.dataset.language);
  });

  // Where the cookie did not reach Python, the page tells the choice once more, once in the life of the page.
  const kept = recall("language");
  if (kept && kept !== props.language && !window.ospreyLanguageTold) choose(kept);
  window.ospreyLanguageTold = true;
}
