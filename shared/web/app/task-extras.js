// What belongs to a task and is not one of its fields: comments, next occurrences, and the delivery log.

import { NetworkError, describe, request } from "./api.js";
import { confirmDialog, failed, toast } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { dayWords, dueWords, instantWords, timeWords, today, wall } from "./dates.js";
import { onLive } from "./live.js";
import { change } from "./outbox.js";
import { user } from "./session.js";
import { editorText as text } from "./strings.js";
import { reminderWords } from "./task-view.js";
import { changes, mayChange, nameOf, subscribe, zone } from "./tasks-store.js";

const drafts = new Map(); // comments that were typed and not added, by task

/** An entry of the delivery log in words: "Sent 09:00:01, delivered". */
export function logWords(entry) {
  const at = (value) => {
    const instant = new Date(value), { date } = wall(instant, zone());
    return `${date === today(zone()) ? "" : `${dayWords(date, zone())}, `}${timeWords(instant, zone(), true)}`;
  };
  if (entry.kind === "auto_completion") {
    return entry.status === "skipped" ? text.autoLog.skipped : `${text.autoLog[entry.status]} ${entry.fire_at ? at(entry.fire_at) : ""}`.trim();
  }
  const parts = [text.logStatus[entry.status] ?? entry.status];
  if (entry.status === "scheduled") parts[0] += ` ${at(entry.fire_at)}`;
  if (entry.status === "sent" && entry.sent_at) parts[0] += ` ${at(entry.sent_at)}`;
  if (entry.feedback) parts.push(text.feedback[entry.feedback] ?? entry.feedback);
  if (entry.reason) parts.push(text.reasons[entry.reason] ?? entry.reason);
  if (entry.attempts > 1) parts.push(text.attempts(entry.attempts));
  if (entry.uncertain_attempts > 0) parts.push(text.twice);
  return parts.join(", ");
}

const symbols = { sent: "check", scheduled: "clock", claimed: "clock", skipped: "skip", failed: "error", uncertain: "error", done: "check" };

