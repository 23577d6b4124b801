// The tasks that the app knows. `base` is what the server has; waiting changes are laid over it, so that dropping a change is
// all that it takes to roll it back.

import { ApiError, NetworkError, pages, request } from "./api.js";
import * as cache from "./cache.js";
import { dayOf, dueInstant, isOverdue } from "./dates.js";
import { onSpaces, spacesList } from "./spaces-store.js";
import { user } from "./session.js";

const base = new Map();
const shown = new Map(); // tasks with the waiting changes; the same object until something changes
const gone = new Map(); // deleted tasks: a slow answer must not bring them back
const listeners = new Set();
const newIds = new Map(); // of tasks that were created here
const members = new Map(); // the requests that read them
const lists = new Map(); // the members that were read last
const SLOW = 2000; // how long the spaces of this device wait for those of the server
let isLate = false;
let announced = false;
let knownSpaces = [];

/** Waiting changes in their order; outbox.js sends them. */
export const changes = [];

/** The zone of the user. */
export const zone = () => user()?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Calls `f` after tasks changed. Returns a function that ends it. */
export function subscribe(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

/** Says that something changed: a task, or everything. */
export function touch(id) {
  if (id) shown.delete(id);
  else shown.clear();
  if (announced) return;
  announced = true;
  queueMicrotask(() => {
    announced = false;
    for (const f of [...listeners]) f();
  });
}

/** Takes tasks from the server over, unless a later version is known. */
export function put(tasks, { keep = true } = {}) {
  const fresh = tasks.filter((task) => {
    const old = gone.get(task.id);
    if (base.get(task.id)?.version >= task.version || (old && old.space === task.space && old.version >= task.version)) return false;
    base.set(task.id, task);
    touch(task.id);
    return true;
  });
  if (keep && fresh.length) cache.saveTasks(fresh);
}

/** Removes a task, if it is in this space: otherwise it has moved to another one. */
export function remove(id, space) {
  const task = base.get(id);
  if (!task || (space && task.space !== space)) return;
  gone.set(id, { space: task.space, version: task.version });
  base.delete(id);
  cache.saveTasks([], [id]);
  cache.setValue(`draft ${id}`, undefined);
  touch(id);
}

/** Removes all tasks of a space, or all. */
export function forgetTasks(space) {
  for (const task of [...base.values()]) if (!space || task.space === space) base.delete(task.id);
  if (!space) {
    gone.clear();
    newIds.clear();
    members.clear();
    lists.clear();
    cache.clearTasks();
  } else cache.stored("tasks").then((tasks) => cache.saveTasks([], tasks.filter((task) => task.space === space).map(({ id }) => id)));
  touch();
}

function overlay(task, change) {
  const { kind, body = {} } = change;
  if (kind === "create") {
    const now = new Date(change.created).toISOString();
    const empty = { description: "", status: "pending", priority: "medium", category: null, tags: [], due: null, reminders: [], checklist: [],
      recurrence: null, recurrence_from: null, occurrence: null, next_occurrence: null, assigned_to: null, auto_complete_after: null,
      auto_complete_at: null, completed_at: null, completed_by: null, moved_at: null };
    task = { ...empty, id: change.id, space: change.space || knownSpaces.find(({ personal }) => personal)?.id, created_by: user()?.id, created_at: now, updated_at: now, version: 0, time_zone: zone() };
  }
  if (!task || kind === "delete") return null;
  const next = { ...task, waiting: change };
  if (kind === "create" || kind === "patch") {
    for (const [field, content] of Object.entries(body)) next[field] = content ?? (Array.isArray(task[field]) ? [] : field === "description" ? "" : null);
    if ("due" in body) next.due_at = next.due ? dueInstant(next.due, zone()).toISOString() : null;
    next.due_at ??= null;
  }
  if (kind === "complete") Object.assign(next, { status: "completed", completed_at: new Date(change.created).toISOString() });
  if (kind === "reopen") Object.assign(next, { status: "pending", completed_at: null });
  if (kind === "move") next.space = body.space;
  return next;
}

/** Returns a task as the user sees it, or null. */
export function get(id) {
  id = idOf(id);
  if (!shown.has(id)) {
    let task = base.get(id) ?? null;
    for (const change of changes) if (change.id === id && change.kind !== "comment") task = overlay(task, change);
    shown.set(id, task);
  }
  return shown.get(id);
}

/** Returns a task as the server has it. */
export const serverTask = (id) => base.get(idOf(id)) ?? null;

/** The id of a task that may have been created under a temporary one. */
export const idOf = (id) => newIds.get(id) ?? id;

/** Notes which id the server gave to a task. */
export function rename(temporary, id) {
  newIds.set(temporary, id);
  touch(temporary);
}

/** Reads a task from the server. */
export async function load(id) {
  try {
    const { body } = await request("GET", `v1/tasks/${idOf(id)}`);
    put([body]);
    return get(id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) remove(idOf(id));
    if (error instanceof NetworkError && get(id)) return get(id);
    throw error;
  }
}

const sortKeys = {
  due: (task) => (task.due_at ? Date.parse(task.due_at) : Infinity),
  priority: (task) => ["low", "medium", "high", "urgent"].indexOf(task.priority),
  created: (task) => Date.parse(task.created_at),
  updated: (task) => Date.parse(task.updated_at),
  title: (task) => plain(task.title),
};

/** Compares tasks by a sort order of the API. */
export function comparison(sort) {
  const key = sortKeys[sort.replace("-", "")], sign = sort[0] === "-" ? -1 : 1;
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    return x === y ? 0 : x < y ? -sign : sign;
  };
}

