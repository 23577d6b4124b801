// Decisions about waiting changes. They need no browser, no storage and no network, so they can be tested alone.

import { dueInstant } from "./dates.js";

/** Changes that are right for one version of a task only: it goes into If-Match. */
export const CHECKED = ["patch", "complete", "skip", "move", "delete"];

/** The server remembers an Idempotency-Key for 24 hours. */
const KEY_TIME = 23 * 3_600_000;

/** Notes what a new change was made on: the version of the server, and the values that the user saw. */
export function prepare(entry, server, shown) {
  if (!CHECKED.includes(entry.kind)) return entry;
  entry.version ??= server?.version;
  const fields = entry.kind === "patch" ? Object.keys(entry.body) : ["due"];
  entry.base ??= Object.fromEntries(fields.map((field) => [field, shown?.[field]]));
  return entry;
}

/** The version for a later change after an earlier one was sent. If the answer has changes of others, 412 and a merge decide. */
export const rebase = (version, before, answer) => (version === before && answer <= before + 1 ? answer : version);

/** What follows an error: "pause" (nothing can be sent now), "later" (other tasks can), "merge", "refuse" or "fail". */
export function nextStep({ noResponse, status, code }) {
  if (noResponse || status === 401 || status === 429) return "pause";
  if (status >= 500 || code === "busy") return "later";
  if (status === 412) return "merge";
  return status ? "refuse" : "fail";
}

/** Milliseconds until the next attempt. */
export const retryDelay = (tries, retryAfter = 0, random = Math.random()) =>
  Math.max(retryAfter * 1000, 500 + random * Math.min(60_000, 2000 * 2 ** tries));

/** Whether an earlier attempt with an unknown result is so old that another one could do it twice. */
export const isTooOld = ({ first }, now) => now - first > KEY_TIME;

/** What to do with a change other than a patch that met a later version: "send" it again, "ask", or nothing, because it is "done". */
export function afterConflict({ kind, base }, current, zone) {
  const isSame = base && same("due", base.due, current.due, zone);
  if (kind === "skip" && base && !isSame) return "done";
  return isSame && (kind === "complete" || kind === "move") ? "send" : "ask";
}

/** A value of a field in a form that can be compared. */
function comparable(field, value, zone) {
  if (field === "due") return value ? `${value.length === 10}${dueInstant(value, zone).getTime()}` : "";
  if (field === "checklist") return JSON.stringify((value ?? []).map(({ title, done }) => [title, Boolean(done)]));
  if (field === "reminders") return JSON.stringify((value ?? []).filter(({ snoozed }) => !snoozed).map(({ before, at }) => before ?? at).sort());
  if (field === "tags") return JSON.stringify([...(value ?? [])].sort());
  return JSON.stringify(value ?? (field === "description" ? "" : null));
}

/** Whether two values of a field mean the same. */
export const same = (field, a, b, zone) => comparable(field, a, zone) === comparable(field, b, zone);

/** What is left of a patch for the current version: the fields to send, and those that both sides changed. */
export function merge({ body, base }, current, zone) {
  const rest = {}, conflicts = [];
  for (const [field, mine] of Object.entries(body)) {
    if (same(field, mine, current[field], zone)) continue;
    rest[field] = mine;
    if (!same(field, base?.[field], current[field], zone)) conflicts.push(field);
  }
  return { body: rest, conflicts };
}
