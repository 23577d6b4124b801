// Recurrence rules (RFC 5545) as a form and in words. A rule that the form cannot show exactly is kept as text.

import { dayWords, weekday } from "./dates.js";

/** Codes of the weekdays, from Monday. */
export const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const UNITS = { HOURLY: "hour", DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" };
const NTH = { 1: "first", 2: "second", 3: "third", 4: "fourth", "-1": "last" };
const WORKDAYS = "MO,TU,WE,TH,FR";

/** Name of a weekday by its code. */
export const dayName = (code, width = "long") =>
  new Intl.DateTimeFormat("en", { weekday: width, timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(code)));

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
  if (!UNITS[FREQ] || Object.keys(others).length || !/^\d+$/.test(INTERVAL) || (COUNT && UNTIL) || (WKST && WKST !== "MO")) return null;
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
  const choices = [["", `on day ${day}`], ["-1", "on the last day"], [`-1${code}`, `on the last ${dayName(code)}`]];
  if (nth <= 4) choices.splice(1, 0, [`${nth}${code}`, `on the ${NTH[nth]} ${dayName(code)}`]);
  return choices;
}

const list = (words) => new Intl.ListFormat("en").format(words);
const ordinal = (number) => `${number}${{ one: "st", two: "nd", few: "rd", other: "th" }[new Intl.PluralRules("en", { type: "ordinal" }).select(number)]}`;

/** A rule in words: "Every 2 weeks on Monday and Thursday". */
export function ruleWords(rule, zone) {
  const form = ruleToForm(rule);
  if (!form) return `Custom rule: ${rule}`;
  const unit = UNITS[form.freq];
  let words = form.interval === 1 ? `Every ${unit}` : `Every ${form.interval} ${unit}s`;
  const days = DAYS.filter((day) => form.days.includes(day)).join(",");
  if (days === WORKDAYS) words = form.interval === 1 ? "Every weekday" : `${words} on weekdays`;
  else if (days) words += ` on ${list(days.split(",").map((day) => dayName(day)))}`;
  const nth = /^(-?\d)([A-Z]{2})$/.exec(form.monthly);
  if (nth) words += ` on the ${NTH[nth[1]]} ${dayName(nth[2])}`;
  else if (form.monthly) words += form.monthly === "-1" ? " on the last day" : ` on the ${ordinal(Number(form.monthly))}`;
  if (form.end === "count") words += `, ${form.count} times`;
  if (form.end === "until") words += ` until ${dayWords(form.until, zone)}`;
  return words;
}
