import { LOCALE } from "./strings.js";

/** Returns the time zone of the browser. */
export function browserZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Returns all time zones as options of a select, with `own` among them. */
export function zoneOptions(own) {
  const names = new Set(["UTC", own, ...Intl.supportedValuesOf("timeZone")]);
  return [...names].sort().map((name) => [name, name.replaceAll("_", " ")]);
}

/** Shows a time as the region of the browser writes it. */
export function showTime(value, zone) {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(new Date(value));
}

/** Shows a date (a day without a time zone, or the day of an instant in `zone`). */
export function showDate(value, zone = "UTC") {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: zone }).format(new Date(value));
}
