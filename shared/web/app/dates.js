// Dates without a library: days are "YYYY-MM-DD" strings, instants are Date objects, zones are IANA names.

import { LANGUAGE, LOCALE } from "./strings.js";

const formats = new Map();
const days = new Map();
let relative = null;

function format(locale, options) {
  const key = `${locale} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, options));
  return formats.get(key);
}

const two = (number) => String(number).padStart(2, "0");
const DUE = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?(?:\[!?([A-Za-z][^\]=]*)\])?)?/;

/** The day and time of day that clocks in a zone show at an instant. */
export function wall(instant, zone) {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  const part = {};
  for (const { type, value } of format("en-US", options).formatToParts(instant)) part[type] = value;
  return { date: `${part.year.padStart(4, "0")}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}` };
}

/** The instant of a wall time; a skipped one moves forward, of a repeated one it is the first. */
export function instantOf(date, time, zone) {
  const target = Date.parse(`${date}T${time}:00Z`);
  const offset = (at) => {
    const { date: day, time: clock } = wall(new Date(at), zone);
    return Date.parse(`${day}T${clock}:00Z`) - Math.floor(at / 60_000) * 60_000;
  };
  const before = offset(target - 86_400_000), after = offset(target + 86_400_000);
  for (const shift of [before, after]) if (offset(target - shift) === shift) return new Date(target - shift);
  return new Date(target - before);
}

/** Splits a due time into date, time and zone; null if there is none. An instant is converted to `zone`. */
export function parseDue(due, zone) {
  const match = due && DUE.exec(due);
  if (!match) return null;
  const [, date, time, offset, name] = match;
  if (!time) return { date, time: null, zone: null };
  if (!offset) return { date, time, zone: name ?? zone };
  const instant = new Date(`${date}T${time}:00${offset.toUpperCase()}`);
  return { ...wall(instant, name ?? zone), zone: name ?? zone };
}

/** The instant of a due time; for a date, the last second of the day. */
export function dueInstant(due, zone) {
  const match = due && DUE.exec(due);
  if (!match) return null;
  const [, date, time, offset, name] = match;
  if (!time) return new Date(instantOf(addDays(date, 1), "00:00", zone).getTime() - 1000);
  if (offset) return new Date(`${date}T${time}:00${offset.toUpperCase()}`);
  return instantOf(date, time, name ?? zone);
}

let last = {};

/** Today in a zone. */
export function today(zone) {
  const second = Math.floor(Date.now() / 1000);
  // Long lists ask for every task.
  if (last.second !== second || last.zone !== zone) last = { second, zone, date: wall(new Date(), zone).date };
  return last.date;
}

/** A day moved by a number of days. */
export function addDays(date, days) {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** A day moved by months; the end of a month stays within the month. */
export function addMonths(date, months) {
  const [year, month, day] = date.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0));
  return `${last.getUTCFullYear()}-${two(last.getUTCMonth() + 1)}-${two(Math.min(day, last.getUTCDate()))}`;
}

/** The weekday of a day: 0 is Monday, 6 is Sunday. */
export const weekday = (date) => (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;

/** The number of days from one day to another. */
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);

/** The day on which a task is due for a person in `zone`; null if it has no due time. */
export function dayOf(task, zone) {
  if (!task.due) return null;
  if (task.due.length === 10) return task.due;
  const key = `${task.due_at} ${zone}`;
  if (!days.has(key)) {
    if (days.size > 20_000) days.clear();
    days.set(key, wall(new Date(task.due_at), zone).date);
  }
  return days.get(key);
}

/** Whether an open task is past its due time. A task without a time is due on its day, wherever the person is, as for the server. */
export const isOverdue = (task, zone) => task.status !== "completed" && task.due !== null && (task.due.length === 10 ? task.due < today(zone) : Date.parse(task.due_at) < Date.now());

/** A day in words, as the region of the browser writes it: "Today" and its neighbours come from Intl, `inside` a sentence as "today". */
export function dayWords(date, zone, { long = false, inside = false } = {}) {
  const distance = daysBetween(today(zone), date);
  if (Math.abs(distance) <= 1) {
    relative ??= new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
    const words = relative.format(distance, "day");
    return inside ? words : words[0].toLocaleUpperCase() + words.slice(1);
  }
  return dateWords(date, zone, long ? "long" : "short");
}

/** A date in words, with the year if it is another one. */
export function dateWords(date, zone, width = "short") {
  const year = date.slice(0, 4) === today(zone).slice(0, 4) ? {} : { year: "numeric" };
  return format(LOCALE, { timeZone: "UTC", weekday: width, day: "numeric", month: width, ...year }).format(Date.parse(`${date}T12:00:00Z`));
}

/** The time of day of an instant, as the region of the browser writes it. */
export const timeWords = (instant, zone, seconds = false) =>
  format(LOCALE, { timeZone: zone, hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) }).format(instant);

/** A due time in words: "Tomorrow, 09:00". */
export function dueWords(task, zone) {
  const day = dayOf(task, zone);
  if (!day) return "";
  const words = dayWords(day, zone);
  return task.due.length === 10 ? words : `${words}, ${timeWords(new Date(task.due_at), zone)}`;
}

/** An instant in words: day and time of day. */
export function instantWords(text, zone, options) {
  const instant = new Date(text);
  return `${dayWords(wall(instant, zone).date, zone, options)}, ${timeWords(instant, zone)}`;
}

/** Reads an ISO 8601 duration; null if it is none. */
export function parseDuration(text) {
  const match = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/i.exec(text ?? "");
  if (!match) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(1).map((number) => Number(number ?? 0));
  return { years, months, weeks, days, hours, minutes, seconds };
}

/** The milliseconds of a duration of weeks or less; days have 24 hours. */
export function durationTime(text) {
  const { weeks, days, hours, minutes, seconds } = parseDuration(text) ?? { weeks: 0, days: 0, hours: 0, minutes: 0, seconds: 0 };
  return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** A duration in words: "1 hour 30 minutes". */
export function durationWords(text) {
  const parts = parseDuration(text);
  if (!parts) return text;
  const words = ([unit, number]) =>
    new Intl.NumberFormat(LANGUAGE, { style: "unit", unit: unit.slice(0, -1), unitDisplay: "long" }).format(number);
  return Object.entries(parts).filter(([, number]) => number > 0).map(words).join(" ") || words(["minutes", 0]);
}

/** All zones that the browser knows. */
export const zones = () => Intl.supportedValuesOf?.("timeZone") ?? ["UTC"];
