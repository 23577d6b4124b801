// Every change of a task goes through here: it is shown and stored at once, and sent in order as soon as there is a network.

import { ApiError, NetworkError, describe, request } from "./api.js";
import * as cache from "./cache.js";
import { merge, resolveConflict } from "./conflict.js";
import { toast } from "./dialog.js";
import { changes, get, idOf, put, remove, rename, serverTask, touch } from "./tasks-store.js";
import { text } from "./strings-tasks.js";

/** How long deleting, skipping, snoozing and completing a series can be undone before they are sent. */
const UNDO = 6000;
const LOCK = "taskbell-outbox";

const waiters = new Map();
const watchers = new Set();
let sequence = 0;
let sending = false;
let again = false;
let failures = 0;
let timer = null;
let active = false;

/** Calls `f` when the number or state of waiting changes may be another. */
export const onOutbox = (f) => watchers.add(f);

function announce(id) {
  touch(id);
  for (const f of watchers) f();
}

/** Loads the changes that were waiting when the app was closed. */
export async function startOutbox() {
  active = true;
  for (const change of await cache.stored("changes")) {
    changes.push({ ...change, notBefore: 0, stored: true, sent: false });
    sequence = Math.max(sequence, change.seq);
  }
  announce();
  send();
}

/** Forgets waiting changes in memory. */
export function stopOutbox() {
  active = false;
  clearTimeout(timer);
  changes.length = 0;
  for (const { reject } of waiters.values()) reject(new NetworkError(text.loggedOut));
  waiters.clear();
  announce();
}

/**
 * Makes a change: `kind` is create, patch, complete, reopen, snooze, skip, move, delete or comment. Resolves to `{task}` once it
 * was sent, to `{queued: true}` if it has to wait, to `{dropped: true}` if the user decided against it; rejects if it was refused.
 */
export function change(kind, id, { body, delay = false, ...more } = {}) {
  id = idOf(id);
  const created = Date.now();
  sequence = Math.max(sequence + 1, created); // greater than those of other tabs, most probably
  const task = serverTask(id);
  const entry = { seq: sequence, kind, id, body, created, notBefore: delay ? created + UNDO : 0, title: more.title ?? get(id)?.title ?? "", ...more };
  if (kind === "create" || kind === "comment") entry.key = crypto.randomUUID();
  if (kind === "patch") {
    entry.version = more.version ?? task?.version;
    entry.base ??= Object.fromEntries(Object.keys(body).map((field) => [field, task?.[field]]));
  }
  if (kind === "skip" || kind === "delete") entry.version = task?.version;
  changes.push(entry);
  const stored = cache.saveChange(entry).then((saved) => { entry.stored = saved !== undefined; });
  announce(id);
  const result = new Promise((resolve, reject) => waiters.set(entry.seq, { resolve, reject }));
  result.catch(() => {});
  stored.then(() => send());
  return { entry, result };
}

/** Takes a change back. Returns false if it was sent already. */
export function undo(entry) {
  if (entry.sent || !changes.includes(entry)) return false;
  drop(entry);
  settle(entry, { dropped: true });
  return true;
}

/** Changes that are waiting for longer than a moment, and those that need a decision. */
export const waiting = () => changes.filter(({ state, notBefore, created }) => state || (!notBefore && Date.now() - created > 1500));

/** Tries a change again that was refused or is undecided. */
export function retry(entry) {
  delete entry.state;
  delete entry.error;
  cache.saveChange(entry);
  announce(entry.id);
  send();
}

function drop(entry) {
  const index = changes.indexOf(entry);
  if (index >= 0) changes.splice(index, 1);
  cache.dropChange(entry.seq);
  announce(entry.id);
}

function settle(entry, result, error) {
  const waiter = waiters.get(entry.seq);
  waiters.delete(entry.seq);
  if (error) waiter?.reject(error);
  else waiter?.resolve(result);
  return Boolean(waiter);
}

/** Sends what is waiting. With `now`, also what could still be undone. */
export async function send({ now = false } = {}) {
  if (now) for (const entry of changes) entry.notBefore = 0;
  if (sending || !active) {
    again = true;
    return;
  }
  sending = true;
  clearTimeout(timer);
  try {
    do {
      again = false;
      await navigator.locks.request(LOCK, sendAll);
    } while (again && active);
  } finally {
    sending = false;
  }
}

async function sendAll() {
  const blocked = new Set(); // later changes of a task wait for the earlier ones
  let soon = Infinity;
  for (let index = 0; index < changes.length && active; ) {
    const entry = changes[index];
    const early = entry.notBefore > Date.now();
    if (early) soon = Math.min(soon, entry.notBefore);
    if (early || entry.state || blocked.has(entry.id)) {
      blocked.add(entry.id);
      index++;
      continue;
    }
    if (entry.stored && !(await cache.hasChange(entry.seq))) drop(entry); // another tab has sent it
    else if (!(await sendOne(entry))) {
      for (const { seq } of changes) if (waiters.has(seq)) settle({ seq }, { queued: true });
      soon = Math.min(soon, Date.now() + Math.random() * Math.min(60_000, 2000 * 2 ** failures++) + 500);
      break;
    }
    index = changes.findIndex((change) => change.seq > entry.seq);
    if (index < 0) break;
  }
  clearTimeout(timer);
  if (soon < Infinity && active) timer = setTimeout(send, Math.max(0, soon - Date.now()));
  announce();
}

