// The fields of the editor. Each is {element, read, write, controls}: `read` and `write` use the values of the API.

import { h, icon, replace, say, uniqueId } from "./dom.js";
import { parseDue, parseDuration, today, weekday, zones } from "./dates.js";
import { DAYS, dayName, formToRule, monthlyChoices, monthlyWords, ruleToForm, ruleWords } from "./recurrence.js";
import { editorText as text } from "./strings.js";
import { zone } from "./tasks-store.js";

/** A place for an error that belongs to a control. */
function errorOf(control) {
  const id = uniqueId("error");
  control.setAttribute("aria-describedby", id);
  return h("p", { class: "field-error", id });
}

/** A label, a control, and places for help and an error. */
export function labelled(label, control, { help, className = "" } = {}) {
  control.id ||= uniqueId("edit");
  const id = control.id;
  control.setAttribute("aria-describedby", `${help ? `${id}-help ` : ""}${id}-error`);
  return h("div", { class: `field ${className}` }, h("label", { for: id }, label), control,
    help ? h("p", { class: "help", id: `${id}-help` }, help) : null, h("p", { class: "field-error", id: `${id}-error` }));
}

const options = (list) => list.map(([value, name]) => h("option", { value }, name));

/** Replaces the options of a select and keeps its value. */
export function setOptions(select, list, value = select.value) {
  replace(select, options(list));
  select.value = list.some(([each]) => each === value) ? value : list[0]?.[0] ?? "";
}

/** A field with one control. */
export function simple(label, control, { read = () => control.value, write = (value) => { control.value = value ?? ""; }, ...more } = {}) {
  return { element: labelled(label, control, more), controls: [control], read, write };
}

/** A text field with suggestions. */
export function suggested(label, { read, write, suggest, ...more }) {
  const list = h("datalist", { id: uniqueId("names") });
  const input = h("input", { type: "text", dir: "auto", list: list.id, autocomplete: "off" });
  const field = simple(label, input, { read: () => read(input.value), write: (value) => { input.value = write(value); }, ...more });
  field.element.append(list);
  /** Shows names that fit what was typed. */
  field.suggest = (names) => {
    const show = () => replace(list, suggest(names, input.value).map((value) => h("option", { value })));
    input.oninput = show;
    show();
  };
  return field;
}

/** The due time: a date, perhaps a time, and its zone. */
export function dueField() {
  const date = h("input", { type: "date", min: "1970-01-01", max: "2199-12-31" });
  const time = h("input", { type: "time" });
  const place = h("input", { type: "text", list: "zones", autocomplete: "off", spellcheck: "false" });
  const clear = h("button", { type: "button", class: "button quiet small" }, text.clear);
  let before = null; // kept exactly while nothing is changed
  let shownAs = "";
  const state = () => `${date.value} ${time.value} ${place.value}`;
  const zonePart = labelled(text.zone, place);
  const sync = () => {
    zonePart.hidden = !time.value;
    time.disabled = !date.value;
    clear.hidden = !date.value && !date.validity.badInput; // also a date that is half typed
    if (time.value && !place.value) place.value = zone();
  };
  const element = h("div", { class: "fields-row" }, labelled(text.due, date), labelled(text.time, time, { help: text.timeHelp }), zonePart, clear,
    h("datalist", { id: "zones" }, zones().map((value) => h("option", { value }))));
  element.addEventListener("input", sync);
  clear.addEventListener("click", () => {
    date.value = time.value = "";
    sync();
    element.dispatchEvent(new Event("input", { bubbles: true }));
    date.focus();
  });
  return {
    element, controls: [date, time, place],
    read: () => (state() === shownAs ? before : !date.value ? null : time.value ? `${date.value}T${time.value.slice(0, 5)}[${place.value.trim() || zone()}]` : date.value),
    write(value) {
      const due = parseDue(value, zone());
      before = value ?? null;
      date.value = due?.date ?? "";
      time.value = due?.time ?? "";
      place.value = due?.zone ?? "";
      sync();
      shownAs = state();
    },
    day: () => date.value || today(zone()),
  };
}

