import { describe } from "./api.js";
import { h, icon, uniqueId } from "./dom.js";
import { text } from "./strings.js";

/** Opens a modal dialog. Returns {element, close}. The focus goes back to where it was. */
export function openDialog(title, content, { onClose, className = "" } = {}) {
  const before = document.activeElement;
  const id = uniqueId("dialog");
  const element = h("dialog", { class: `dialog ${className}`, "aria-labelledby": id },
    h("div", { class: "dialog-head" },
      h("h2", { id, dir: "auto" }, title),
      h("button", { type: "button", class: "icon-button", "aria-label": text.close, onclick: () => element.close() }, icon("close"))),
    h("div", { class: "dialog-body" }, content));
  element.addEventListener("close", () => {
    if (element.contains(region)) document.body.append(region);
    element.remove();
    if (before?.isConnected) before.focus();
    onClose?.(element.returnValue);
  });
  document.body.append(element);
  element.showModal();
  element.querySelector(".dialog-body :is(input, select, textarea, [autofocus])")?.focus();
  return { element, close: (value) => element.close(value) };
}

/** Asks whether to do something. */
export function confirmDialog({ title, text: question, action, danger = true }) {
  return new Promise((resolve) => {
    const id = uniqueId("question");
    const { element, close } = openDialog(title, [
      h("p", { id, dir: "auto" }, question),
      h("div", { class: "dialog-actions" },
        h("button", { type: "button", class: "button", autofocus: true, onclick: () => close("") }, text.cancel),
        h("button", { type: "button", class: danger ? "button danger" : "button primary", onclick: () => close("yes") }, action)),
    ], { onClose: (value) => resolve(value === "yes") });
    element.setAttribute("role", "alertdialog");
    element.setAttribute("aria-describedby", id);
  });
}

/** Makes the message of a list that could not be loaded. */
export function failed(error, again) {
  return h("div", { class: "empty", role: "alert" },
    h("p", null, describe(error)),
    h("button", { type: "button", class: "button", onclick: again }, icon("repeat"), text.tryAgain));
}

// It is there before its first message, and stays where it is: otherwise messages are not read out.
const region = h("div", { class: "toasts", role: "status", "aria-atomic": "false" });
document.body.append(region);
const ends = new WeakMap(); // by message: what removes it

/** Takes back what the newest message with an undo says. */
export const undoNewest = () => [...region.querySelectorAll(".undo .button")].at(-1)?.click();

/** Shows a message for some seconds, with an action, which `undo` says takes back what was done. It stays while the pointer or the focus
 *  is on it; `onHold(true)` says so, `onHold(false)` that this is over. Returns a function that removes it. */
export function toast(message, { action, onAction, undo = false, seconds = action ? 10 : 6, onHold } = {}) {
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body; // a modal dialog covers what is outside of it
  if (region.parentElement !== place) place.append(region);
  let timer, before = null, held = false;
  const hold = ({ type, relatedTarget }) => {
    clearTimeout(timer);
    if (type === "focusin" && !element.contains(relatedTarget)) before = relatedTarget ?? before;
    if (!held) onHold?.(held = true);
  };
  const release = () => { if (held) onHold?.(held = false); };
  const wait = ({ type, relatedTarget }) => {
    if (element.contains(relatedTarget) || (type === "pointerleave" && element.matches(":focus-within"))) return;
    clearTimeout(timer);
    timer = setTimeout(remove, seconds * 1000);
    release();
  };
  const remove = () => {
    clearTimeout(timer);
    if (!element.isConnected) return;
    const inside = element.contains(document.activeElement);
    element.remove();
    release();
    if (inside) (before?.isConnected ? before : document.querySelector("h1"))?.focus({ preventScroll: true });
  };
  const element = h("div", { class: undo ? "toast undo" : "toast", onpointerenter: hold, onpointerleave: wait, onfocusin: hold, onfocusout: wait },
    h("span", { dir: "auto" }, message),
    action ? h("button", { type: "button", class: "button quiet", "aria-keyshortcuts": undo ? "z" : null, onclick: () => { remove(); onAction?.(); } }, action) : null,
    h("button", { type: "button", class: "icon-button", "aria-label": text.close, onclick: remove }, icon("close")));
  ends.set(element, remove);
  for (const other of [...region.children]) if (!action && other.textContent === element.textContent) ends.get(other)();
  region.append(element);
  while (region.children.length > 3) ends.get(region.firstChild)();
  timer = setTimeout(remove, seconds * 1000);
  return remove;
}
