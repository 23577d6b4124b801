// Recurrence rules (RFC 5545) as a form and in words. A rule that the form cannot show exactly is kept as text.

import { dayWords, weekday } from "./dates.js";
import { LANGUAGE, ruleText as text } from "./strings.js";

/** Codes of the weekdays, from Monday. */
export const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const FREQUENCIES = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
const WORKDAYS = "MO,TU,WE,TH,FR";

/** Name of a weekday by its code. */
export const dayName = (code, width = "long") =>
  new Intl.DateTimeFormat(LANGUAGE, { weekday: width, timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(code)));

function parts(rule) {
  const result = {};
  for (const part of rule.toUpperCase().split(";").filter(Boolean)) {
    const [name, value] = part.split("=");
    if (!value || name in result) return null;
    result[name] = value;
  }
  return result;
}

/**
 * The form of a rule: `{freq, interval, days, monthly, end, count, until}`; null if the form cannot show it. `monthly` is
 * "" (the day of the due date), a day such as "15" or "-1", or a weekday such as "1MO" or "-1FR".
 */
export function ruleToForm(rule) {
  const { FREQ, INTERVAL = "1", BYDAY, BYMONTHDAY, COUNT, UNTIL, WKST, ...others } = parts(rule ?? "") ?? {};
  if (!FREQUENCIES.includes(FREQ) || Object.keys(others).length || !/^\d+$/.test(INTERVAL) || (COUNT && UNTIL) || (WKST && WKST !== "MO")) return null;
  const form = { freq: FREQ, interval: Number(INTERVAL), days: [], monthly: "", end: "never", count: 10, until: "" };
  if (COUNT) Object.assign(form, { end: "count", count: Number(COUNT) });
  if (UNTIL) {
    if (!/^\d{8}$/.test(UNTIL)) return null;
    Object.assign(form, { end: "until", until: UNTIL.replace(/(....)(..)(..)/, "$1-$2-$3") });
  }
  if (BYDAY && FREQ === "WEEKLY") {
    form.days = BYDAY.split(",");
    if (!form.days.every((day) => DAYS.includes(day))) return null;
  } else if (BYDAY && FREQ === "MONTHLY" && /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/.test(BYDAY) && !BYMONTHDAY) form.monthly = BYDAY;
  else if (BYDAY) return null;
  if (BYMONTHDAY) {
    if (FREQ !== "MONTHLY" || form.monthly || !/^(-1|\d+)$/.test(BYMONTHDAY)) return null;
    form.monthly = BYMONTHDAY;
  }
  return form;
}

/** The rule of a form. */
export function formToRule({ freq, interval, days, monthly, end, count, until }) {
  let rule = `FREQ=${freq}`;
  if (interval > 1) rule += `;INTERVAL=${interval}`;
  if (freq === "WEEKLY" && days.length) rule += `;BYDAY=${DAYS.filter((day) => days.includes(day)).join(",")}`;
  if (freq === "MONTHLY" && monthly) rule += /[A-Z]/.test(monthly) ? `;BYDAY=${monthly}` : `;BYMONTHDAY=${monthly}`;
  if (end === "count") rule += `;COUNT=${count}`;
  if (end === "until" && until) rule += `;UNTIL=${until.replaceAll("-", "")}`;
  return rule;
}

/** Choices for a monthly rule that fit a due date: `[value, words]`. */
export function monthlyChoices(date) {
  const day = Number(date.slice(8)), code = DAYS[weekday(date)], nth = Math.ceil(day / 7);
  const values = [`-1${code}`, "-1"];
  if (nth <= 4) values.push(`${nth}${code}`);
  return [["", text.onDay(day)], ...values.reverse().map((value) => [value, monthlyWords(value)])];
}

/** The words of the day of a month: "on the 15th", "on the last Friday". */
export function monthlyWords(monthly) {
  const nth = /^(-?\d)([A-Z]{2})$/.exec(monthly);
  return nth ? text.onNth(nth[1], dayName(nth[2])) : text.onDay(Number(monthly));
}

/** A rule in words: "Every 2 weeks on Monday and Thursday". */
export function ruleWords(rule, zone) {
  const form = ruleToForm(rule);
  if (!form) return text.custom(rule);
  const { freq, interval, monthly, end, count, until } = form;
  let words = text.every(freq, interval);
  const days = DAYS.filter((day) => form.days.includes(day));
  if (days.join() === WORKDAYS) words = interval === 1 ? text.everyWeekday : `${words} ${text.onWeekdays}`;
  else if (days.length) words = `${words} ${text.onDays(days.map((day) => dayName(day)))}`;
  if (monthly) words = `${words} ${monthlyWords(monthly)}`;
  if (end === "count") return text.times(words, count);
  return end === "until" ? text.until(words, dayWords(until, zone, { inside: true })) : words;
}
