// The choice of language in the header. Runs after `chat_help.js` and shares its `listen`. A choice is kept in the
// browser, as a cookie so that the page is in that language from its first paint, and beside it in the browser's store,
// for where a page inside another one may set no cookies.

const CHOICE = "osprey:language";
const speak = () => (document.documentElement.lang = props.lang);
watch(Object.keys({ lang: 0 }), speak);
speak();

function kept() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

function keep(language) {
  const inside = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  document.cookie = `${props.cookie}=${language}; path=/; max-age=31536000; ${inside}`;
  try {
    localStorage.setItem(CHOICE, language);
  } catch {
    /* the cookie may do */
  }
}

function choose(language) {
  keep(language);
  trigger("choose_language", { language });
}

listen(element, "click", (event) => {
  const button = event.target.closest("[data-language]");
  if (button && button.dataset.language !== props.language) choose(button.dataset.language);
});

// The cookie did not get through: say it again, once.
if (kept() && kept() !== props.language && !window.ospreyLanguageTold) choose(kept());
window.ospreyLanguageTold = true;
