// What runs during a session: stored tasks, waiting changes, live updates, and the line that says what is waiting.

import * as cache from "./cache.js";
import { confirmDialog, openDialog } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { startLive, stopLive } from "./live.js";
import { changes, forgetTasks, put, spaces, touch } from "./tasks-store.js";
import { decide, onOutbox, retry, startOutbox, stopOutbox, undo, waiting } from "./outbox.js";
import { onChange } from "./session.js";
import { text } from "./strings-tasks.js";
import { fieldWords } from "./task-view.js";

const OWNER = "taskbell.cache"; // whose data is stored on this device
const MOST = 5000;
let active = null;
let soon = null;
const bar = h("div", { class: "waiting-bar", role: "status" });

async function begin(id) {
  active = id;
  const owner = localStorage.getItem(OWNER);
  if (owner && owner !== id) cache.deleteCache(owner);
  localStorage.setItem(OWNER, id);
  await cache.openCache(id);
  const tasks = await cache.stored("tasks");
  if (active !== id) return;
  if (tasks.length > MOST) {
    await cache.clearTasks();
    await cache.setValue("cursor", undefined);
  } else put(tasks, { keep: false });
  await startOutbox();
  spaces().then(() => touch(), () => {});
  if (active === id) startLive();
}

function end(reason) {
  stopLive();
  stopOutbox();
  const last = active ?? localStorage.getItem(OWNER);
  active = null;
  // A session that has expired can go on: what is waiting is sent after the next log-in.
  const keep = reason === "expired" || reason === "none";
  cache.closeCache();
  forgetTasks();
  if (!keep && last) {
    cache.deleteCache(last);
    localStorage.removeItem(OWNER);
  }
}

function showBar() {
  const list = waiting(), open = list.filter(({ state }) => state);
  const wanted = list.length ? `${open.length} ${list.length}` : "";
  if (bar.dataset.shown === wanted) return;
  bar.dataset.shown = wanted;
  replace(bar, list.length ? [icon(open.length ? "error" : "clock"), h("span", null, open.length ? text.decisions(open.length) : text.waitingChanges(list.length)),
    h("button", { type: "button", class: "button quiet small", onclick: showWaiting }, text.show)] : null);
}

function words({ kind, body, id, space }) {
  if (kind === "comment") return body.text;
  if (kind !== "create" && kind !== "patch") return "";
  const shownFields = Object.entries(body).filter(([field]) => text.fields[field] && field !== "title");
  return shownFields.map(([field, content]) => `${text.fields[field]}: ${fieldWords(field, content, { id, space }) || text.empty}`).join("\n");
}

function showWaiting() {
  const rows = () => waiting().map((entry) => h("li", { class: "row" },
    h("div", { class: "row-main" },
      h("p", { class: "row-title" }, `${text.kinds[entry.kind]}: `, h("bdi", null, entry.title || entry.body?.title || "")),
      h("p", { class: "row-note lines", dir: "auto" }, words(entry)),
      entry.error ? h("p", { class: "field-error" }, icon("error"), entry.error) : null),
    h("div", { class: "actions" },
      entry.state ? h("button", { type: "button", class: "button small", onclick: () => { dialog.close(); if (entry.state === "conflict") decide(entry); else retry(entry); } }, entry.state === "conflict" ? text.decide : text.retry) : null,
      h("button", {
        type: "button", class: "button quiet danger small", onclick: async () => {
          dialog.close();
          if (await confirmDialog({ title: text.discardChange, text: text.discardText, action: text.discardChange })) undo(entry);
        },
      }, text.discardChange))));
  const dialog = openDialog(text.waitingTitle, waiting().length ? h("ul", { class: "list" }, rows()) : h("p", null, text.nothingWaiting));
}

/** Follows the session: starts and ends everything with it. */
export function startTasks() {
  onChange((profile, reason) => {
    if (profile && profile.id !== active) {
      if (active) end(reason);
      begin(profile.id);
    } else if (!profile) end(reason);
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
