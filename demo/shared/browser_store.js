// The browser's own store. A browser that keeps nothing, as in a private window, may still be used.

export function keep(name, value) {
  try {
    localStorage.setItem(`osprey:${name}`, value);
  } catch {
    /* nothing is kept */
  }
}

// The text that was kept under this name, or null.
export function recall(name) {
  try {
    return localStorage.getItem(`osprey:${name}`);
  } catch {
    return null;
  }
}