/** The rule of a series as a form. Rules that it cannot show are text. */
export function repeatField(day) {
  const freq = h("select", null, options([["", text.noRepeat], ...Object.entries(text.freqs), ["custom", text.customRule]]));
  const interval = h("input", { type: "number", min: 1, max: 999, value: 1, inputmode: "numeric" });
  const unit = h("span", { class: "unit" });
  const boxes = DAYS.map((value) => h("input", { type: "checkbox", value, "aria-label": dayName(value) }));
  const days = h("fieldset", { class: "days" }, h("legend", null, text.onDays), h("div", null, boxes.map((box) => h("label", null, box, h("span", { "aria-hidden": "true" }, dayName(box.value, "short"))))));
  const monthly = h("select");
  const end = h("select", null, options([["never", text.endNever], ["count", text.endCount], ["until", text.endUntil]]));
  const count = h("input", { type: "number", min: 1, max: 999, value: 10, inputmode: "numeric" });
  const until = h("input", { type: "date" });
  const custom = h("input", { type: "text", spellcheck: "false", maxlength: 500, placeholder: "FREQ=WEEKLY;BYDAY=MO" });
  const words = h("p", { class: "rule-words", role: "status" });
  const part = {
    interval: labelled(text.every, interval), monthly: labelled(text.monthlyOn, monthly), end: labelled(text.ends, end),
    count: labelled(text.times, count), until: labelled(text.endUntil, until), custom: labelled(text.rule, custom),
  };
  interval.after(unit);
  let before = null, shownAs = "";
  const form = () => ({
    freq: freq.value, interval: Number(interval.value) || 1, days: boxes.filter(({ checked }) => checked).map(({ value }) => value),
    monthly: monthly.value, end: end.value, count: Number(count.value) || 1, until: until.value,
  });
  const state = () => JSON.stringify([form(), custom.value]);
  const read = () => {
    if (state() === shownAs) return before;
    if (!freq.value) return null;
    return freq.value === "custom" ? custom.value.trim() || null : formToRule(form());
  };
  function sync() {
    const kind = freq.value, plain = kind && kind !== "custom";
    const choices = monthlyChoices(day());
    if (monthly.dataset.kept) choices.push([monthly.dataset.kept, monthlyWords(monthly.dataset.kept)]);
    setOptions(monthly, choices.filter(([value], index) => choices.findIndex(([other]) => other === value) === index));
    replace(unit, plain ? text.unitOf(kind, Number(interval.value)) : "");
    part.interval.hidden = part.end.hidden = !plain;
    days.hidden = kind !== "WEEKLY";
    part.monthly.hidden = kind !== "MONTHLY";
    part.count.hidden = !plain || end.value !== "count";
    part.until.hidden = !plain || end.value !== "until";
    until.required = !part.until.hidden;
    part.custom.hidden = kind !== "custom";
    const rule = read();
    say(words, rule ? ruleWords(rule, zone()) : "");
  }
  freq.addEventListener("input", () => {
    if (freq.value === "WEEKLY" && !boxes.some(({ checked }) => checked)) boxes[weekday(day())].checked = true;
  });
  const repeat = labelled(text.repeat, freq), error = errorOf(freq);
  const element = h("div", { class: "repeat" }, h("div", { class: "fields-row" }, repeat, part.interval, part.monthly, part.custom, part.end, part.count, part.until), days, error, words);
  element.addEventListener("input", sync);
  return {
    element, error, read, sync, controls: [freq],
    write(rule) {
      const known = rule ? ruleToForm(rule) : null;
      before = rule ?? null;
      freq.value = !rule ? "" : known?.freq ?? "custom";
      custom.value = known ? "" : rule ?? "";
      monthly.dataset.kept = known?.monthly ?? "";
      interval.value = known?.interval ?? 1;
      for (const box of boxes) box.checked = Boolean(known?.days.includes(box.value));
      end.value = known?.end ?? "never";
      count.value = known?.count ?? 10;
      until.value = known?.until ?? "";
      sync();
      monthly.value = known?.monthly ?? "";
      shownAs = state();
      sync();
    },
  };
}

