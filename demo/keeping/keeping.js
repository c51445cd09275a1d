// Keeps a copy of what is open in this browser, tells when the server is away, and brings the copy back when the server
// no longer has what was open.

import { component, tell } from "../shared/component.js";
import { say } from "../shared/elements.js";
import { keepInTab, recallInTab } from "../shared/browser_store.js";
import { followArriving } from "./arriving.js";
import { createConnection, lookAtServer } from "./connection.js";
import { createDatabase } from "./database.js";
import { followDraft } from "./draft.js";

const PAUSE = 700; // milliseconds that changes are collected before they are kept
const NOTE_TIME = 12_000; // milliseconds that a sentence about what came back stays
const MOST_FILES = 4; // uploaded files that are remembered until their pictures are open
const PENDING = "bringing-back"; // in the tab: the key whose copy is being brought back
const LOADED = "loaded-again"; // in the tab: when the page was last loaded again because its seat was lost
const RETURN_TIME = 180_000; // milliseconds that Python has to open what was brought back
const RELOAD_PAUSE = 15_000; // milliseconds between two such reloads

export const mount = (host) => component("keeping", host, mountKeeping);

function mountKeeping({ element, props, words, trigger, upload, watch, listen, atEnd }) {
  const bar = element.querySelector(".osp-connection");
  const database = createDatabase();
  const draft = followDraft({ listen });
  const arriving = followArriving({ database, listen });
  const state = {
    key: null, // of the workspace that this page has; null until Python has told it
    isBusy: false, // something is being brought back
    isLost: false, // the server is away
    onReturned: null, // takes Python's answer to what is brought back
    isOpen: false, // a picture is open
    isAsked: false, // a question waits for its answer
    hasKept: false, // something was asked for to be kept since the page was loaded
    received: 0, // revision of the workspace that came last
    stored: 0, // revision that was stored here last
    timer: 0,
    files: [], // the last uploaded File objects
    wanted: [], // digests of pictures whose files Python is to send
    count: 0, // of open pictures, when last kept
  };

  // ---- the line -----------------------------------------------------------------------------------------------------

  let noteTimer = 0;
  function show(text, isLasting = false) {
    clearTimeout(noteTimer);
    bar.textContent = text;
    bar.hidden = !text;
    if (text && !isLasting) noteTimer = setTimeout(() => show(""), NOTE_TIME);
  }
  show("");
  bar.onclick = () => state.isLost || state.isBusy || show("");

  // ---- the connection -----------------------------------------------------------------------------------------------

  const connection = createConnection({
    look: lookAtServer,
    isHidden: () => document.hidden,
    change({ isLost }) {
      state.isLost = isLost;
      tell("osprey:connection", { isLost });
      if (isLost) show(words.lost, true);
      // Also after a mere gap: a server forgets the state of pages whose line broke.
      else window.location.reload();
    },
  });
  connection.check();
  for (const kind of ["online", "offline", "focus"]) listen(window, kind, connection.check);
  listen(document, "visibilitychange", () => document.hidden || connection.check());
  followHeartbeat(connection.check, atEnd);
  listen(window, "osprey:blocked", () => {
    bar.classList.remove("osp-knock");
    bar.getBoundingClientRect(); // so that the animation begins anew
    bar.classList.add("osp-knock");
  });
  atEnd(connection.end);

  // A server that answers, but knows nothing of this page: it was started anew in between, or has closed the page's
  // session. Loading the page again brings everything back; not in a circle.
  function loadAgain() {
    const last = Number(recallInTab(LOADED)) || 0;
    if (Date.now() - last < RELOAD_PAUSE) return;
    keepInTab(LOADED, String(Date.now()));
    window.location.reload();
  }
  listen(window, "osprey:forgotten", () => state.isBusy || loadAgain());

  // ---- keeping ------------------------------------------------------------------------------------------------------

  function keepSoon() {
    if (!state.timer) state.timer = setTimeout(keepNow, PAUSE);
  }

  function keepNow() {
    clearTimeout(state.timer);
    state.timer = 0;
    if (!state.key || state.isBusy || state.isLost || !(state.isOpen || state.hasKept)) return;
    trigger("keep_record", { since: state.stored });
    state.hasKept = true;
  }

  listen(window, "osprey:scene", ({ detail }) => {
    state.isOpen = Boolean(detail.picture);
    keepSoon();
  });
  // An answer is kept at once, so that a server that dies next takes none of it.
  listen(window, "osprey:turns", ({ detail }) => {
    if (state.isAsked && !detail.asked) keepNow();
    else if (!detail.asked) keepSoon();
    state.isAsked = Boolean(detail.asked);
  });
  listen(window, "osprey:captions", keepSoon);
  listen(window, "osprey:file", ({ detail }) => (state.files = [...state.files, detail].slice(-MOST_FILES)));

  async function receiveKept() {
    const { kept } = props;
    if (!kept || !kept.key) return;
    if (state.key && kept.key !== state.key) return loadAgain();
    // Replies may come out of order, and Gradio may hand over only the later of two: each holds all that changed since
    // the last one that was stored.
    if (kept.revision <= state.received) return;
    state.received = kept.revision;
    if (await database.keepSheets(kept)) state.stored = Math.max(state.stored, kept.revision);
    for (const { picture, bytes } of kept.open) {
      if (state.wanted.includes(picture) || (await database.pictureOf(picture))) continue;
      const file = await fileOf(state.files, picture, bytes);
      if (file) await database.keepPicture(picture, file);
      else state.wanted.push(picture);
    }
    if (kept.open.length !== state.count) await database.tidy();
    state.count = kept.open.length;
    noteOpened(state.count);
    askForPicture();
    element.dataset.kept = String(kept.open.length);
  }

  let asked = null;
  function askForPicture() {
    if (asked || !state.wanted.length || state.isLost) return;
    [asked] = state.wanted;
    trigger("send_picture", { picture: asked });
  }

  async function receiveSent() {
    const { sent } = props;
    if (!sent || !sent.picture || sent.picture !== asked) return;
    asked = null;
    state.wanted = state.wanted.filter((picture) => picture !== sent.picture);
    if (sent.data) await database.keepPicture(sent.picture, blobOf(sent.data));
    sent.data = "";
    askForPicture();
  }

  // ---- bringing back ------------------------------------------------------------------------------------------------

  async function receiveSeat() {
    const { seat } = props;
    if (!seat || !seat.key || seat.key === state.key) return;
    const isFirst = window.ospreySeat !== seat.key; // the component may be mounted anew with the same seat
    window.ospreySeat = seat.key;
    state.key = seat.key;
    if (!isFirst) return keepSoon();
    const before = recallInTab(PENDING) || (seat.isBack ? "" : seat.before);
    if (seat.isBack) await database.copySheets(seat.before, seat.key);
    if (before) await bringBack(before, seat.key);
    else if (!seat.isBack && openedBefore()) show(words.unkept, true);
    await arriving.sendAgain();
    await database.tidy();
    keepSoon();
  }

  async function bringBack(before, key) {
    const sheets = await database.sheetsOf(before);
    if (!sheets.length) return finish(before, openedBefore() ? words.gone : "");
    state.isBusy = true;
    keepInTab(PENDING, before);
    show(words.bringing, true);
    try {
      const files = [];
      for (const entry of sheets) {
        const picture = await database.pictureOf(entry.picture);
        if (picture) files.push(await uploaded(entry, picture.file));
      }
      if (!files.length) return finish(before, words.gone);
      const front = (sheets.find(({ isFront }) => isFront) || sheets[0]).sheet;
      const returned = new Promise((resolve, reject) => {
        state.onReturned = resolve;
        setTimeout(reject, RETURN_TIME);
      });
      trigger("bring_back", { sheets: files, front });
      const { ids } = await returned;
      await database.copySheets(before, key, new Map(ids));
      const isWhole = ids.length === sheets.length;
      const sentence = isWhole ? words.back : say(words.partly, { done: ids.length, count: sheets.length });
      const { isBack, question } = await draft.bringBackAsked();
      const note = isBack ? words.asked : question ? say(words.notAnswered, { question }) : "";
      finish(before, ids.length ? `${sentence} ${note}`.trim() : words.gone);
    } catch {
      show(words.failed, true); // the copy stays, for the next time
    } finally {
      state.isBusy = false;
      keepSoon();
    }
  }

  function finish(before, sentence) {
    database.dropSheets(before);
    keepInTab(PENDING, "");
    show(sentence, sentence === words.gone); // that an empty page is all there is stays until it was read
  }

  async function uploaded({ sheet, picture, name, text }, file) {
    const send = async (data, as) => {
      const { path, url } = await upload(new File([data], as, { type: data.type }));
      return { path, url, orig_name: as, meta: { _type: "gradio.FileData" } };
    };
    return {
      sheet,
      digest: picture,
      picture: await send(file, name),
      record: await send(new Blob([text]), "record.json"),
    };
  }

  watch(["kept"], receiveKept);
  watch(["sent"], receiveSent);
  watch(["returned"], () => {
    if (state.onReturned && props.returned && props.returned.ids) state.onReturned(props.returned);
  });
  watch(["seat"], receiveSeat);
  receiveSeat();
  tell("osprey:who"); // the canvas may have shown its picture before
}

// Gradio's page holds a line to the server; its end is told at once by the browser, where it tells such things.
function followHeartbeat(check, atEnd) {
  if (typeof PerformanceObserver === "undefined") return;
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(({ name }) => name.includes("/heartbeat/"))) check();
  });
  try {
    observer.observe({ type: "resource" });
  } catch {
    return;
  }
  atEnd(() => observer.disconnect());
}

// How many pictures were open is noted with the tab's place in its history, which a browser keeps across a reload even
// where it stores nothing for pages.
function noteOpened(count) {
  try {
    window.history.replaceState({ ...window.history.state, ospreyOpened: count }, "");
  } catch {
    /* not noted */
  }
}
const openedBefore = () => Boolean(window.history.state && window.history.state.ospreyOpened);

// The uploaded file with this digest; where the browser computes none (no secure context), the one of this size.
async function fileOf(files, digest, bytes) {
  for (const file of files) {
    if (file.size !== bytes) continue;
    if (!window.crypto || !crypto.subtle) return file;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    if ([...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("") === digest) return file;
  }
  return null;
}

const blobOf = (data) => new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))]);
