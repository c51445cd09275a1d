// The drawer of the settings, which is Gradio's accordion: Escape closes it and gives the focus back to its button.

export function followSettings({ listen }) {
  const button = () => document.querySelector("#settings > button.label-wrap");

  listen(window, "keydown", (event) => {
    const opener = button();
    if (event.key !== "Escape" || event.defaultPrevented || !opener || !opener.classList.contains("open")) return;
    if (!document.querySelector("#settings").contains(event.target) && event.target !== document.body) return;
    event.preventDefault();
    opener.click();
    opener.focus();
  });
}
