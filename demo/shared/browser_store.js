// The browser's local storage. If it is not available, as in some private windows, nothing is stored.

export function keep(name, value) {
  try {
    localStorage.setItem(`osprey:${name}`, value);
  } catch {
    /* not stored */
  }
}

// The text that was stored under this name, or null.
export function recall(name) {
  try {
    return localStorage.getItem(`osprey:${name}`);
  } catch {
    return null;
  }
}
