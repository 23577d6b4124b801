// Every change of a task goes through here: it is shown and stored at once, and sent in order as soon as there is a network.

import { ApiError, NetworkError, describe, request } from "./api.js";
import * as cache from "./cache.js";
import { CHECKED, afterConflict, isTooOld, merge, nextStep, prepare, rebase, retryDelay } from "./decisions.js";
import { toast } from "./dialog.js";
import { changes, get, idOf, put, remove, rename, serverTask, touch, zone } from "./tasks-store.js";
import { PREFIX, local } from "./storage.js";
import { taskText as text } from "./strings.js";

/** How long deleting, skipping, snoozing and completing a series can be undone before they are sent. */
const UNDO = 6000;
const AT_CLOSE = ["snooze", "skip", "complete", "delete"];
const LEFT = "left"; // the change that was sent when the page was closed
const LOCK = `${PREFIX} outbox`; // held while something is sent or taken back

const waiters = new Map();
const watchers = new Set();
const undone = new Set(); // changes that are being taken back
let sequence = 0;
let sending = null;
let again = false;
let failures = 0;
let pausedUntil = 0;
let timer = null;
let active = null; // a new object for each session

/** Calls `f` when the number or state of waiting changes may be another. */
export const onOutbox = (f) => watchers.add(f);

function announce(id) {
  touch(id);
  for (const f of watchers) f();
}

/** Loads the changes that were waiting when the app was closed. */
export async function startOutbox() {
  const mine = active = {};
  await readStored();
  if (active !== mine) return;
  announce();
  send();
}

// Other tabs make, send and take back changes, too: what is stored counts.
async function readStored() {
  const mine = active, stored = await cache.stored("changes", null);
  if (!stored || active !== mine) return;
  const bySeq = new Map(stored.map((change) => [change.seq, change]));
  for (const entry of [...changes]) {
    const other = bySeq.get(entry.seq);
    bySeq.delete(entry.seq);
    if (other) {
      delete entry.state;
      delete entry.error;
      Object.assign(entry, other, { stored: true, sent: false, notBefore: entry.notBefore });
    } else if (entry.stored) {
      forget(entry); // another tab has sent it
      settle(entry, {});
    }
  }
  for (const change of bySeq.values()) {
    if (undone.has(change.seq)) continue;
    changes.push({ ...change, stored: true, sent: false, notBefore: Math.min(change.notBefore, Date.now() + UNDO) });
    sequence = Math.max(sequence, change.seq);
  }
  changes.sort((a, b) => a.seq - b.seq);
  announce();
}

/** Forgets waiting changes in memory. With `goOn`, they are sent after the next log-in. */
export function stopOutbox(goOn) {
  active = null;
  clearTimeout(timer);
  changes.length = 0;
  failures = pausedUntil = 0;
  for (const { resolve, reject } of waiters.values()) {
    if (goOn) resolve({ queued: true });
    else reject(new NetworkError(text.loggedOut));
  }
  waiters.clear();
  announce();
}

/**
 * Makes a change: `kind` is create, patch, complete, reopen, snooze, skip, move, delete or comment. Resolves to `{task}` once it
 * was sent, to `{queued: true}` if it has to wait (`undecided`: for the user), to `{dropped: true}` if the user decided against it; rejects if it was refused.
 */
export function change(kind, id, { body, delay = false, ...more } = {}) {
  id = idOf(id);
  const created = Date.now();
  sequence = Math.max(sequence + 1, created); // greater than those of other tabs, most probably
  const task = serverTask(id);
  const entry = { seq: sequence, kind, id, body, created, notBefore: delay ? created + UNDO : 0, title: more.title ?? get(id)?.title ?? "", ...more };
  if (kind === "create" || kind === "comment") entry.key = crypto.randomUUID();
  prepare(entry, task, get(id));
  changes.push(entry);
  const stored = cache.saveChange(entry).then((saved) => { entry.stored = saved !== undefined; });
  announce(id);
  const result = new Promise((resolve, reject) => waiters.set(entry.seq, { resolve, reject }));
  result.catch(() => {});
  stored.then(() => send());
  return { entry, result };
}

/** Takes a change back. Resolves to false if it was sent already, here or by another tab. */
export async function undo(entry) {
  if (entry.sent || !find(entry)) return false;
  undone.add(entry.seq);
  forget(entry);
  return navigator.locks.request(LOCK, async () => {
    const isStored = await cache.hasChange(entry.seq);
    undone.delete(entry.seq);
    if (entry.stored && !isStored) return false;
    drop(entry);
    settle(entry, { dropped: true });
    return true;
  });
}

/** Keeps a change that can be undone from being sent, as long as its undo has the pointer or the focus. */
export function hold(entry, on) {
  if (entry.sent || !find(entry)) return;
  entry.notBefore = on ? Infinity : Date.now() + UNDO;
  send();
}

