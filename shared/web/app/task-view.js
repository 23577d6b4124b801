// Tasks in lists: rows that stay the same elements as long as the task is the same, and values in words.

import { change, hold, isWaiting, undo } from "./outbox.js";
import { openDialog, toast } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { addDays, dateWords, dayWords, dueWords, durationWords, instantOf, instantWords, isOverdue, parseDue, timeWords, today, wall, weekday } from "./dates.js";
import { ruleWords } from "./recurrence.js";
import { get, mayChange, nameOf, serverTask, spaceOf, zone } from "./tasks-store.js";
import { taskText as text } from "./strings.js";

/** A reminder in words. */
export function reminderWords({ before, at }) {
  if (!before) return instantWords(at.includes("[") ? instantFrom(at) : at, zone());
  return /^PT?0[A-Z]$/i.test(before) ? text.atDue : text.beforeWords(durationWords(before));
}

function instantFrom(wallTime) {
  const [, date, time, name] = /^(\S{10})[Tt ](\d\d:\d\d)[^[]*\[!?([^\]]+)\]/.exec(wallTime) ?? [];
  return date ? instantOf(date, time, name) : wallTime;
}

/** A value of a field in words. */
export function fieldWords(field, value, task) {
  if (value === null || value === undefined || value === "" || value.length === 0) return field === "assigned_to" ? text.nobody : "";
  switch (field) {
    case "status": return text.statuses[value];
    case "priority": return text.priorities[value];
    case "tags": return value.join(", ");
    case "due": return value.length === 10 ? dueWords({ due: value }, zone()) : instantWords(value.includes("[") ? instantFrom(value) : value, zone());
    case "recurrence": return ruleWords(value, zone());
    case "recurrence_from": return value === "due" ? text.fromDue : text.fromCompletion;
    case "reminders": return value.map(reminderWords).join("\n");
    case "checklist": return value.map(({ title, done }) => `${done ? "☑" : "☐"} ${title}`).join("\n");
    case "assigned_to": return nameOf(value, task.space) || text.assignee("");
    case "auto_complete_after": return durationWords(value);
    default: return value;
  }
}

const part = (symbol, className, ...content) => h("span", { class: className }, symbol ? icon(symbol) : null, content);

function meta(task, { showSpace, showDay = true }) {
  const parts = [], late = isOverdue(task, zone()), done = task.status === "completed";
  const day = showDay || late, when = day ? dueWords(task, zone()) : task.due?.length > 10 && timeWords(new Date(task.due_at), zone());
  const hidden = (words) => h("span", { class: "visually-hidden" }, words);
  if (task.due && when) parts.push(part(late ? "overdue" : day ? "calendar" : "clock", late ? "late" : "", late ? hidden(`${text.overdue}: `) : null, h("time", { datetime: task.due_at }, when)));
  if (task.recurrence) parts.push(h("span", { title: ruleWords(task.recurrence, zone()) }, icon("repeat"), hidden(ruleWords(task.recurrence, zone()))));
  const snoozed = task.reminders.find((reminder) => reminder.snoozed && Date.parse(reminder.fire_at) > Date.now());
  if (snoozed && !done) parts.push(part("bell", "", text.snoozedUntil(instantWords(snoozed.fire_at, zone(), { inside: true }))));
  else if (!done && task.reminders.some(({ fire_at: at }) => Date.parse(at) > Date.now())) parts.push(h("span", { title: text.hasReminder }, icon("bell"), hidden(text.hasReminder)));
  if (task.status === "in_progress") parts.push(h("span", { class: "badge accent" }, text.inProgress));
  if (task.priority === "high" || task.priority === "urgent") parts.push(part("flag", `priority-${task.priority}`, text.priorities[task.priority]));
  if (task.checklist.length) {
    const ready = task.checklist.filter((item) => item.done).length;
    parts.push(h("span", { "aria-label": text.steps(ready, task.checklist.length), role: "img" }, icon("check"), `${ready}/${task.checklist.length}`));
  }
  if (task.category) parts.push(h("a", { href: `#/category/${encodeURIComponent(task.category)}`, dir: "auto" }, icon("folder"), task.category));
  for (const tag of task.tags) parts.push(h("a", { href: `#/tag/${encodeURIComponent(tag)}`, dir: "auto" }, `#${tag}`));
  const space = spaceOf(task.space);
  if (showSpace && space && !space.personal) parts.push(h("a", { href: `#/space/${task.space}`, dir: "auto" }, icon("spaces"), space.name));
  if (task.assigned_to) parts.push(h("span", { dir: "auto" }, icon("profile"), hidden(`${text.assignedTo}: `), text.assignee(nameOf(task.assigned_to, task.space))));
  if (task.waiting && isWaiting(task.waiting)) parts.push(part("clock", "waits", task.waiting.state ? text.undecided : text.waiting));
  return parts;
}

const action = (name, symbol, label, title) => h("button", { type: "button", class: "icon-button small", dataset: { action: name }, "aria-label": title ? `${label}: ${title}` : label, title: label }, icon(symbol));

