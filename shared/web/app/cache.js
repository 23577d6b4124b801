// What is kept on the device, per user: tasks, waiting changes, and a few values. Without storage the app works, but forgets.

import { PREFIX } from "./storage.js";

let database = null;
let wanted = null; // the user whose storage is opened

const wait = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const nameOf = (user) => `${PREFIX} ${user}`;

/** Opens the storage of a user. */
export async function openCache(user) {
  closeCache();
  wanted = user;
  try {
    const request = indexedDB.open(nameOf(user), 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("tasks", { keyPath: "id" });
      request.result.createObjectStore("values");
      request.result.createObjectStore("changes", { keyPath: "seq" });
    };
    const opened = await wait(request);
    if (wanted !== user || database) return opened.close(); // the user has changed meanwhile
    // Another tab deletes it.
    opened.onversionchange = () => {
      opened.close();
      if (database === opened) database = null;
    };
    database = opened;
  } catch (error) {
    console.warn(error);
  }
}

/** Closes the storage. */
export function closeCache() {
  database?.close();
  database = wanted = null;
}

/** Deletes everything that is kept for a user. Resolves when it is gone, or will be gone without the page. */
export function deleteCache(user) {
  closeCache();
  return new Promise((resolve) => {
    try {
      const request = indexedDB.deleteDatabase(nameOf(user));
      request.onsuccess = request.onerror = request.onblocked = resolve;
    } catch (error) {
      console.warn(error);
      resolve();
    }
  });
}

async function run(store, mode, work, fallback) {
  if (!database) return fallback;
  try {
    return await work(database.transaction(store, mode).objectStore(store));
  } catch (error) {
    console.warn(error);
    return fallback;
  }
}

/** Returns all stored objects of "tasks" or "changes"; without storage, `fallback`. */
export const stored = (store, fallback = []) => run(store, "readonly", (objects) => wait(objects.getAll()), fallback);

/** Returns a stored value or `undefined`. */
export const value = (key) => run("values", "readonly", (objects) => wait(objects.get(key)));

/** Stores a value; `undefined` deletes it. */
export const setValue = (key, content) =>
  run("values", "readwrite", (objects) => wait(content === undefined ? objects.delete(key) : objects.put(content, key)));

/** Whether there are changes of tasks that were typed and not saved. */
export const hasDrafts = () => run("values", "readonly", async (objects) => (await wait(objects.count(IDBKeyRange.bound("draft ", "draft ~")))) > 0, false);

/** Stores tasks, unless a later version is there, and deletes others. */
export const saveTasks = (tasks, gone = []) => run("tasks", "readwrite", async (objects) => {
  for (const id of gone) objects.delete(id);
  for (const task of tasks) {
    const request = objects.get(task.id);
    request.onsuccess = () => {
      if (!(request.result?.version > task.version)) objects.put(task);
    };
  }
});

/** Deletes all stored tasks. */
export const clearTasks = () => run("tasks", "readwrite", (objects) => wait(objects.clear()));

/** Stores a waiting change. */
export const saveChange = (change) => run("changes", "readwrite", (objects) => wait(objects.put(change)));

/** Whether a waiting change is still stored; true without storage. */
export const hasChange = (seq) => run("changes", "readonly", async (objects) => (await wait(objects.count(seq))) > 0, true);

/** Deletes a waiting change. */
export const dropChange = (seq) => run("changes", "readwrite", (objects) => wait(objects.delete(seq)));
