// The dialogs about waiting changes, which are seldom needed. Fields of a conflict that only one side changed are merged; of the
// others the user sees both versions side by side and chooses. Nothing is overwritten silently.

import "./editor-style.js";
import { merge } from "./decisions.js";
import { confirmDialog, openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { decide, retry, undo, waiting } from "./outbox.js";
import { waitingText as text } from "./strings.js";
import { fieldWords } from "./task-view.js";
import { zone } from "./tasks-store.js";

/** Asks which version of each field to keep. Resolves to the fields to send, null for none, undefined if nothing was decided. */
export function resolveConflict(entry, current) {
  return new Promise((resolve) => {
    let result;
    const finish = (value) => {
      result = value;
      dialog.close();
    };
    const patch = entry.kind === "patch";
    const { body, conflicts } = patch ? merge(entry, current, zone()) : { body: {}, conflicts: [] };
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

function words({ kind, body, id, space }) {
  if (kind === "comment") return body.text;
  if (kind !== "create" && kind !== "patch") return "";
  const shownFields = Object.entries(body).filter(([field]) => text.fields[field] && field !== "title");
  return shownFields.map(([field, content]) => `${text.fields[field]}: ${fieldWords(field, content, { id, space }) || text.empty}`).join("\n");
}

/** Shows the changes that wait. */
export function showWaiting() {
  const rows = () => waiting().map((entry) => h("li", { class: "row" },
    h("div", { class: "row-main" },
      h("p", { class: "row-title" }, `${text.kinds[entry.kind]}: `, h("bdi", null, entry.title || entry.body?.title || "")),
      h("p", { class: "row-note lines", dir: "auto" }, words(entry)),
      entry.error ? h("p", { class: "field-error" }, icon("error"), entry.error) : null),
    h("div", { class: "actions" },
      entry.state ? h("button", { type: "button", class: "button small", onclick: () => { dialog.close(); if (entry.state === "conflict") decide(entry); else retry(entry); } }, entry.state === "conflict" ? text.decide : text.retry) : null,
      h("button", {
        type: "button", class: "button quiet danger small", onclick: async () => {
          dialog.close();
          if (await confirmDialog({ title: text.discardChange, text: text.discardText, action: text.discardChange })) undo(entry);
        },
      }, text.discardChange))));
  const dialog = openDialog(text.waitingTitle, waiting().length ? h("ul", { class: "list" }, rows()) : h("p", null, text.nothingWaiting));
}