/** Makes the row of a task. Its buttons are found by `data-action`. */
export function taskRow(task, options) {
  const done = task.status === "completed", may = mayChange(task.space);
  return h("li", { class: `task${done ? " done" : ""}`, dataset: { id: task.id } },
    h("button", { type: "button", class: `tick priority-${task.priority}`, disabled: !may, dataset: { action: "complete" }, "aria-label": done ? text.reopen(task.title) : text.complete(task.title) }, icon("check")),
    h("div", { class: "task-main" },
      h("a", { class: "task-title", href: `#/task/${task.id}`, dir: "auto", "aria-describedby": `meta-${task.id}` }, task.title),
      h("div", { class: "task-meta", id: `meta-${task.id}` }, meta(task, options))),
    may ? h("div", { class: "task-actions" },
      done ? null : [action("due", "calendar", text.dueTitle, task.title), action("snooze", "bell", text.snooze, task.title), task.recurrence ? action("skip", "skip", text.skip, task.title) : null],
      action("delete", "trash", text.remove, task.title)) : null,
    may ? h("div", { class: "task-more" }, action("menu", "more", text.actionsFor(task.title))) : null);
}

/**
 * Shows groups of tasks (`{key, title, tasks, late}`) in an element. Rows and groups that are still needed stay in place, with
 * their focus.
 */
export function groupsView(root, options) {
  const rows = new Map(), sections = new Map();
  return (groups) => {
    const { activeElement } = document, focused = activeElement?.closest?.(".task")?.dataset.id, order = [...root.querySelectorAll(".task")].map(({ dataset }) => dataset.id);
    const kept = new Set(groups.flatMap(({ tasks }) => tasks.map(({ id }) => id))), used = new Set(groups.map(({ key }) => key));
    // What goes away goes first, so that what stays need not move.
    for (const [id, { element }] of rows) if (!kept.has(id)) { element.remove(); rows.delete(id); }
    for (const [key, { element }] of sections) if (!used.has(key)) { element.remove(); sections.delete(key); }
    let place = root.firstChild;
    for (const { key, title, tasks, late } of groups) {
      let section = sections.get(key);
      if (!section) {
        section = { heading: h("h2"), list: h("ul", { class: "tasks", role: "list" }) };
        section.element = h("section", { class: "group" }, section.heading, section.list);
        sections.set(key, section);
      }
      section.heading.hidden = !title;
      section.heading.classList.toggle("late", Boolean(late));
      if (section.heading.textContent !== title) section.heading.textContent = title;
      if (place === section.element) place = place.nextSibling;
      else root.insertBefore(section.element, place);
      let before = section.list.firstChild;
      for (const task of tasks) {
        let row = rows.get(task.id);
        const mark = options.mark(task);
        if (row?.task !== task || row.mark !== mark) {
          const element = taskRow(task, options);
          if (before === row?.element) before = element;
          row?.element.replaceWith(element);
          row = { task, element, mark };
          rows.set(task.id, row);
        }
        if (before === row.element) before = before.nextSibling;
        else section.list.insertBefore(row.element, before);
      }
    }
    const stays = kept.has(focused) && rows.get(focused).element;
    // A row that was made anew, or moved, has lost the focus.
    if (stays && !stays.contains(document.activeElement)) (stays.querySelector(`[data-action="${activeElement.dataset.action}"]`) ?? stays.querySelector(".task-title")).focus({ preventScroll: true });
    if (focused && !stays) {
      // The row with the focus has gone: the next one gets it.
      const at = order.indexOf(focused);
      const next = [...order.slice(at + 1), ...order.slice(0, at).reverse()].find((id) => kept.has(id));
      (next ? rows.get(next).element.querySelector(".task-title") : document.querySelector("h1"))?.focus();
    }
  };
}

function offerUndo(message, { entry, result }, fallback) {
  const isDelayed = Boolean(entry.notBefore), remove = toast(message, {
    action: text.undo, undo: true, seconds: isDelayed ? 6 : undefined,
    onHold: isDelayed ? (on) => hold(entry, on) : undefined,
    onAction: async () => (await undo(entry)) || (fallback ? fallback() : toast(text.tooLate)),
  });
  // What was sent after its delay cannot be undone.
  if (isDelayed) result.then(({ queued }) => queued || remove(), remove);
}

/** Completes or reopens a task, with an undo. A series waits a little, because its next occurrence would stay. */
export function toggle(task) {
  if (task.status === "completed") {
    const made = change("reopen", task.id);
    return offerUndo(text.reopened(task.title), made, () => change("complete", task.id));
  }
  const made = change("complete", task.id, { delay: Boolean(task.recurrence) });
  offerUndo(text.completed(task.title, task.recurrence), made, () => change("reopen", task.id));
}

/** Deletes a task, with an undo. */
export function removeTask(task) {
  const made = change("delete", task.id, { delay: true });
  offerUndo(text.deleted(task.title), made);
}

/** Skips the occurrence of a series, with an undo. */
export function skip(task) {
  const made = change("skip", task.id, { delay: true });
  offerUndo(text.skipped(task.title), made);
}

/**
 * Asks for a day or time. `choices` are [name, value, value in words]; `read` returns the value of the input, or null if it cannot be
 * used, which `problem` says.
 */
