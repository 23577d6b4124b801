// What runs during a session: stored tasks, waiting changes, live updates, and the line that says what is waiting.

import * as cache from "./cache.js";
import { h, icon, replace } from "./dom.js";
import { startLive, stopLive } from "./live.js";
import { changes, forgetTasks, put, spaces, touch } from "./tasks-store.js";
import { onOutbox, startOutbox, stopOutbox, waiting } from "./outbox.js";
import { mayGoOn, onChange } from "./session.js";
import { local } from "./storage.js";
import { taskText as text } from "./strings.js";

const OWNER = "owner"; // whose data is stored on this device
const MOST = 5000;
let active = null; // {id}: a new object for each session
let known = null; // the user whose data modules may have in memory
let soon = null;
const bar = h("div", { class: "waiting-bar", role: "status" });

async function begin(id) {
  const mine = active = { id };
  known = id;
  const owner = local.get(OWNER);
  local.set(OWNER, id);
  if (owner && owner !== id) {
    // What another user could not send yet stays until that user logs in again.
    await cache.openCache(owner);
    if (active !== mine) return;
    if (!(await cache.stored("changes")).length && active === mine) cache.deleteCache(owner);
    if (active !== mine) return;
  }
  await cache.openCache(id);
  const tasks = await cache.stored("tasks");
  if (active !== mine) return;
  if (tasks.length > MOST) {
    await cache.clearTasks();
    await cache.setValue("cursor", undefined);
  } else put(tasks, { keep: false });
  if (active !== mine) return;
  await startOutbox();
  if (active !== mine) return;
  spaces().then(() => touch(), () => {});
  startLive();
}

async function end(reason) {
  stopLive();
  stopOutbox(mayGoOn(reason));
  const last = active?.id ?? local.get(OWNER);
  active = null;
  cache.closeCache();
  forgetTasks();
  // What is waiting is sent after the next log-in.
  if (mayGoOn(reason) || !last) return;
  local.remove(OWNER);
  await cache.deleteCache(last);
}

function showBar() {
  const list = waiting(), open = list.filter(({ state }) => state);
  const wanted = list.length ? `${open.length} ${list.length}` : "";
  if (bar.dataset.shown === wanted) return;
  bar.dataset.shown = wanted;
  replace(bar, list.length ? [icon(open.length ? "error" : "clock"), h("span", null, open.length ? text.decisions(open.length) : text.waitingChanges(list.length)),
    h("button", { type: "button", class: "button quiet small", onclick: async () => (await import("./conflict.js")).showWaiting() }, text.show)] : null);
}

/** Follows the session: starts and ends everything with it. */
export function startTasks() {
  onChange((profile, reason) => {
    if (!profile) return end(reason);
    if (known && known !== profile.id) location.reload(); // modules have data of another user in memory
    else if (!active) begin(profile.id);
    return null;
  });
  onOutbox(() => {
    showBar();
    if (changes.length && !soon) soon = setTimeout(() => {
      soon = null;
      showBar();
      if (waiting().length) touch(); // rows say that they wait
    }, 1600);
  });
  document.body.append(bar);
}
