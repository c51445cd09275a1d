// The model's details stay open, or closed, when Python sends the header anew.

export function mountDetails({ element, listen, atEnd }) {
  let isOpen = false;
  const details = () => element.querySelector(".osp-model");

  // "toggle" does not bubble; it also comes for details that are replaced, which are no longer in the page.
  listen(
    element,
    "toggle",
    ({ target }) => {
      if (target === details()) isOpen = target.open;
    },
    true,
  );
  const observer = new MutationObserver(() => {
    if (isOpen && details() && !details().open) details().open = true;
  });
  observer.observe(element, { childList: true, subtree: true });
  atEnd(() => observer.disconnect());
}
