import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { local } from "./storage.js";
import { text } from "./strings.js";

const OFF = "keys-off";
const keys = new Map();

/** Adds a key. `action` is called outside of fields and dialogs. Returns a function that removes the key. */
export function key(name, description, action) {
  const entry = { description, action };
  keys.set(name, entry);
  return () => {
    if (keys.get(name) === entry) keys.delete(name);
  };
}

// Keys of one character must be possible to turn off (WCAG 2.1.4).
const isOff = () => local.get(OFF) === "1";

/** Shows the list of keys. */
export function showKeys() {
  const rows = [...keys].map(([name, { description }]) =>
    h("div", null, h("dt", null, h("kbd", null, name)), h("dd", null, description)));
  openDialog(text.keys, [
    h("label", { class: "check" },
      h("input", {
        type: "checkbox", checked: !isOff(), onchange: (event) => {
          if (event.target.checked) local.remove(OFF);
          else local.set(OFF, "1");
        },
      }), text.keysOn),
    h("dl", { class: "keys" }, rows),
  ]);
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isOff()) return;
  const typed = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable], dialog");
  if (typed || document.querySelector("dialog[open]")) return;
  const entry = keys.get(event.key);
  if (!entry) return;
  event.preventDefault();
  entry.action(event);
});
