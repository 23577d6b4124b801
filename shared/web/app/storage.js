/** The names of everything that is stored begin with it: several deployments can share an origin under different paths. */
export const PREFIX = `taskbell ${new URL("./", document.baseURI).pathname}`;

// Storage can be full or forbidden. The app works without it, but forgets.
const guarded = (area) => {
  const attempt = (work) => {
    try {
      return work(globalThis[area]);
    } catch {
      return null;
    }
  };
  return {
    get: (name) => attempt((storage) => storage.getItem(`${PREFIX} ${name}`)),
    set: (name, content) => attempt((storage) => storage.setItem(`${PREFIX} ${name}`, content)),
    remove: (name) => attempt((storage) => storage.removeItem(`${PREFIX} ${name}`)),
  };
};

/** The storage of the browser, and that of the tab. */
export const local = guarded("localStorage"), tab = guarded("sessionStorage");

/** Reads a stored object or returns null. */
export function readObject(name, area = local) {
  try {
    return JSON.parse(area.get(name));
  } catch {
    return null;
  }
}

/** Whether something can be stored. */
export function canStore() {
  local.set("test", "x".repeat(1000));
  const stored = local.get("test") !== null;
  local.remove("test");
  return stored;
}
