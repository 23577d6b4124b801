import { ApiError, describe } from "./api.js";
import { failed } from "./dialog.js";
import { h, icon, replace, skeleton, uniqueId } from "./dom.js";
import { text } from "./strings.js";

/** Makes a field with label, help and place for an error. `options` ([value, label]) makes a select, `rows` a textarea. */
export function field({ name, label, help, options, type = "text", required = false, ...props }) {
  const id = uniqueId("field");
  const common = { id, name, "aria-required": required ? "true" : null, "aria-describedby": `${help ? `${id}-help ` : ""}${id}-error`, ...props };
  let control;
  if (options) control = h("select", common, options.map(([value, name]) => h("option", { value }, name)));
  else if (props.rows) control = h("textarea", { dir: "auto", ...common });
  else control = h("input", { type, dir: type === "text" ? "auto" : null, ...common });
  return h("div", { class: "field" },
    h("label", { for: id }, label),
    type === "password" ? h("div", { class: "with-button" }, control, passwordSwitch(control)) : control,
    help ? h("p", { class: "help", id: `${id}-help` }, help) : null,
    h("p", { class: "field-error", id: `${id}-error` }));
}

function passwordSwitch(input) {
  return h("button", {
    type: "button", class: "button quiet small", "aria-label": text.showPassword,
    onclick: (event) => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      event.currentTarget.setAttribute("aria-label", show ? text.hidePassword : text.showPassword);
      replace(event.currentTarget, show ? text.hide : text.show);
    },
  }, text.show);
}

/** Makes a checkbox with its label. */
export function check({ name, label, help, ...props }) {
  const id = uniqueId("check");
  return h("label", { class: "check" },
    h("input", { type: "checkbox", name, "aria-labelledby": id, "aria-describedby": help ? `${id}-help` : null, ...props }),
    h("span", null, h("span", { id }, label), help ? h("span", { class: "help", id: `${id}-help` }, help) : null));
}

/** Makes a message that is announced: kind is "error", "ok", "warn" or "info". */
export function notice(kind, ...content) {
  return h("div", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    icon({ error: "error", ok: "check", warn: "overdue", info: "bell" }[kind]), h("div", null, content));
}

/** Makes a form. It keeps what was typed when `onSubmit(values, form)` fails, and shows why. */
export function form({ fields, submit, onSubmit, danger = false, extra = null, className = "" }) {
  const button = h("button", { type: "submit", class: `button ${danger ? "danger" : "primary"}` }, submit);
  const messages = h("div", { class: "messages" });
  const element = h("form", { class: `form ${className}`, novalidate: true }, fields, messages, h("div", { class: "form-actions" }, button, extra));
  let busy = false;
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    clearErrors(element);
    replace(messages);
    const empty = [...element.elements].filter((control) => control.getAttribute("aria-required") && !control.value.trim());
    if (empty.length) return showErrors(element, empty.map((control) => ({ field: control.name, message: text.required })));
    busy = true;
    button.setAttribute("aria-busy", "true");
    try {
      await onSubmit(Object.fromEntries(new FormData(element)), element);
    } catch (error) {
      const rest = error instanceof ApiError ? showErrors(element, error.errors) : [];
      const covered = error instanceof ApiError && error.errors.length && !rest.length;
      if (!covered) replace(messages, notice("error", h("p", null, describe(error)), rest.length > 1 ? rest.map(({ message }) => h("p", null, message)) : null));
    } finally {
      busy = false;
      button.removeAttribute("aria-busy");
    }
  });
  return element;
}

function clearErrors(element) {
  for (const control of element.elements) control.removeAttribute?.("aria-invalid");
  for (const error of element.querySelectorAll(".field-error")) replace(error);
}

/** Shows errors ({field, message}) under the fields of a form. Returns those that have no field. */
export function showErrors(element, errors) {
  const rest = [];
  let first = null;
  for (const error of errors) {
    const control = element.elements.namedItem(error.field);
    const place = control?.id && element.querySelector(`#${control.id}-error`);
    if (!place) {
      rest.push(error);
      continue;
    }
    control.setAttribute("aria-invalid", "true");
    replace(place, icon("error"), error.message);
    first ??= control;
  }
  first?.focus();
  return rest;
}

const loads = new WeakMap(); // the last load of each place: an earlier one that takes longer shows nothing

/** Shows a list or page that has to be loaded: first a placeholder, then `show(data)`, or the error with "Try again". */
export async function loaded(place, load, show) {
  const mine = {};
  loads.set(place, mine);
  const inside = place.contains(document.activeElement);
  replace(place, skeleton());
  try {
    const data = await load();
    if (loads.get(place) !== mine) return;
    replace(place, show(data));
    if (!inside || document.activeElement !== document.body) return;
    place.tabIndex = -1;
    place.focus({ preventScroll: true }); // what had the focus has gone
  } catch (error) {
    if (error.name === "AbortError" || loads.get(place) !== mine) return;
    replace(place, failed(error, () => loaded(place, load, show)));
  }
}

/** Makes the message of an empty list. */
export function empty(message, ...more) {
  return h("div", { class: "empty" }, h("p", null, message), more);
}

/** Runs the action of a button. Marks the button as busy; `onError` gets the text of an error. */
export async function run(button, action, onError) {
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    await action();
  } catch (error) {
    onError(describe(error), error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Makes a text with a button that copies it. */
export function copyable(content, onCopied) {
  const output = h("code", { class: "secret", tabindex: "0" }, content);
  return h("div", { class: "copyable" }, output,
    h("button", {
      type: "button", class: "button", onclick: async () => {
        try {
          await navigator.clipboard.writeText(content);
          onCopied(text.copied);
        } catch {
          getSelection().selectAllChildren(output);
          onCopied(text.copyFailed);
        }
      },
    }, icon("copy"), text.copy));
}
