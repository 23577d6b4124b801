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
    const { close } = openDialog(title, [
      h("p", { dir: "auto" }, question),
      h("div", { class: "dialog-actions" },
        h("button", { type: "button", class: "button", autofocus: true, onclick: () => close("") }, text.cancel),
        h("button", { type: "button", class: danger ? "button danger" : "button primary", onclick: () => close("yes") }, action)),
    ], { onClose: (value) => resolve(value === "yes") });
  });
}

/** Makes the message of a list that could not be loaded. */
export function failed(error, again) {
  return h("div", { class: "empty", role: "alert" },
    h("p", null, describe(error)),
    h("button", { type: "button", class: "button", onclick: again }, icon("repeat"), text.tryAgain));
}

let region = null;

/** Takes back what the newest message with an undo says. */
export const undoNewest = () => [...(region?.querySelectorAll(".undo .button") ?? [])].at(-1)?.click();

/** Shows a message for some seconds, with an action, which `undo` says takes back what was done. Returns a function that removes it. */
export function toast(message, { action, onAction, undo = false, seconds = action ? 10 : 6 } = {}) {
  region ??= h("div", { class: "toasts", role: "status" });
  // A modal dialog covers what is outside of it.
  (document.querySelector("dialog[open]") ?? document.body).append(region);
  let timer;
  const remove = () => {
    clearTimeout(timer);
    element.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(remove, seconds * 1000);
  };
  const element = h("div", { class: undo ? "toast undo" : "toast", onpointerenter: () => clearTimeout(timer), onpointerleave: wait, onfocusin: () => clearTimeout(timer), onfocusout: wait },
    h("span", { dir: "auto" }, message),
    action ? h("button", { type: "button", class: "button quiet", onclick: () => { remove(); onAction?.(); } }, action) : null,
    h("button", { type: "button", class: "icon-button", "aria-label": text.close, onclick: remove }, icon("close")));
  for (const other of [...region.children]) if (!action && other.textContent === element.textContent) other.remove();
  region.append(element);
  while (region.children.length > 3) region.firstChild.remove();
  wait();
  return remove;
}