/** Whether a change waits for longer than a moment, and for longer than it can be undone, or needs a decision. */
export const isWaiting = ({ state, notBefore, created }) => Boolean(state) || Date.now() - Math.max(created, notBefore) > 1500;

/** The changes that wait. */
export const waiting = () => changes.filter(isWaiting);

/** Tries a change again that was refused or is undecided. */
export function retry(entry) {
  delete entry.state;
  delete entry.error;
  delete entry.first;
  delete entry.retryAt;
  cache.saveChange(entry).then(() => send());
  announce(entry.id);
}

const find = ({ seq }) => changes.find((change) => change.seq === seq);

function forget(entry) {
  const index = changes.indexOf(find(entry));
  if (index >= 0) changes.splice(index, 1);
  announce(entry.id);
}

function drop(entry) {
  forget(entry);
  if (entry.kind === "create") cache.setValue(`draft ${entry.id}`, undefined);
  cache.dropChange(entry.seq);
}

function settle(entry, result, error) {
  const waiter = waiters.get(entry.seq);
  waiters.delete(entry.seq);
  if (error) waiter?.reject(error);
  else waiter?.resolve(result);
  return Boolean(waiter);
}

/** Sends what is waiting. With `now`, also what could still be undone. Resolves when nothing more can be sent now. */
export function send({ now = false } = {}) {
  if (now) for (const entry of changes) entry.notBefore = 0;
  again = true;
  if (active) sending ??= sendAgain().finally(() => { sending = null; });
  return sending ?? Promise.resolve();
}

async function sendAgain() {
  clearTimeout(timer);
  while (again && active) {
    again = false;
    await navigator.locks.request(LOCK, sendAll);
  }
}

async function sendAll() {
  const blocked = new Set(); // later changes of a task wait for the earlier ones
  await readStored();
  let soon = Infinity;
  for (let index = 0; index < changes.length && active; ) {
    const entry = changes[index];
    const start = Math.max(entry.notBefore, entry.retryAt ?? 0, pausedUntil);
    const early = start > Date.now();
    if (early) soon = Math.min(soon, start);
    if (early || entry.state || blocked.has(entry.id)) {
      blocked.add(entry.id);
      index++;
      continue;
    }
    const mine = active, { wait = 0, isPause = false } = await sendOne(entry);
    if (active !== mine) return;
    if (wait) {
      for (const { seq, id } of [...changes]) if (waiters.has(seq) && (isPause || id === entry.id)) settle({ seq }, { queued: true });
      soon = Math.min(soon, Date.now() + wait);
      if (isPause) break;
    }
    if (changes.includes(entry)) blocked.add(entry.id); // it is not done yet
    index = changes.findIndex((change) => change.seq > entry.seq);
    if (index < 0) break;
  }
  clearTimeout(timer);
  if (soon < Infinity && active) timer = setTimeout(send, Math.max(0, soon - Date.now()));
  announce();
}

/** Sends one change. Returns how long to wait for the next attempt, with `isPause` also for other changes. */
async function sendOne(entry) {
  const before = serverTask(entry.id)?.version, mine = active;
  if (isTooOld(entry, Date.now())) return fail(entry, text.perhapsSent);
  entry.sent = true;
  if (entry.key && !entry.first && navigator.onLine) {
    entry.first = Date.now();
    await cache.saveChange(entry);
    if (active !== mine) return {};
  }
  try {
    const body = await requestFor(entry);
    if (active !== mine) return {};
    failures = 0;
    accept(entry, body, before);
    return {};
  } catch (error) {
    if (active !== mine) return {};
    entry.sent = false;
    // The server has answered that it did nothing.
    if (error.status < 500 && entry.first) {
      delete entry.first;
      cache.saveChange(entry);
    }
    const step = nextStep(error);
    if (step === "pause" || step === "later") return later(entry, error, step === "pause");
    failures = 0;
    if (step === "merge") return conflict(entry);
    if (step === "fail") return fail(entry, describe(error));
    refuse(entry, error);
    return {};
  }
}

function later(entry, { retryAfter } = {}, isPause = false) {
  entry.tries = (entry.tries ?? 0) + 1;
  const wait = retryDelay(isPause ? failures++ : entry.tries, retryAfter);
  if (!isPause) entry.retryAt = Date.now() + wait;
  else if (retryAfter) pausedUntil = Date.now() + wait;
  return { wait, isPause };
}

function fail(entry, error) {
  settle(entry, { queued: true });
  Object.assign(entry, { state: "failed", error });
  cache.saveChange(entry);
  announce(entry.id);
  return {};
}