/** A text without case and marks. */
export const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * A list that several queries fill page by page, each in the same order. A task is shown once all tasks before it are known, so
 * that rows appear in their final place. Tasks that are stored on the device are shown until the first pages are there.
 */
export function openList({ queries, sort, keep, changed }) {
  const sources = queries.map((query) => ({ query, cursor: null, done: false, last: null }));
  const found = new Set(); // by the server: only it can compare a search term as it does
  const compare = comparison(sort);
  const stop = new AbortController();
  const list = { error: null, loading: false, loaded: false, get done() { return sources.every(({ done }) => done); } };

  async function next(source) {
    const query = { ...source.query, sort, limit: 100, cursor: source.cursor };
    const { body } = await request("GET", "v1/tasks", { query, signal: stop.signal });
    for (const { id } of body.items) found.add(id);
    put(body.items);
    source.last = body.items.at(-1) ?? source.last;
    source.cursor = body.next_cursor;
    source.done = !body.next_cursor;
  }

  const horizon = () => {
    let least = null;
    for (const { done, last } of sources) if (!done && last && (!least || compare(last, least) < 0)) least = last;
    return least;
  };

  /** Loads the pages without which nothing more can be shown. */
  list.more = async () => {
    if (list.loading || list.done) return;
    Object.assign(list, { loading: true, error: null });
    changed();
    const least = horizon();
    try {
      const rest = sources.filter(({ done, last }) => !done && (!last || !least || compare(last, least) <= 0));
      const work = async () => { while (rest.length) await next(rest.shift()); };
      await Promise.all(Array.from({ length: 6 }, work)); // there can be hundreds of spaces
      list.loaded = true;
    } catch (error) {
      if (error.name === "AbortError") return;
      list.error = error;
    }
    list.loading = false;
    changed();
  };

  /** The tasks that can be shown, in their order. */
  list.items = () => {
    const ids = new Set([...base.keys(), ...changes.filter(({ kind }) => kind === "create").map(({ id }) => id)]);
    const least = list.loaded ? horizon() : null;
    const result = [];
    for (const id of ids) {
      const task = get(id);
      if (task && keep(task, found) && !(least && compare(task, least) > 0)) result.push(task);
    }
    return result.sort((a, b) => compare(a, b) || (a.id < b.id ? -1 : 1));
  };
  list.close = () => stop.abort();
  return list;
}

/** Whether a task is overdue since an earlier day. */
export const fromEarlier = (task, today) => isOverdue(task, zone()) && dayOf(task, zone()) < today;

/** The spaces of the user; without a connection, or with a very slow one, the last known ones. */
export async function spaces() {
  const read = spacesList().then((list) => {
    isLate = false;
    if (knownSpaces !== list) touch();
    knownSpaces = list;
    cache.setValue("spaces", list);
  });
  read.catch(() => {});
  try {
    await Promise.race([read, new Promise((done, fail) => setTimeout(fail, isLate ? 0 : SLOW, new NetworkError()))]);
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    isLate = true;
    const kept = await cache.value("spaces");
    if (!knownSpaces.length) knownSpaces = kept ?? [];
    if (!knownSpaces.length) await read;
  }
  return knownSpaces;
}

/** The space with an id, if it is known. */
export const spaceOf = (id) => knownSpaces.find((space) => space.id === id);

/** Whether the user may change tasks of a space. */
export const mayChange = (id) => spaceOf(id)?.role !== "viewer";

/** Members of a space, kept until one changes. */
export async function membersOf(space) {
  if (!space || spaceOf(space)?.personal) return [{ user_id: user().id, name: user().name, role: "owner" }];
  if (!members.has(space)) {
    const reading = (async () => {
      const list = [];
      for await (const member of pages(`v1/spaces/${space}/members`)) list.push(member);
      cache.setValue(`members ${space}`, list);
      return list;
    })();
    members.set(space, reading);
    const show = (list) => {
      lists.set(space, list);
      touch();
    };
    reading.then(show, async () => {
      show((await cache.value(`members ${space}`)) ?? lists.get(space) ?? []);
      setTimeout(() => members.get(space) === reading && members.delete(space), 30_000); // then they are read again
    });
  }
  return members.get(space).catch(async (error) => (await cache.value(`members ${space}`)) ?? Promise.reject(error));
}

/** The name of a member; "…" until it is read, and "" if it is not known. */
export function nameOf(id, space) {
  if (id === user()?.id) return user().name;
  if (!members.has(space)) membersOf(space).catch(() => {});
  return lists.has(space) ? lists.get(space).find((member) => member.user_id === id)?.name ?? "" : members.has(space) ? "…" : "";
}

/** Forgets the members of a space, because one has changed. */
export function forgetMembers(space) {
  members.delete(space);
  document.dispatchEvent(new CustomEvent("taskbell:members", { detail: space }));
  touch();
}

/** Names for suggestions: "tags" or "categories" of a space. */
export async function namesIn(kind, space) {
  const key = `${kind} ${space}`;
  try {
    const { body } = await request("GET", `v1/${kind}`, { query: { space, limit: 100 } });
    const names = body.items.map(({ name }) => name);
    cache.setValue(key, names);
    return names;
  } catch {
    return (await cache.value(key)) ?? [];
  }
}

onSpaces(() => spaces().then(() => touch(), () => {}));