const UNITS = { minutes: "M", hours: "H", days: "D", weeks: "W" };

/** Splits a duration into an amount and its greatest whole unit. */
export function amountOf(duration) {
  const { weeks, days, hours, minutes } = parseDuration(duration) ?? { weeks: 0, days: 0, hours: 0, minutes: 30 };
  const total = ((weeks * 7 + days) * 24 + hours) * 60 + minutes;
  if (total && total % 10_080 === 0) return [total / 10_080, "weeks"];
  if (total && total % 1440 === 0) return [total / 1440, "days"];
  return total && total % 60 === 0 ? [total / 60, "hours"] : [total, "minutes"];
}

/** A duration of the API. */
export const durationOf = (amount, unit) => `P${unit === "days" || unit === "weeks" ? "" : "T"}${Math.max(0, Math.round(Number(amount) || 0))}${UNITS[unit]}`;

const iconButton = (symbol, label, onclick) => h("button", { type: "button", class: "icon-button small", "aria-label": label, title: label, onclick }, icon(symbol));

/** Reminders: before the due time, or at a time. */
export function remindersField() {
  const list = h("ul", { class: "lines-list" });
  const add = h("button", { type: "button", class: "button small" }, icon("add"), text.addReminder), error = errorOf(add);
  const changed = () => element.dispatchEvent(new Event("input", { bubbles: true }));
  function row(reminder) {
    const [number, unitName] = amountOf(reminder.before);
    const due = parseDue(reminder.at, zone());
    const kind = h("select", { "aria-label": text.reminderKind, value: reminder.at ? "at" : "before" }, options([["before", text.before], ["at", text.at]]));
    const amount = h("input", { type: "number", min: 0, max: 9999, inputmode: "numeric", "aria-label": text.amount, value: number });
    const unit = h("select", { "aria-label": text.unit, value: unitName }, options(Object.keys(UNITS).map((name) => [name, text[name]])));
    const at = h("input", { type: "datetime-local", "aria-label": text.reminderTime, value: due ? `${due.date}T${due.time}` : "" });
    const started = () => [kind.value, amount.value, unit.value, at.value].join();
    const sync = () => { amount.hidden = unit.hidden = kind.value === "at"; at.hidden = kind.value !== "at"; at.required = !at.hidden; };
    const item = h("li", { class: "reminder" }, amount, unit, kind, at, iconButton("close", text.removeReminder, () => {
      const next = item.nextElementSibling?.querySelector("input") ?? add;
      item.remove();
      changed();
      next.focus();
    }));
    const shownAs = started();
    item.addEventListener("input", sync);
    item.read = () => {
      if (started() === shownAs) return reminder;
      return kind.value === "at" ? { at: at.value ? `${at.value.slice(0, 16)}[${zone()}]` : "" } : { before: durationOf(amount.value, unit.value) };
    };
    sync();
    return item;
  }
  add.addEventListener("click", () => {
    const used = [...list.children].map((item) => item.read().before);
    const item = row({ before: ["PT30M", "PT1H", "P1D", "PT10M", "PT0M"].find((before) => !used.includes(before)) ?? "PT5M" });
    list.append(item);
    item.querySelector("input").focus();
    changed();
  });
  const element = h("fieldset", { class: "group-field" }, h("legend", null, text.reminders), list, add, h("p", { class: "help" }, text.reminderHelp), error);
  return {
    element, error, controls: [add],
    read: () => [...list.children].map((item) => item.read()).filter(({ at, before }) => at || before).map(({ at, before }) => (at ? { at } : { before })),
    write: (reminders) => replace(list, (reminders ?? []).filter(({ snoozed }) => !snoozed).map(row)),
  };
}

