// Changes of others: at once over a WebSocket, and reliably through the change feed (docs/live.md, docs/changes.md).

import { ApiError, request } from "./api.js";
import * as cache from "./cache.js";
import { spacesChanged, spacesList } from "./spaces-store.js";
import { user } from "./session.js";
import { forgetMembers, forgetTasks, put, remove } from "./tasks-store.js";

const HEARTBEAT = 240_000;
const SLEEP = 60_000;
const listeners = new Set();

let running = null; // the current run; a new log-in starts another one
let starts = 0;
let hiddenAt = 0;

/** Calls `f({type, task, id})` when comments of a task changed, or with `{type: "reload"}` when lists have to be read again. */
export function onLive(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

const tell = (event) => { for (const f of [...listeners]) f(event); };

class Run {
  sequences = new Map();
  work = Promise.resolve();
  failures = 0;
  timer = setInterval(() => this.beat(), HEARTBEAT);

  constructor(cursor) {
    this.cursor = cursor;
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.next);
    this.socket?.close();
  }

  beat() {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send('{"action": "heartbeat"}');
      this.failures = 0;
    }
    this.do(() => this.catchUp());
  }

  async connect() {
    clearTimeout(this.next);
    if (this.stopped || this.connecting || this.socket?.readyState <= WebSocket.OPEN) return;
    this.connecting = true;
    try {
      const { body } = await request("POST", "v1/live");
      if (this.stopped) return;
      this.socket = new WebSocket(body.url);
      this.socket.onopen = () => this.do(() => this.catchUp());
      this.socket.onmessage = ({ data }) => this.do(() => this.receive(JSON.parse(data)));
      this.socket.onclose = () => this.again();
    } catch (error) {
      if (error.status !== 401) this.again();
    } finally {
      this.connecting = false;
    }
  }

  again() {
    clearTimeout(this.next);
    if (!this.stopped) this.next = setTimeout(() => this.connect(), Math.random() * Math.min(30_000, 1000 * 2 ** this.failures++));
  }

  /** Runs one step after the other; a failure leads to a new connection, which catches up. */
  do(step) {
    this.work = this.work.then(() => this.stopped || step()).catch((error) => {
      console.warn(error);
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.close();
    });
    return this.work;
  }

  async receive({ type, space, sequence, id, data }) {
    const known = this.sequences.get(space);
    if (!sequence || sequence <= known) return;
    if (sequence !== known + 1 || !(data || type.endsWith("_deleted")) || type.startsWith("space_")) return this.catchUp();
    const [object, what] = type.split("_");
    if (type === "task_deleted") remove(id, space);
    else if (object === "task") put([data]);
    else if (object === "comment") tell({ type: "comments", task: data?.task, id, deleted: what === "deleted" });
    else if (object === "member") {
      forgetMembers(space);
      if (id === user()?.id) spacesChanged(); // perhaps with another role
    }
    this.sequences.set(space, sequence);
  }

  async catchUp() {
    for (let more = true; more && !this.stopped; ) {
      const answer = await this.changes();
      if (!answer || this.stopped) continue;
      for (const space of answer.left) {
        this.sequences.delete(space);
        forgetTasks(space);
      }
      for (const { type, id, space } of answer.removed) if (type === "task") remove(id, space);
      put(answer.tasks);
      for (const task of new Set(answer.comments.map(({ task }) => task))) tell({ type: "comments", task });
      if (answer.removed.some(({ type }) => type === "comment")) tell({ type: "comments" });
      for (const space of new Set([...answer.members, ...answer.removed.filter(({ type }) => type === "member")].map(({ space }) => space))) forgetMembers(space);
      if (answer.left.length || answer.joined.length || answer.spaces.length || answer.members.some(({ user_id: id }) => id === user()?.id)) {
        spacesChanged();
        await spacesList().catch(() => {});
        if (answer.left.length || answer.joined.length) tell({ type: "reload" });
      }
      more = answer.has_more || !this.cursor;
      this.cursor = answer.next_cursor;
      for (const [space, sequence] of Object.entries(answer.sequences)) this.sequences.set(space, Math.max(sequence, this.sequences.get(space) ?? 0));
      cache.setValue("cursor", this.cursor);
    }
  }

  async changes() {
    try {
      return (await request("GET", "v1/changes", { query: { cursor: this.cursor } })).body;
    } catch (error) {
      if (!(error instanceof ApiError) || !["cursor_expired", "invalid_cursor"].includes(error.code)) throw error;
      // Away for longer than changes are kept: what is stored may be out of date.
      this.cursor = undefined;
      this.sequences.clear();
      forgetTasks();
      tell({ type: "reload" });
      return null;
    }
  }
}

/** Starts following changes. */
export async function startLive() {
  stopLive();
  const mine = starts;
  const cursor = await cache.value("cursor");
  if (mine !== starts) return; // stopped meanwhile
  running = new Run(cursor);
  running.connect();
}

/** Stops following changes. */
export function stopLive() {
  starts += 1;
  running?.stop();
  running = null;
}

/** Connects again, and asks what has changed meanwhile. */
function wake() {
  if (!running) return;
  running.failures = 0;
  if (running.socket?.readyState === WebSocket.OPEN) running.beat();
  else running.connect();
}

addEventListener("online", wake);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (Date.now() - hiddenAt > SLEEP || running?.socket?.readyState !== WebSocket.OPEN) wake();
});
