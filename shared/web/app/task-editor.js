// The page of one task. It saves the changed fields only; what is typed is stored on the device until it was sent.

import "./editor-style.js";
import { describe } from "./api.js";
import * as cache from "./cache.js";
import { merge, same as sameIn } from "./decisions.js";
import { failed, toast } from "./dialog.js";
import { h, icon, replace, say, skeleton, uniqueId } from "./dom.js";
import { instantWords } from "./dates.js";
import { autoField, checklistField, dueField, remindersField, repeatField, setOptions, simple, suggested } from "./editor-fields.js";
import { notice } from "./form.js";
import { key } from "./keys.js";
import { change } from "./outbox.js";
import { current, go, heading } from "./router.js";
import { user } from "./session.js";
import { editorText as text } from "./strings.js";
import { taskExtras } from "./task-extras.js";
import { removeTask, skip, snooze, toggle } from "./task-view.js";
import { get, idOf, load, mayChange, membersOf, nameOf, namesIn, serverTask, spaceOf, spaces, subscribe, zone } from "./tasks-store.js";

const same = (name, a, b) => sameIn(name, a, b, zone());
const entries = (object) => Object.entries(object).map(([value, name]) => [value, name]);

function makeFields(onTick) {
  const due = dueField(), recurrence = repeatField(due.day);
  due.element.addEventListener("input", recurrence.sync);
  const fields = {
    title: simple(text.title, h("textarea", { rows: 1, maxlength: 500, class: "title-input", dir: "auto", enterkeyhint: "done" }), { read: undefined }),
    description: simple(text.description, h("textarea", { rows: 4, maxlength: 16000, dir: "auto" })),
    status: simple(text.status, h("select", null, entries(text.statuses).map(([value, name]) => h("option", { value }, name)))),
    priority: simple(text.priorityLabel, h("select", null, entries(text.priorities).map(([value, name]) => h("option", { value }, name)))),
    category: suggested(text.categoryLabel, { read: (value) => value.trim() || null, write: (value) => value ?? "", suggest: (names) => names }),
    tags: suggested(text.tagsLabel, {
      help: text.tagsHelp, write: (tags) => (tags ?? []).join(", "),
      read: (value) => [...new Set(value.split(",").map((tag) => tag.trim().replace(/^#/, "").toLowerCase()).filter(Boolean))],
      // The list of suggestions completes the last tag.
      suggest: (names, typed) => {
        const tags = typed.split(",").map((tag) => tag.trim());
        const start = tags.slice(0, -1);
        return names.filter((name) => !start.includes(name)).slice(0, 50).map((name) => [...start, name].join(", "));
      },
    }),
    due, recurrence,
    recurrence_from: simple(text.from, h("select", null, h("option", { value: "due" }, text.fromDue), h("option", { value: "completion" }, text.fromCompletion))),
    reminders: remindersField(),
    checklist: checklistField(onTick),
    assigned_to: simple(text.assignedTo, h("select")),
    auto_complete_after: autoField(),
  };
  const [title] = fields.title.controls;
  fields.title.read = () => title.value.replace(/\s*\n\s*/g, " ").trim();
  title.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) event.preventDefault(); });
  const [people] = fields.assigned_to.controls;
  fields.assigned_to.read = () => people.value || null;
  fields.recurrence_from.read = () => (fields.recurrence.read() ? fields.recurrence_from.controls[0].value : null);
  const write = fields.recurrence_from.write;
  fields.recurrence_from.write = (value) => write(value ?? "due");
  return fields;
}

/** Shows the page of a task. */
export function showTask(id, main) {
  const back = h("button", { type: "button", class: "button quiet small back", onclick: () => (history.length > 1 ? history.back() : go("#/today")) }, icon("back"), text.back);
  const h1 = heading(main, get(id)?.title ?? text.task);
  const place = h("div");
  main.prepend(back);
  main.append(place);
  const ends = [];
  let closed = false;

  /** A task that was opened before it was sent gets its address, so that the page can be loaded again. */
  function keepAddress() {
    if (idOf(id) !== id && current().path === `/task/${id}`) history.replaceState(history.state, "", `#/task/${idOf(id)}`);
  }

  async function open() {
    keepAddress();
    const known = get(id);
    if (!known) replace(place, skeleton());
    try {
      await spaces();
      const draft = await cache.value(`draft ${idOf(id)}`);
      const task = known ?? (await load(id));
      if (closed) return;
      edit(task, draft);
      if (known && known.version) load(id).catch((error) => error.status === 404 && replace(place, h("div", { class: "empty" }, h("p", null, text.gone))));
    } catch (error) {
      if (!closed) replace(place, error.status === 404 ? h("div", { class: "empty" }, h("p", null, text.gone)) : failed(error, open));
    }
  }

  function edit(task, draft) {
    const formId = uniqueId("editor");
    const fields = makeFields(() => tick());
    const space = simple(text.space, h("select"));
    const messages = h("div", { class: "messages", role: "status" });
    const status = h("span", { class: "soft", role: "status" });
    const saveButton = h("button", { type: "submit", form: formId, class: "button primary" }, text.save);
    const discard = h("button", { type: "button", class: "button", onclick: () => reset() }, text.discard);
    const bar = h("div", { class: "save-bar" }, status, discard, saveButton);
    const all = h("fieldset", { class: "editor-fields" },
      fields.title.element, fields.description.element, fields.checklist.element,
      h("section", { class: "card" }, h("h2", null, text.planning), h("div", { class: "stack" }, fields.due.element, fields.recurrence.element, fields.recurrence_from.element, fields.reminders.element, fields.auto_complete_after.element)),
      h("section", { class: "card" }, h("h2", null, text.organize), h("div", { class: "grid-fields" }, fields.status.element, fields.priority.element, fields.category.element, fields.tags.element, space.element, fields.assigned_to.element)));
    const form = h("form", { id: formId, class: "editor", novalidate: true, onsubmit: (event) => { event.preventDefault(); save(); } }, messages, all);
    const quick = h("div", { class: "actions editor-actions" });
    const about = h("p", { class: "soft small-text about" });
    const extras = taskExtras(() => get(id) ?? task);
    let origin = null; // the values that the form began with; those of changed fields stay until they are sent
    let busy = false;

    const dirty = () => Object.keys(fields).filter((name) => !same(name, fields[name].read(), origin[name]));
    const moved = () => space.read() !== origin.space;
    const patchOf = (names) => Object.fromEntries(names.map((name) => [name, fields[name].read()]));

    function showState() {
      const names = dirty(), any = names.length > 0 || moved();
      bar.classList.toggle("shown", any);
      say(status, any ? text.unsaved : "");
      fields.recurrence_from.element.hidden = !fields.recurrence.read();
      if (busy) return;
      cache.setValue(`draft ${idOf(id)}`, any ? { body: patchOf(names), origin, space: space.read() } : undefined);
    }

    function describeTask() {
      const done = task.status === "completed", may = mayChange(task.space);
      all.disabled = !may;
      h1.textContent = task.title;
      fields.title.controls[0].classList.toggle("done", done);
      document.title = `${task.title} – Taskbell`;
      const button = (symbol, label, onclick, className = "") => h("button", { type: "button", class: `button small ${className}`, onclick }, icon(symbol), label);
      replace(quick, may ? [
        button(done ? "undo" : "check", done ? text.reopenTask : text.completeTask, () => toggle(task), done ? "" : "primary"),
        done ? null : button("bell", text.snooze, () => snooze(task)),
        task.recurrence && !done ? button("skip", text.skip, () => skip(task)) : null,
        button("trash", text.deleteTask, () => { removeTask(task); back.click(); }, "quiet danger"),
      ] : h("p", { class: "soft" }, text.readOnly));
      const at = (value) => instantWords(value, zone(), { inside: true });
      replace(about, [text.created(at(task.created_at), task.created_by && nameOf(task.created_by, task.space)), text.updated(at(task.updated_at)),
        task.completed_at && text.completedAt(at(task.completed_at), task.completed_by === "timer")].filter(Boolean).join(", "), ".",
      task.auto_complete_at && !done ? ` ${text.autoAt(at(task.auto_complete_at))}` : "");
    }

    async function choices(of) {
      const list = await spaces();
      setOptions(space.controls[0], list.filter(({ role, id: each }) => role !== "viewer" || each === of).map((each) => [each.id, each.personal ? text.personal : each.name]), of);
      const people = await membersOf(of).catch(() => []), mine = fields.assigned_to.read();
      const known = people.map(({ user_id: value, name }) => [value, name]);
      if (mine && !known.some(([value]) => value === mine)) known.push([mine, nameOf(mine, of) || text.assignee("")]);
      setOptions(fields.assigned_to.controls[0], [["", text.nobody], ...known], mine ?? "");
      namesIn("tags", of).then(fields.tags.suggest);
      namesIn("categories", of).then(fields.category.suggest);
    }

    function fill(names) {
      for (const name of names) fields[name].write(origin[name]);
    }

    function reset(chosen = task.space) {
      origin = { ...task };
      clearErrors();
      replace(messages);
      setOptions(fields.assigned_to.controls[0], [["", text.nobody], ...(task.assigned_to ? [[task.assigned_to, nameOf(task.assigned_to, task.space) || text.assignee("")]] : [])]);
      fill(Object.keys(fields));
      setOptions(space.controls[0], [[chosen, ""]]);
      choices(chosen).then(showState);
      showState();
    }

    /** Takes over what others changed; what was changed here stays, and is compared when it is saved. */
    function update() {
      const now = get(id);
      keepAddress();
      if (!now) {
        if (task.gone) return;
        task = { ...task, gone: true };
        replace(quick);
        replace(messages, notice("warn", text.gone));
        all.disabled = true;
        return;
      }
      if (now === task) return;
      task = now;
      const mine = dirty(), changed = Object.keys(fields).filter((name) => !same(name, now[name], origin[name]));
      const clash = mine.filter((name) => changed.includes(name) && !same(name, fields[name].read(), now[name]));
      const clean = Object.keys(fields).filter((name) => !mine.includes(name));
      const rewrite = clean.filter((name) => changed.includes(name) || (name === "checklist" && origin[name] !== now[name]));
      for (const name of clean) origin[name] = now[name];
      if (!moved()) origin.space = now.space;
      if (!mine.length) origin.version = now.version;
      fill(rewrite.filter((name) => !fields[name].element.contains(document.activeElement) || changed.includes(name)));
      if (clash.length && !busy) replace(messages, notice("warn", text.changedByOther));
      describeTask();
      extras.refresh();
      showState();
    }

    const slot = (name) => fields[name]?.error ?? (fields[name] && form.querySelector(`#${fields[name].controls[0].id}-error`));
    function clearErrors() {
      for (const name of Object.keys(fields)) {
        replace(slot(name) ?? h("p"));
        for (const control of fields[name].controls) control.removeAttribute("aria-invalid");
      }
    }

    function showErrors(error) {
      const rest = [];
      let first = null;
      for (const { field, message } of error.errors ?? []) {
        const name = field.split(/[.[]/)[0];
        if (!slot(name)) {
          rest.push(message);
          continue;
        }
        replace(slot(name), icon("error"), message);
        fields[name].controls[0].setAttribute("aria-invalid", "true");
        first ??= fields[name].controls[0];
      }
      replace(messages, notice("error", h("p", null, error.errors?.length ? text.checkFields : describe(error)), rest.map((message) => h("p", null, message))));
      if (first) first.focus();
      else messages.scrollIntoView({ block: "nearest" });
    }

    async function save() {
      const names = dirty(), away = moved();
      if (busy || (!names.length && !away)) return;
      clearErrors();
      replace(messages);
      if (!fields.title.read()) return showErrors({ errors: [{ field: "title", message: text.titleMissing }] });
      // A date that is half typed reads as none.
      const half = Object.keys(fields).find((name) => [...fields[name].element.querySelectorAll("[type=date], [type=time], [type=datetime-local]")].some(({ validity }) => validity.badInput || validity.valueMissing));
      if (half) return showErrors({ errors: [{ field: half, message: text.incomplete }] });
      busy = true;
      saveButton.setAttribute("aria-busy", "true");
      const body = patchOf(names), base = { ...origin };
      try {
        const results = [];
        if (away) results.push(change("move", id, { body: { space: space.read() }, quiet: true }).result);
        if (names.length) results.push(change("patch", id, { body, base: Object.fromEntries(names.map((name) => [name, base[name]])), version: base.version || undefined, quiet: true }).result);
        const done = await Promise.all(results);
        task = get(id) ?? task;
        const later = done.some(({ queued }) => queued);
        toast(done.some(({ undecided }) => undecided) ? text.keptHere : later ? text.savedHere : text.saved, { seconds: 3 });
        // What was typed while the change was on its way stays.
        const typed = names.filter((name) => !same(name, fields[name].read(), body[name]));
        const before = Object.fromEntries(typed.map((name) => [name, fields[name].read()]));
        origin = { ...task };
        fill(names.filter((name) => !typed.includes(name)));
        for (const name of typed) fields[name].write(before[name]);
        if (away) choices(task.space);
        describeTask();
        extras.refresh();
      } catch (error) {
        task = get(id) ?? task;
        showErrors(error);
      } finally {
        busy = false;
        saveButton.removeAttribute("aria-busy");
        showState();
      }
    }

    /** A tick is saved at once, unless other changes of the checklist wait to be saved. */
    function tick() {
      const now = fields.checklist.read(), old = origin.checklist ?? [];
      if (busy || now.length !== old.length || !now.every(({ id: each, title }, index) => each && each === old[index].id && title === old[index].title)) return;
      change("patch", id, { body: { checklist: now }, base: { checklist: old }, version: serverTask(id)?.version });
      origin.checklist = now;
      showState();
    }

    replace(place, quick, form, extras.element, about, bar);
    reset(spaceOf(draft?.space) ? draft.space : undefined);
    if (draft) {
      // The draft began with older values than the task may have now.
      const names = Object.keys(draft.body).filter((name) => fields[name]);
      origin.version = draft.origin.version;
      for (const name of names) {
        origin[name] = draft.origin[name];
        if (name === "assigned_to" && draft.body[name]) setOptions(fields.assigned_to.controls[0], [["", text.nobody], [draft.body[name], nameOf(draft.body[name], task.space)]]);
        fields[name].write(draft.body[name]);
      }
      const { conflicts } = merge({ body: draft.body, base: draft.origin }, task, zone());
      replace(messages, notice(conflicts.length ? "warn" : "info", conflicts.length ? text.changedByOther : text.restored));
      showState();
    }
    describeTask();
    form.addEventListener("input", showState);
    form.addEventListener("change", showState);
    space.controls[0].addEventListener("change", () => choices(space.read()));
    const shortcut = (event) => {
      if ((event.ctrlKey || event.metaKey) && (event.key === "s" || event.key === "Enter")) {
        event.preventDefault();
        save();
      }
    };
    form.addEventListener("keydown", shortcut);
    const keptDraft = () => {
      if (user() && get(id) && !busy && (dirty().length || moved())) toast(text.draftKept(task.title), { action: text.open, onAction: () => go(`#/task/${idOf(id)}`) });
    };
    ends.push(keptDraft, subscribe(update), extras.close, key("x", text.keys.complete, () => mayChange(task.space) && toggle(task)),
      key("s", text.keys.snooze, () => mayChange(task.space) && task.status !== "completed" && snooze(task)), key("e", text.keys.edit, () => fields.title.controls[0].focus()), key("Escape", text.back, () => back.click()),
    key("Ctrl+Enter", text.keys.save, () => {})); // listed only: `shortcut` does it, also in fields
  }

  open();
  return () => {
    closed = true;
    for (const end of ends) end();
  };
}

