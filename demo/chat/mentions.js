// Naming regions while typing a question: `@` opens a list of the marked ones, and a suggested question fills the box.
// Gradio runs this text as a function of (element, trigger, props, server, upload, watch), with `elements.js` in
// front of it. It knows the regions as {number, percent, name}, not their pixels.

const listen = listener("mentions");

let regions = [];
let open = null; // {start, end, found, active}: the @ and what follows it, and the regions that fit

const list = make("ul", { class: "osp-pop", id: "osp-pop", role: "listbox", "aria-label": W.pick, hidden: true });
const live = make("div", { class: "osp-unseen osp-pop-live", "aria-live": "polite" });
document.querySelectorAll("#osp-pop, .osp-pop-live").forEach((old) => old.remove());
(element.closest(".gradio-container") || document.body).append(list);
element.parentElement.append(live);

// ---- finding --------------------------------------------------------------------------------------------------------

// The mention that is being typed at the caret: an @ that is not inside a word, and at most a short word after it.
function begun(box) {
  if (box.selectionStart !== box.selectionEnd) return null;
  const before = box.value.slice(0, box.selectionStart);
  const match = before.match(/(^|[^\p{L}\p{N}_@])@([\p{L}\p{N}_-]{0,24})$/u);
  return match && { start: before.length - match[2].length - 1, end: box.selectionStart, text: match[2].toLowerCase() };
}

function fitting(text) {
  return regions.filter((region) => String(region.number).startsWith(text) || (text && region.name.toLowerCase().includes(text)));
}

function look() {
  const box = questionBox();
  const mention = box && document.activeElement === box && begun(box);
  const found = mention ? fitting(mention.text) : [];
  // A number that is complete and unlike any longer one needs no list.
  const complete = found.length === 1 && mention.text === String(found[0].number);
  if (!found.length || complete) return close();
  const before = open && open.found[open.active];
  const active = Math.max(0, found.findIndex((region) => before && region.number === before.number));
  const isNew = !open;
  open = { ...mention, found, active };
  show(box);
  if (isNew) live.textContent = say(W.pickMany, { count: found.length });
}

// ---- the list -------------------------------------------------------------------------------------------------------

function show(box) {
  const options = open.found.map((region, place) => {
    const badge = make("span", { class: `osp-chip osp-c${(region.number - 1) % props.colors}` }, String(region.number));
    const label = region.name || say(W.region, region);
    const note = region.name ? region.percent : "";
    const chosen = place === open.active;
    const option = make(
      "li",
      { role: "option", id: `osp-pop-${region.number}`, "aria-selected": String(chosen), "data-region": region.number },
      thumbnail(region.number), badge, make("span", { class: "osp-pop-name" }, label), make("span", { class: "osp-pop-note" }, note || region.percent),
    );
    option.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
    option.addEventListener("click", () => choose(place));
    option.addEventListener("pointermove", () => move(place));
    return option;
  });
  list.replaceChildren(...options);
  list.hidden = false;
  const bounds = box.getBoundingClientRect();
  const width = Math.min(300, window.innerWidth - 16);
  list.style.width = `${width}px`;
  list.style.left = `${Math.max(8, Math.min(bounds.left, window.innerWidth - width - 8))}px`;
  const above = bounds.top > 250 || bounds.top > window.innerHeight - bounds.bottom;
  list.style.maxHeight = `${Math.min(280, (above ? bounds.top : window.innerHeight - bounds.bottom) - 16)}px`;
  list.style.top = above ? "auto" : `${bounds.bottom + 6}px`;
  list.style.bottom = above ? `${window.innerHeight - bounds.top + 6}px` : "auto";
  for (const [name, value] of [["role", "combobox"], ["aria-haspopup", "listbox"], ["aria-expanded", "true"], ["aria-controls", list.id], ["aria-autocomplete", "list"]])
    box.setAttribute(name, value);
  mark(box);
}

function mark(box) {
  [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === open.active)));
  const active = list.children[open.active];
  box.setAttribute("aria-activedescendant", active.id);
  active.scrollIntoView({ block: "nearest" });
  window.dispatchEvent(new CustomEvent("osprey:hover", { detail: open.found[open.active].number }));
}

function move(place) {
  if (!open || open.active === place) return;
  open.active = (place + open.found.length) % open.found.length;
  mark(questionBox());
}

function close() {
  if (!open) return;
  open = null;
  list.hidden = true;
  live.textContent = "";
  const box = questionBox();
  for (const name of ["role", "aria-haspopup", "aria-expanded", "aria-controls", "aria-autocomplete", "aria-activedescendant"])
    if (box) box.removeAttribute(name);
  window.dispatchEvent(new CustomEvent("osprey:hover", { detail: null }));
}

function choose(place) {
  const { start, end, found } = open;
  const box = questionBox();
  const after = box.value.slice(end);
  const word = `@${found[place].number}${/^[\s.,;:!?)]/.test(after) ? "" : " "}`;
  close();
  fillQuestion(box.value.slice(0, start) + word + after, start + word.length);
  close(); // filling is typing, too
}

// The picture's own list has thumbnails already; without one the number and its colour say enough.
function thumbnail(number) {
  const there = document.querySelector(`#canvas [data-number="${number}"] canvas`);
  if (!there) return null;
  const copy = make("canvas", { width: there.width, height: there.height, "aria-hidden": "true" });
  copy.getContext("2d").drawImage(there, 0, 0);
  return copy;
}

// ---- typing ---------------------------------------------------------------------------------------------------------

const inBox = (event) => event.target === questionBox();
listen(document, "input", (event) => inBox(event) && look());
listen(document, "click", (event) => inBox(event) && look());
listen(document, "keyup", (event) => inBox(event) && /^(Arrow(Left|Right)|Home|End)$/.test(event.key) && look());
listen(document, "focusout", (event) => inBox(event) && close());
listen(window, "resize", () => close());
// Before Gradio's own listeners: Enter chooses here, and asks only while no list is open.
listen(window, "keydown", (event) => {
  if (!open || !inBox(event) || event.isComposing) return;
  if (event.key === "ArrowDown") move(open.active + 1);
  else if (event.key === "ArrowUp") move(open.active - 1);
  else if (event.key === "Enter" || event.key === "Tab") choose(open.active);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// ---- suggested questions, and the regions there are -----------------------------------------------------------------

listen(element, "click", (event) => {
  const text = event.target.dataset && event.target.dataset.fill;
  if (text) fillQuestion(text);
});

function receive() {
  regions = props.regions || [];
  window.dispatchEvent(new CustomEvent("osprey:regions", { detail: regions.map((region) => region.number) }));
  if (open) look();
}

// Written as keys, not as quoted names: Gradio takes quoted words in this text for names of events.
watch(Object.keys({ regions: 0 }), receive);
receive();
