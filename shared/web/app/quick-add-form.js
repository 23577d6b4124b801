// The field for new tasks, with a preview of what was understood.

import { describe } from "./api.js";
import { toast } from "./dialog.js";
import { h, icon, replace, say, uniqueId } from "./dom.js";
import { dueInstant, dueWords, durationTime, instantOf, instantWords } from "./dates.js";
import { change } from "./outbox.js";
import { ruleWords } from "./recurrence.js";
import { user } from "./session.js";
import { taskText as text } from "./strings.js";
import { reminderWords } from "./task-view.js";
import { get, spaceOf, spaces, zone } from "./tasks-store.js";

// The grammar is loaded when somebody begins to type. Until then, and without it, a line is a title.
let parse = (line) => ({ fields: { title: line.trim() } });
let grammar = null;

function loadGrammar() {
  grammar ??= import("./quick-add.js").then((module) => { parse = module.parseQuickAdd; }, () => { grammar = null; });
  return grammar;
}

let kept = ""; // what was typed and not added yet, over changes of the page

/** Makes the form. `defaults()` are fields of new tasks, `space()` is the space of the page, `seen(id)` whether the page shows a task. */
export function quickAdd({ defaults, space, seen }) {
  const id = uniqueId("add");
  const input = h("input", { type: "text", id, class: "add-input", dir: "auto", autocomplete: "off", placeholder: text.add, "aria-label": text.add, "aria-describedby": `${id}-preview ${id}-error`, enterkeyhint: "done", maxlength: 1000, value: kept });
  const preview = h("div", { class: "add-preview", id: `${id}-preview` });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const error = h("p", { class: "field-error", id: `${id}-error`, role: "alert" });
  const choice = h("select", { class: "add-space", "aria-label": text.addTo, hidden: true });
  const element = h("form", { class: "add", onsubmit: (event) => { event.preventDefault(); submit(); } },
    h("div", { class: "add-line" }, icon("add"), input, choice, h("button", { type: "submit", class: "button primary small" }, text.addButton)), preview, spoken, error);

  const chip = (symbol, content, className = "") => h("span", { class: `badge accent ${className}`, dir: "auto" }, symbol ? icon(symbol) : null, content);

  function read() {
    const base = defaults();
    const { fields } = parse(input.value, { zone: zone(), day: base.due });
    return { ...base, ...fields, ...(base.tags && { tags: [...new Set([...base.tags, ...(fields.tags ?? [])])] }) };
  }

  let pause = null;

  function show() {
    kept = input.value;
    clearTimeout(pause);
    if (document.activeElement === input) pause = setTimeout(() => say(spoken, [...preview.querySelectorAll(".add-title, .badge")].map(({ textContent }) => textContent).join(", ")), 1200);
    input.removeAttribute("aria-invalid");
    replace(error);
    if (!input.value.trim()) return replace(preview, h("span", { class: "soft" }, text.addHint));
    const { title, due, priority, tags = [], category, recurrence, reminders = due ? user().default_reminders : [] } = read();
    const at = due && dueInstant(due, zone());
    const counted = due?.length === 10 ? instantOf(due, "09:00", zone()) : at; // reminders of a day count back from 09:00
    const coming = reminders.filter(({ before }) => counted - durationTime(before) > Date.now());
    replace(preview, title ? h("span", { class: "add-title", dir: "auto" }, title) : null,
      due ? chip("calendar", dueWords({ due, due_at: at }, zone())) : null,
      recurrence ? chip("repeat", ruleWords(recurrence, zone())) : null, priority ? chip("flag", text.priorities[priority]) : null,
      category ? chip("folder", category) : null, tags.map((tag) => chip("", `#${tag}`)), coming.map((reminder) => chip("bell", due.length === 10 ? instantWords(counted - durationTime(reminder.before), zone()) : reminderWords(reminder))));
  }

  const nameOfSpace = (id) => (!spaceOf(id) || spaceOf(id).personal ? text.personal : spaceOf(id).name);

  function fail(message) {
    input.setAttribute("aria-invalid", "true");
    replace(error, icon("error"), h("span", { dir: "auto" }, message));
  }

  async function submit() {
    await loadGrammar();
    const line = input.value, body = read();
    if (!line.trim()) return input.focus();
    if (!body.title) return fail(text.titleMissing);
    const target = space() ?? choice.value;
    input.value = "";
    show();
    const { entry, result } = change("create", `new_${crypto.randomUUID()}`, { body, space: target, title: body.title, quiet: true });
    setTimeout(() => seen(entry.id) || seen(get(entry.id)?.id ?? "") || toast(text.added(body.title, nameOfSpace(target)), { action: text.open, onAction: () => { location.hash = `#/task/${get(entry.id)?.id ?? entry.id}`; } }), 50);
    try {
      await result;
    } catch (failure) {
      // The line comes back, unless the next one is being typed.
      const reason = failure.errors?.length ? failure.errors.map(({ message }) => message).join(" ") : describe(failure);
      if (input.isConnected && !input.value) {
        input.value = line;
        show();
        fail(reason);
        input.focus();
      } else toast(`${text.notAdded(line)} ${reason}`, { seconds: 60 });
    }
  }

  input.addEventListener("input", () => loadGrammar().then(show));
  input.addEventListener("focus", () => {
    element.classList.add("used");
    loadGrammar();
  });
  // What was typed stays. Keys work again.
  input.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) input.blur(); });
  show();
  if (kept) loadGrammar().then(show);
  return {
    element,
    focus: () => input.focus(),
    /** Shows the spaces to choose from. */
    refresh: () => spaces().then((list) => {
      const mine = list.filter(({ role }) => role !== "viewer"), before = choice.value;
      choice.hidden = Boolean(space()) || mine.length < 2;
      element.hidden = Boolean(space()) && !mine.some((one) => one.id === space());
      replace(choice, mine.map(({ id: value, name, personal }) => h("option", { value }, personal ? text.personal : name)));
      choice.value = mine.some((one) => one.id === before) ? before : (mine.find(({ personal }) => personal) ?? mine[0])?.id ?? "";
    }, () => {}),
  };
}
