// What is kept on the device, per user: tasks, waiting changes, and a few values. Without storage the app works, but forgets.

let database = null;

const wait = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const nameOf = (user) => `taskbell-${user}`;

/** Opens the storage of a user. */
export async function openCache(user) {
  closeCache();
  try {
    const request = indexedDB.open(nameOf(user), 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("tasks", { keyPath: "id" });
      request.result.createObjectStore("values");
      request.result.createObjectStore("changes", { keyPath: "seq" });
    };
    database = await wait(request);
    database.onversionchange = closeCache; // another tab deletes it
  } catch (error) {
    console.warn(error);
  }
}

/** Closes the storage. */
export function closeCache() {
  database?.close();
  database = null;
}

/** Deletes everything that is kept for a user. */
export function deleteCache(user) {
  closeCache();
  try {
    indexedDB.deleteDatabase(nameOf(user));
  } catch (error) {
    console.warn(error);
  }
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

/** Returns all stored objects of "tasks" or "changes". */
export const stored = (store) => run(store, "readonly", (objects) => wait(objects.getAll()), []);

/** Returns a stored value or `undefined`. */
export const value = (key) => run("values", "readonly", (objects) => wait(objects.get(key)));

/** Stores a value; `undefined` deletes it. */
export const setValue = (key, content) =>
  run("values", "readwrite", (objects) => wait(content === undefined ? objects.delete(key) : objects.put(content, key)));

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

/** Deletes a waiting change. */
export const dropChange = (seq) => run("changes", "readwrite", (objects) => wait(objects.delete(seq)));

/** Whether a waiting change is still stored; true without storage. */
export const hasChange = (seq) => run("changes", "readonly", async (objects) => (await wait(objects.count(seq))) > 0, true);