/** Makes the sections. `task()` is the task as it is now. */
export function taskExtras(task) {
  const stop = new AbortController();
  const read = (path, query) => request("GET", `v1/tasks/${task().id}/${path}`, { query, signal: stop.signal }).then(({ body }) => body);
  const comments = h("ul", { class: "comments" }), more = h("div");
  const occurrences = h("div"), log = h("div");
  let items = null, cursor = null, seen = "", mark = "", edited = null; // no items: they are not loaded yet

  async function part(place, work) {
    try {
      await work();
    } catch (error) {
      if (error.name === "AbortError" || (place === comments && items)) return; // those that are there stay
      replace(place, error instanceof NetworkError ? h("p", { class: "soft" }, describe(error)) : failed(error, () => part(place, work)));
    }
  }

  function editing(comment, item) {
    const input = h("textarea", { rows: 3, maxlength: 4000, dir: "auto", "aria-label": text.comment, value: comment.text });
    const error = h("p", { class: "field-error", role: "alert" });
    edited = comment.id;
    const end = () => {
      edited = null;
      mark = "";
      showComments();
      comments.querySelector(`[data-id="${comment.id}"] button`)?.focus();
    };
    replace(item, h("form", {
      class: "stack", onsubmit: async (event) => {
        event.preventDefault();
        try {
          const { body } = await request("PATCH", `v1/tasks/${comment.task}/comments/${comment.id}`, { body: { text: input.value } });
          items = items.map((each) => (each.id === body.id ? body : each));
          end();
        } catch (failure) {
          replace(error, failure.errors?.[0]?.message ?? describe(failure));
        }
      },
    }, input, error, h("div", { class: "actions" }, h("button", { type: "submit", class: "button primary small" }, text.save),
      h("button", { type: "button", class: "button small", onclick: end }, text.cancel))));
    input.focus();
  }

  async function removeComment(comment) {
    if (!(await confirmDialog({ title: text.deleteComment, text: text.deleteCommentText, action: text.deleteComment }))) return;
    try {
      await request("DELETE", `v1/tasks/${comment.task}/comments/${comment.id}`);
      items = items.filter(({ id }) => id !== comment.id);
      showComments();
    } catch (error) {
      toast(describe(error));
    }
  }

  function showComments() {
    if (edited) return; // what is typed must stay
    const own = changes.filter(({ kind, id }) => kind === "comment" && id === task().id).map(({ body, created }) => ({ text: body.text, author: user()?.id, created_at: new Date(created).toISOString(), waiting: true }));
    if (!items && task().version && !own.length) return;
    const known = items ?? [];
    const next = JSON.stringify([known.map(({ id, updated_at: at, author }) => [id, at, nameOf(author, task().space)]), own, cursor]);
    if (next === mark) return; // the elements and their focus stay
    mark = next;
    replace(comments, [...known, ...own].map((comment) => {
      const mine = comment.author === user()?.id && !comment.waiting;
      const item = h("li", { class: "comment", dataset: { id: comment.id ?? "" } },
        h("p", { class: "row-note" }, h("strong", { dir: "auto" }, text.assignee(nameOf(comment.author, task().space))), h("time", { datetime: comment.created_at }, instantWords(comment.created_at, zone())),
          comment.waiting ? h("span", null, text.waiting) : comment.updated_at !== comment.created_at ? h("span", null, text.edited) : null),
        h("p", { class: "lines", dir: "auto" }, comment.text),
        mine && mayChange(task().space) ? h("div", { class: "actions" }, h("button", { type: "button", class: "button quiet small", onclick: () => editing(comment, item) }, text.editComment),
          h("button", { type: "button", class: "button quiet danger small", onclick: () => removeComment(comment) }, text.deleteComment)) : null);
      return item;
    }), known.length || own.length ? null : h("li", { class: "soft" }, text.noComments));
    replace(more, cursor ? h("button", { type: "button", class: "button small", onclick: () => part(more, () => loadComments(true)) }, text.olderComments) : null);
  }

  async function loadComments(next = false) {
    if (!task().version) return showComments();
    const page = await read("comments", { limit: 100, cursor: next ? cursor : null });
    items = next ? [...(items ?? []), ...page.items] : page.items;
    cursor = page.next_cursor;
    showComments();
  }

  async function loadOccurrences() {
    const now = task();
    if (now.next_occurrence) return replace(occurrences, h("h2", null, text.occurrences), h("p", null, h("a", { href: `#/task/${now.next_occurrence}` }, text.nextTask)));
    if (!now.recurrence || !now.version || now.status === "completed") return replace(occurrences);
    const page = await read("occurrences", { limit: 5 });
    replace(occurrences, h("h2", null, text.occurrences), page.items.length ? h("ol", { class: "list" }, page.items.map((item) => h("li", { class: "row slim" }, h("time", { datetime: item.due_at }, dueWords(item, zone()))))) : h("p", { class: "soft" }, text.noOccurrences));
  }

  async function loadLog() {
    if (!task().version) return replace(log);
    const page = await read("reminders");
    const list = [...page.items].sort((a, b) => Date.parse(a.fire_at) - Date.parse(b.fire_at));
    replace(log, h("h2", null, text.log), list.length ? h("ul", { class: "list" }, list.map((entry) => h("li", { class: `row slim log-${entry.status}` }, icon(symbols[entry.status] ?? "bell"),
      h("div", { class: "row-main" }, h("p", null, logWords(entry)), entry.kind === "reminder" ? h("p", { class: "row-note" }, entry.snoozed ? text.snooze : reminderWords(entry)) : null)))) : h("p", { class: "soft" }, text.noLog));
  }

  const input = h("textarea", { rows: 2, maxlength: 4000, dir: "auto", "aria-label": text.comment, placeholder: text.comment, value: drafts.get(task().id) ?? "", oninput: () => drafts.set(task().id, input.value) });
  const error = h("p", { class: "field-error", role: "alert" });
  const form = h("form", {
    class: "stack comment-form", onsubmit: async (event) => {
      event.preventDefault();
      const content = input.value.trim();
      if (!content) return replace(error, icon("error"), text.commentEmpty);
      replace(error);
      input.value = "";
      drafts.delete(task().id);
      const { result } = change("comment", task().id, { body: { text: content }, quiet: true });
      showComments();
      try {
        const { task: comment } = await result;
        if (comment && items && !items.some(({ id }) => id === comment.id)) items.push(comment);
      } catch (failure) {
        if (!input.value) {
          input.value = content;
          drafts.set(task().id, content);
        }
        if (!input.isConnected) toast(text.refused(task().title, describe(failure)), { seconds: 60 });
        replace(error, icon("error"), failure.errors?.[0]?.message ?? describe(failure));
      }
      showComments();
    },
    onkeydown: (event) => { if ((event.ctrlKey || event.metaKey) && event.key === "Enter") form.requestSubmit(); },
  }, input, error, h("div", null, h("button", { type: "submit", class: "button small" }, text.addComment)));

  const element = h("div", { class: "extras" }, h("section", { class: "section" }, h("h2", null, text.comments), comments, more, mayChange(task().space) ? form : null),
    h("section", { class: "section" }, occurrences), h("section", { class: "section" }, log));

  function refresh() {
    const { id, version } = task();
    if (seen === `${id} ${version}`) return;
    seen = `${id} ${version}`;
    part(occurrences, loadOccurrences);
    part(log, loadLog);
  }

  part(comments, loadComments);
  refresh();
  const ends = [onLive((event) => { if (event.type === "reload" || !event.task || event.task === task().id) part(comments, () => loadComments()); }), subscribe(showComments)];
  return {
    element, refresh,
    close: () => {
      stop.abort();
      for (const end of ends) end();
    },
  };
}
