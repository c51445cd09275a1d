// The browser's stores for small texts. If they are not available, as in some private windows, nothing is stored.

export const keep = (name, value) => write("localStorage", name, value);

// The text that was stored under this name, or null.
export const recall = (name) => read("localStorage", name);

// As these, for this tab alone: the text survives a reload, not the end of the tab.
export const keepInTab = (name, value) => write("sessionStorage", name, value);
export const recallInTab = (name) => read("sessionStorage", name);

function write(kind, name, value) {
  try {
    window[kind].setItem(`osprey:${name}`, value);
  } catch {
    /* not stored */
  }
}

function read(kind, name) {
  try {
    return window[kind].getItem(`osprey:${name}`);
  } catch {
    return null;
  }
}