/** The checklist. Enter adds the next item. */
export function checklistField(onTick) {
  const list = h("ul", { class: "lines-list" });
  const changed = () => element.dispatchEvent(new Event("input", { bubbles: true }));
  function row({ id, title = "", done = false }) {
    const box = h("input", { type: "checkbox", checked: Boolean(done), "aria-label": text.itemDone(title) });
    const input = h("input", { type: "text", dir: "auto", maxlength: 200, "aria-label": text.item, value: title });
    const move = (step) => {
      const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
      if (!other) return;
      // The other one moves, so that the focus stays.
      if (step < 0) item.after(other);
      else item.before(other);
      const isAtEnd = !(step < 0 ? item.previousElementSibling : item.nextElementSibling); // there, this button is hidden
      (step < 0 !== isAtEnd ? up : down).focus();
      changed();
    };
    const up = iconButton("down", text.moveUp, () => move(-1)), down = iconButton("down", text.moveDown, () => move(1));
    up.classList.add("up");
    down.classList.add("down");
    const remove = () => {
      const next = item.nextElementSibling?.querySelector("[type=text]") ?? item.previousElementSibling?.querySelector("[type=text]") ?? add;
      item.remove();
      changed();
      next.focus();
    };
    const item = h("li", { class: "item" }, box, input, up, down, iconButton("close", text.removeItem, remove));
    item.read = () => ({ ...(id && { id }), title: input.value.trim(), done: box.checked });
    box.addEventListener("change", () => onTick());
    input.addEventListener("input", () => box.setAttribute("aria-label", text.itemDone(input.value)));
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") {
        event.preventDefault();
        if (input.value.trim()) start(item);
      } else if (event.key === "Backspace" && !input.value) {
        event.preventDefault();
        remove();
      }
    });
    return item;
  }
  function start(after) {
    const item = row({});
    if (after) after.after(item);
    else list.append(item);
    item.querySelector("[type=text]").focus();
  }
  const add = h("button", { type: "button", class: "button small", onclick: () => start() }, icon("add"), text.addItem), error = errorOf(add);
  const element = h("fieldset", { class: "group-field" }, h("legend", null, text.checklist), list, add, error);
  return {
    element, error, controls: [add],
    read: () => [...list.children].map((item) => item.read()).filter(({ title }) => title),
    write: (items) => replace(list, (items ?? []).map(row)),
  };
}

/** The time after which a task completes itself. */
export function autoField() {
  const box = h("input", { type: "checkbox", id: uniqueId("auto") });
  const amount = h("input", { type: "number", min: 1, max: 9999, value: 1, inputmode: "numeric", "aria-label": text.amount });
  const unit = h("select", { "aria-label": text.unit, value: "days" }, options(Object.keys(UNITS).map((name) => [name, text[name]])));
  const row = h("div", { class: "fields-row tight" }, h("span", null, text.autoCompleteAfter), amount, unit);
  const error = errorOf(box), label = uniqueId("auto"), help = uniqueId("auto");
  box.setAttribute("aria-labelledby", label);
  box.setAttribute("aria-describedby", `${help} ${error.id}`);
  const state = () => [box.checked, amount.value, unit.value].join();
  let before = null, shownAs = "";
  const sync = () => { row.hidden = !box.checked; };
  const element = h("div", { class: "field" }, h("label", { class: "check" }, box, h("span", null, h("span", { id: label }, text.autoComplete), h("span", { class: "help", id: help }, text.autoHelp))), row, error);
  element.addEventListener("input", sync);
  return {
    element, error, controls: [box, amount],
    read: () => (state() === shownAs ? before : box.checked ? durationOf(amount.value, unit.value) : null),
    write(value) {
      before = value ?? null;
      box.checked = Boolean(value);
      const [number, name] = value ? amountOf(value) : [1, "days"];
      Object.assign(amount, { value: number });
      unit.value = name;
      sync();
      shownAs = state();
    },
  };
}