async function requestFor({ seq, kind, id, title, body, space, key, version, created }, keepalive = false) {
  const etag = version ? `"${version}"` : undefined;
  const path = `v1/tasks/${id}`;
  if (kind === "create") return (await request("POST", "v1/tasks", { body, key, query: { space } })).body;
  if (kind === "patch") return (await request("PATCH", path, { body, etag })).body;
  if (kind === "comment") return (await request("POST", `${path}/comments`, { body, key })).body;
  if (kind === "delete") {
    // A task that is gone already, or that was never seen again, is as the user wants it.
    await request("DELETE", path, { etag, keepalive }).catch((error) => { if (error.status !== 404) throw error; });
    return null;
  }
  if (kind === "snooze" && Date.parse(body.until) < Date.now()) {
    if (local.get(LEFT) !== String(seq)) toast(text.snoozeMissed(title), { seconds: 60 });
    return serverTask(id);
  }
  return (await request("POST", `${path}/${kind}`, { body, etag, keepalive })).body;
}

function accept(entry, body, before) {
  const { kind, id } = entry;
  if (kind === "create") {
    for (const later of changes) {
      if (later.id !== id || later === entry) continue;
      later.id = body.id;
      if (CHECKED.includes(later.kind)) later.version ??= 1; // a new task has this version, whoever changed it since
      cache.saveChange(later);
    }
    rename(id, body.id);
    cache.value(`draft ${id}`).then((draft) => draft && Promise.all([cache.setValue(`draft ${body.id}`, draft), cache.setValue(`draft ${id}`, undefined)]));
  }
  if (kind === "delete") remove(id);
  else if (kind !== "comment" && body) {
    put([body]);
    // Later changes were made on top of this one.
    for (const later of changes) {
      const version = later.id === body.id ? rebase(later.version, before, body.version) : later.version;
      if (later === entry || version === later.version) continue;
      later.version = version;
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
    fail(entry, error.errors.map(({ field, message }) => `${field}: ${message}`).join(" ") || describe(error));
  }
}

/** Merges or asks. Returns the same as sendOne. */
async function conflict(entry) {
  const mine = active;
  let current = null;
  try {
    current = (await request("GET", `v1/tasks/${entry.id}`)).body;
  } catch (error) {
    if (active !== mine) return {};
    if (error.status !== 404) return later(entry, error, nextStep(error) === "pause");
  }
  if (active !== mine) return {};
  if (!current) {
    remove(entry.id);
    refuse(entry, new ApiError(404, { code: "not_found" }, new Headers()));
    return {};
  }
  put([current]);
  const patch = entry.kind === "patch" ? merge(entry, current, zone()) : null;
  const step = !patch ? afterConflict(entry, current, zone()) : patch.conflicts.length ? "ask" : Object.keys(patch.body).length ? "send" : "done";
  if (step === "send") {
    Object.assign(entry, { body: patch?.body ?? entry.body, version: current.version });
    await cache.saveChange(entry);
    again = true;
  } else if (step === "done") accept(entry, current, entry.version); // the answer to an earlier attempt was lost
  else {
    entry.state = "conflict";
    await cache.saveChange(entry);
    announce(entry.id);
    decide(entry).catch((error) => {
      console.warn(error); // the dialog could not be loaded: the bar offers it again
      settle(entry, { queued: true });
    });
  }
  return {};
}

/** Asks the user about a conflict. */
export async function decide(entry) {
  const current = serverTask(entry.id);
  if (!current) return retry(entry);
  const { resolveConflict } = await import("./conflict.js");
  const body = await resolveConflict(entry, current);
  if (body === undefined || !changes.includes(entry)) {
    settle(entry, { queued: true, undecided: true });
    return;
  }
  if (body === null) {
    drop(entry);
    settle(entry, { dropped: true });
    return;
  }
  const isPatch = entry.kind === "patch";
  const base = Object.fromEntries((isPatch ? Object.keys(body) : ["due"]).map((field) => [field, current[field]]));
  Object.assign(entry, { body: isPatch ? body : entry.body, base, version: current.version });
  retry(entry);
}

addEventListener("online", () => {
  failures = 0;
  send();
});
document.addEventListener("visibilitychange", () => {
  if (active) send({ now: document.hidden });
});
// A page that is closed cannot wait for its turn, so the last change goes out at once. It stays stored: if it is sent again, the
// server has done it already, which is no conflict.
addEventListener("pagehide", () => {
  const last = active && changes.findLast(({ kind, sent, state }) => AT_CLOSE.includes(kind) && !sent && !state);
  if (!last || !navigator.onLine || changes.some(({ id, seq }) => id === last.id && seq < last.seq)) return;
  local.set(LEFT, String(last.seq));
  requestFor(last, true).catch(() => {});
});
