import { all } from "./api.js";
import { onChange, user } from "./session.js";
import { local, readObject } from "./storage.js";

const STORE = "spaces";

let cache = null;
const listeners = new Set();

/** Returns the spaces of the user, from memory if possible. Without a connection, those that were stored last. */
export function spacesList({ fresh = false } = {}) {
  if (fresh) cache = null;
  cache ??= load();
  return cache;
}

async function load() {
  try {
    const spaces = await all("v1/spaces");
    if (user()) local.set(STORE, JSON.stringify({ user: user().id, spaces }));
    return spaces;
  } catch (error) {
    cache = null;
    const stored = readObject(STORE);
    if (error.status || stored?.user !== user()?.id) throw error;
    return stored.spaces;
  }
}

/** Calls f when the list of spaces may have changed. Returns a function that ends it. */
export function onSpaces(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

/** Reads the list of spaces again, and shows it where it is shown. */
export function spacesChanged() {
  cache = null;
  for (const f of [...listeners]) f();
}

onChange((profile, reason) => {
  if (!profile) {
    cache = null;
    if (reason !== "none") local.remove(STORE);
  }
});
