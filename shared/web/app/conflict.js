// A change that meets a later version of the task. Fields that only one side changed are merged; of the others the user sees
// both versions side by side and chooses. Nothing is overwritten silently.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { fieldWords } from "./task-view.js";
import { text } from "./strings-tasks.js";
import { zone } from "./tasks-store.js";
import { dueInstant } from "./dates.js";

/** A value of a field in a form that can be compared. */
function comparable(field, value) {
  if (field === "due") return value ? `${value.length === 10}${dueInstant(value, zone()).getTime()}` : "";
  if (field === "checklist") return JSON.stringify((value ?? []).map(({ title, done }) => [title, Boolean(done)]));
  if (field === "reminders") return JSON.stringify((value ?? []).filter(({ snoozed }) => !snoozed).map(({ before, at }) => before ?? at).sort());
  if (field === "tags") return JSON.stringify([...(value ?? [])].sort());
  return JSON.stringify(value ?? (field === "description" ? "" : null));
}

/** Whether two values of a field mean the same. */
export const same = (field, a, b) => comparable(field, a) === comparable(field, b);

/** What is left of a change for the current version: the fields to send, and those that both sides changed. */
export function merge({ body, base }, current) {
  const rest = {}, conflicts = [];
  for (const [field, mine] of Object.entries(body)) {
    if (same(field, mine, current[field])) continue;
    rest[field] = mine;
    if (!same(field, base?.[field], current[field])) conflicts.push(field);
  }
  return { body: rest, conflicts };
}

/** Asks which version of each field to keep. Resolves to the fields to send, null for none, undefined if nothing was decided. */
export function resolveConflict(entry, current) {
  return new Promise((resolve) => {
    let result;
    const finish = (value) => {
      result = value;
      dialog.close();
    };
    const patch = entry.kind === "patch";
    const { body, conflicts } = patch ? merge(entry, current) : { body: {}, conflicts: [] };
    const choice = Object.fromEntries(conflicts.map((field) => [field, "mine"]));
    const option = (field, side, value) => h("label", { class: "version" },
      h("input", { type: "radio", name: `choice-${field}`, value: side, checked: choice[field] === side, onchange: () => { choice[field] = side; } }),
      h("span", null, h("strong", null, side === "mine" ? text.myVersion : text.theirVersion), h("span", { class: "version-text", dir: "auto" }, fieldWords(field, value, current) || text.empty)));
    const save = () => {
      for (const field of conflicts) if (choice[field] === "theirs") delete body[field];
      finish(Object.keys(body).length ? body : null);
    };
    const content = patch
      ? h("form", { class: "conflict", onsubmit: (event) => { event.preventDefault(); save(); } },
        h("p", null, text.conflictHelp),
        conflicts.map((field) => h("fieldset", { class: "versions" }, h("legend", null, text.fields[field]),
          option(field, "mine", entry.body[field]), option(field, "theirs", current[field]))),
        h("div", { class: "dialog-actions" },
          h("button", { type: "button", class: "button", onclick: () => dialog.close() }, text.decideLater),
          h("button", { type: "submit", class: "button primary" }, text.saveChoice)))
      : h("div", null,
        h("p", { dir: "auto" }, text.changedMeanwhile[entry.kind](current.title)),
        h("div", { class: "dialog-actions" },
          h("button", { type: "button", class: "button", onclick: () => finish(null) }, text.keepTask),
          h("button", { type: "button", class: "button danger", onclick: () => finish({}) }, text.anyway[entry.kind])));
    const dialog = openDialog(text.conflictTitle, content, { onClose: () => resolve(result), className: "wide" });
  });
}
