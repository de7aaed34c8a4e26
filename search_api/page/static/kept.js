// What the browser remembers; where it is told to remember nothing, nothing is.

function storage(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

function kept(name) {
  return {
    get(key) {
      try {
        return storage(name)?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        storage(name)?.setItem(key, value);
      } catch {
        // full, or forbidden: only for this visit, then
      }
    },
  };
}

export const always = kept("localStorage");
export const untilClosed = kept("sessionStorage");