/** Sends one change. Returns false if it has to be tried again later. */
async function sendOne(entry) {
  const before = serverTask(entry.id)?.version;
  entry.sent = true;
  try {
    const body = await requestFor(entry);
    failures = 0;
    accept(entry, body, before);
    return true;
  } catch (error) {
    entry.sent = false;
    if (!active) return false;
    const later = error instanceof NetworkError || error.status >= 500 || error.status === 429 || error.code === "busy" || error.status === 401;
    if (later || !(error instanceof ApiError)) {
      entry.waits = true;
      return false;
    }
    failures = 0;
    if (error.status === 412) return conflict(entry);
    refuse(entry, error);
    return true;
  }
}

async function requestFor({ kind, id, body, space, key, version, created }) {
  const etag = version ? `"${version}"` : undefined;
  const path = `v1/tasks/${id}`;
  if (kind === "create") return (await request("POST", "v1/tasks", { body, key, query: { space } })).body;
  if (kind === "patch") return (await request("PATCH", path, { body, etag })).body;
  if (kind === "comment") return (await request("POST", `${path}/comments`, { body, key })).body;
  if (kind === "delete") {
    // A task that is gone already, or that was never seen again, is as the user wants it.
    await request("DELETE", path, { etag }).catch((error) => { if (error.status !== 404) throw error; });
    return null;
  }
  if (kind === "snooze" && Date.parse(body.until) < Date.now()) return serverTask(id); // waited for too long
  return (await request("POST", `${path}/${kind}`, { body, etag })).body;
}

function accept(entry, body, before) {
  const { kind, id } = entry;
  if (kind === "create") {
    for (const later of changes) {
      if (later.id !== id || later === entry) continue;
      later.id = body.id;
      if (later.version === undefined && later.kind !== "comment") later.version = body.version;
      cache.saveChange(later);
    }
    rename(id, body.id);
  }
  if (kind === "delete") remove(id);
  else if (kind !== "comment" && body) {
    put([body]);
    // Later changes were made on top of this one.
    for (const later of changes) {
      if (later === entry || later.id !== body.id || later.version === undefined || later.version !== before) continue;
      later.version = body.version;
      cache.saveChange(later);
    }
  }
  drop(entry);
  settle(entry, { task: body });
  if (kind === "complete" && body?.next_occurrence) {
    request("GET", `v1/tasks/${body.next_occurrence}`).then((answer) => put([answer.body]), () => {});
  }
}

function refuse(entry, error) {
  if (error.code === "already_deleted") {
    drop(entry);
    settle(entry, { dropped: true });
  } else if (settle(entry, null, error) || !["create", "patch", "comment"].includes(entry.kind)) {
    drop(entry);
    if (!entry.quiet) toast(text.refused(entry.title, describe(error)));
  } else {
    // What was typed is kept until the user has seen why it was refused.
    Object.assign(entry, { state: "failed", error: error.errors.map(({ field, message }) => `${field}: ${message}`).join(" ") || describe(error) });
    cache.saveChange(entry);
    announce(entry.id);
  }
}

/** Merges or asks. Returns false if it has to be tried again later. */
async function conflict(entry) {
  const { body: current } = await request("GET", `v1/tasks/${entry.id}`).catch((error) => {
    if (error.status !== 404) throw error;
    return { body: null };
  }).catch(() => ({}));
  if (current === undefined) return false;
  if (current === null) {
    remove(entry.id);
    refuse(entry, new ApiError(404, { code: "not_found" }, new Headers()));
    return true;
  }
  put([current]);
  const next = entry.kind === "patch" ? merge(entry, current) : { conflicts: [entry.kind] };
  if (!next.conflicts.length) {
    again = true;
    if (Object.keys(next.body).length) {
      Object.assign(entry, { body: next.body, version: current.version });
      await cache.saveChange(entry);
    } else accept(entry, current, entry.version); // the answer to an earlier attempt was lost
    return true;
  }
  entry.state = "conflict";
  cache.saveChange(entry);
  announce(entry.id);
  decide(entry);
  return true;
}

/** Asks the user about a conflict. */
export async function decide(entry) {
  const current = serverTask(entry.id);
  if (!current) return retry(entry);
  const body = await resolveConflict(entry, current);
  if (body === undefined || !changes.includes(entry)) {
    settle(entry, { queued: true });
    return;
  }
  if (body === null) {
    drop(entry);
    settle(entry, { dropped: true });
    return;
  }
  const base = Object.fromEntries(Object.keys(body).map((field) => [field, current[field]]));
  Object.assign(entry, { body: entry.kind === "patch" ? body : entry.body, base, version: current.version });
  retry(entry);
}

addEventListener("online", () => {
  failures = 0;
  send();
});
document.addEventListener("visibilitychange", () => {
  if (active) send({ now: document.hidden });
});
addEventListener("pagehide", () => active && send({ now: true }));
