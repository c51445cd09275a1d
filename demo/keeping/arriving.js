// Files that are being sent are kept too, so that they are sent again if the server goes meanwhile.

import { keepInTab, recallInTab } from "../shared/browser_store.js";
import { tell } from "../shared/component.js";

const ARRIVING = "arriving"; // in the tab: the names under which this tab's files are kept

// `database` as in database.js. Returns {sendAgain}: has the canvas send the files that were on their way when the page
// was left; resolves once they were handed over.
export function followArriving({ database, listen }) {
  const kept = new Map(); // file -> name
  let names = JSON.parse(recallInTab(ARRIVING) || "[]");
  const left = [...names];
  const write = () => keepInTab(ARRIVING, JSON.stringify(names));

  listen(window, "osprey:arriving", ({ detail: file }) => {
    const name = `arriving ${Date.now()} ${Math.random()}`;
    kept.set(file, name);
    names = [...names, name];
    write();
    database.keepPicture(name, file, true);
  });

  function drop(name) {
    names = names.filter((other) => other !== name);
    write();
    return database.dropPicture(name);
  }

  listen(window, "osprey:arrived", ({ detail: file }) => {
    if (kept.has(file)) drop(kept.get(file));
    kept.delete(file);
  });

  async function sendAgain() {
    for (const name of left.splice(0)) {
      const entry = await database.pictureOf(name);
      await drop(name);
      if (entry) tell("osprey:send", entry.file);
    }
  }

  return { sendAgain };
}