function askTime({ title, help, choices, other, input, read, problem, action, done }) {
  const error = h("p", { class: "field-error", role: "alert" });
  const choose = (value) => {
    dialog.close();
    done(value);
  };
  const dialog = openDialog(title, [
    help ? h("p", { class: "soft" }, help) : null,
    h("div", { class: "choices" }, choices.map(([label, value, words]) =>
      h("button", { type: "button", class: "choice", onclick: () => choose(value) }, h("span", null, label), h("span", { class: "soft" }, words)))),
    h("form", {
      class: "other-time", novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        const value = read();
        if (value) choose(value);
        else replace(error, problem);
      },
    }, h("label", null, other, input), h("button", { type: "submit", class: "button" }, action), error)]);
  dialog.element.querySelector(".choice").focus();
}

/** Asks until when to snooze a task. */
export function snooze(task) {
  const now = new Date(), { date, time } = wall(now, zone()), day = addDays(date, 1);
  const monday = addDays(date, 7 - weekday(date));
  const choices = [[text.snoozeHour, new Date(now.getTime() + 3_600_000)], [text.snoozeEvening, time < "17:30" && instantOf(date, "18:00", zone())],
    [text.snoozeTomorrow, instantOf(day, "09:00", zone())], [text.nextMonday, monday !== day && instantOf(monday, "09:00", zone())]];
  const input = h("input", { type: "datetime-local", value: `${day}T09:00`, min: `${date}T${time}` });
  askTime({
    title: text.snoozeTitle, help: text.snoozeHelp, other: text.snoozeOther, input, problem: text.pastTime, action: text.snooze,
    choices: choices.filter(([, instant]) => instant).map(([label, instant]) => [label, instant, instantWords(instant, zone())]),
    read: () => {
      const [at, clock] = input.value.split("T"), instant = clock && instantOf(at, clock.slice(0, 5), zone());
      return instant > new Date() ? instant : null;
    },
    done: (instant) => {
      const made = change("snooze", task.id, { body: { until: `${instant.toISOString().slice(0, 19)}Z` }, delay: true });
      offerUndo(text.snoozed(task.title, instantWords(instant, zone(), { inside: true })), made);
    },
  });
}

/** Asks for a new day of a task. Its time of day stays. */
export function reschedule(task) {
  const now = today(zone()), due = parseDue(task.due, zone()), monday = addDays(now, 7 - weekday(now));
  const days = [[text.today, now], [text.tomorrow, addDays(now, 1)], [text.nextMonday, monday !== addDays(now, 1) && monday]];
  const choices = days.filter(([, day]) => day && day !== due?.date).map(([label, day]) => [label, day, dateWords(day, zone())]);
  // A series and a reminder before the due time need one.
  if (due && !task.recurrence && !task.reminders.some(({ before }) => before)) choices.push([text.noDue, "none", ""]);
  const input = h("input", { type: "date", value: due?.date ?? addDays(now, 1), min: "1970-01-01", max: "2199-12-31" });
  const set = (value, old, version) => change("patch", task.id, { body: { due: value }, base: { due: old }, version });
  const version = serverTask(task.id)?.version; // what others change meanwhile is a conflict
  // In another zone, the time of the task can be on the day before or after.
  const dayThere = (day) => [day, addDays(day, -1), addDays(day, 1)].find((each) => wall(instantOf(each, due.time, due.zone), zone()).date === day) ?? day;
  askTime({
    title: text.dueTitle, other: text.dueOther, input, choices, read: () => (input.validity.valid && input.value) || null, problem: text.dueMissing, action: text.set,
    done: (day) => {
      const next = day === "none" ? null : due?.time ? `${dayThere(day)}T${due.time}[${due.zone}]` : day;
      offerUndo(next ? text.dueSet(task.title, dayWords(day, zone(), { inside: true })) : text.dueNone(task.title), set(next, task.due, version), () => {
        const now = get(task.id);
        if (!now || now.due_at === task.due_at) return toast(text.tooLate);
        set(task.due, now.due, serverTask(task.id)?.version);
      });
    },
  });
}

/** Shows the actions of a task in a dialog, for narrow screens. */
export function taskMenu(task) {
  const item = (symbol, label, run) => h("button", { type: "button", class: "choice", onclick: () => { dialog.close(); run(); } }, h("span", null, icon(symbol), label));
  const dialog = openDialog(task.title, h("div", { class: "choices" },
    item("edit", text.edit, () => { location.hash = `#/task/${task.id}`; }),
    task.status === "completed" ? null : [item("calendar", text.dueTitle, () => reschedule(task)), item("bell", text.snooze, () => snooze(task))],
    task.recurrence && task.status !== "completed" ? item("skip", text.skip, () => skip(task)) : null,
    item("trash", text.remove, () => removeTask(task))));
}

/** Whether a task changes its look with time alone. */
export const timeMark = (task) => [today(zone()), isOverdue(task, zone()), task.waiting && isWaiting(task.waiting) && `waits ${task.waiting.state}`,
  task.assigned_to && nameOf(task.assigned_to, task.space), spaceOf(task.space)?.name, mayChange(task.space)].join();
