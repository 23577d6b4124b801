import { apiUrl, request } from "./api.js";
import { openDialog, toast } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { check, field, form, notice, run } from "./form.js";
import { heading } from "./router.js";
import { forget, setUser, user } from "./session.js";
import { LOCALE, text as general, profileText as text } from "./strings.js";
import { durationWords } from "./dates.js";
import { browserZone, zoneOptions } from "./zones.js";

/** Makes a section of the profile. */
export function section(title, note, ...content) {
  return h("section", { class: "card" }, h("h2", null, title), note ? h("p", { class: "soft" }, note) : null, content);
}

/** Makes the links between the pages of the profile. */
export function tabs(page) {
  const tab = (hash, label) => h("a", { href: hash, "aria-current": hash === page ? "page" : null }, label);
  return h("nav", { class: "tabs", "aria-label": text.profile }, tab("#/profile", text.general), tab("#/profile/security", text.security));
}

async function change(body) {
  const response = await request("PATCH", "v1/me", { body });
  setUser(response.body);
  toast(text.saved);
}

function about() {
  const profile = user();
  const zone = browserZone();
  const element = form({
    fields: [
      field({ name: "name", label: text.name, value: profile.name, required: true, autocomplete: "name", maxlength: 100, help: text.nameHelp }),
      field({ name: "time_zone", label: text.timeZone, options: zoneOptions(profile.time_zone), value: profile.time_zone, help: text.zoneHelp }),
    ],
    submit: text.save,
    onSubmit: async (values) => {
      await change(values);
      hint.hidden = values.time_zone === zone;
    },
  });
  const hint = notice("info", h("p", null, text.zoneDiffers(zone), " ", h("button", { type: "button", class: "button quiet small", onclick: () => { element.elements.time_zone.value = zone; } }, text.useZone)));
  hint.hidden = zone === profile.time_zone;
  return section(text.about, null, h("div", { class: "stack" }, hint, element));
}

// "PT90M" is 90 minutes. Durations of several units stay as they are.
function parts(before) {
  const match = /^P(?:T(\d+)([HM])|(\d+)([DW]))$/.exec(before);
  return match ? [match[1] ?? match[3], match[2] ?? match[4]] : null;
}

function reminders() {
  const list = h("div", { class: "pairs" });
  const none = h("p", { class: "soft" }, text.noReminders);
  const update = () => { none.hidden = list.children.length > 0; };
  const add = (before, focus) => {
    const known = parts(before);
    const row = h("div", { class: "pair", dataset: known ? {} : { before } },
      known
        ? [h("input", { type: "number", min: 1, step: 1, inputmode: "numeric", value: known[0], "aria-label": text.number }),
          h("select", { value: known[1], "aria-label": text.unit }, text.units.map(([value, label]) => h("option", { value }, label))), h("span", { class: "soft" }, text.before)]
        : h("span", null, `${durationWords(before)} ${text.before}`),
      h("button", { type: "button", class: "icon-button", "aria-label": text.removeReminder, title: text.removeReminder, onclick: () => {
        row.remove();
        update();
        addButton.focus();
      } }, icon("close")));
    list.append(row);
    update();
    if (focus) row.querySelector("input").focus();
  };
  const addButton = h("button", { type: "button", class: "button", onclick: () => add("PT10M", true) }, icon("add"), text.addReminder);
  for (const { before } of user().default_reminders) add(before);
  update();
  const element = form({
    fields: [none, list],
    submit: text.save,
    extra: addButton,
    onSubmit: () => change({ default_reminders: [...list.children].map((row) => {
      if (row.dataset.before) return { before: row.dataset.before };
      const [number, unit] = [row.querySelector("input"), row.querySelector("select").value];
      if (!/^[1-9]\d*$/.test(number.value)) {
        number.setAttribute("aria-invalid", "true");
        number.focus();
        throw new Problem(text.numberError);
      }
      return { before: "MH".includes(unit) ? `PT${number.value}${unit}` : `P${number.value}${unit}` };
    }) }),
  });
  return section(text.reminders, text.remindersText, element);
}

function mail() {
  const profile = user();
  const hours = Array.from({ length: 24 }, (_, hour) => [hour, new Date(Date.UTC(2000, 0, 1, hour)).toLocaleTimeString(LOCALE, { hour: "numeric", minute: "2-digit", timeZone: "UTC" })]);
  const digestHour = field({ name: "digest_hour", label: text.digestHour, options: hours, value: profile.digest_hour });
  const kind = (name, label, help) => check({ name, label, help, checked: profile.mail[name], onchange: ({ target }) => { if (name === "digest") digestHour.hidden = !target.checked; } });
  digestHour.hidden = !profile.mail.digest;
  const stopped = profile.mail_stopped ? notice("warn", h("p", null, general.mailStopped(profile.mail_stopped.reason), " ", text.mailStoppedText), verifyButton()) : null;
  return section(text.mail, text.mailText, h("div", { class: "stack" }, stopped, form({
    fields: [
      h("div", { class: "checks" },
        kind("reminders", text.mailReminders, text.mailRemindersHelp), kind("assignments", text.mailAssignments, text.mailAssignmentsHelp),
        kind("invitations", text.mailInvitations, text.mailInvitationsHelp), kind("digest", text.mailDigest, text.mailDigestHelp)),
      digestHour,
    ],
    submit: text.save,
    onSubmit: ({ digest_hour: hour, ...on }) => change({
      mail: Object.fromEntries(Object.keys(profile.mail).map((name) => [name, name in on])), digest_hour: Number(hour),
    }),
  })));
}

function verifyButton() {
  const button = h("button", { type: "button", class: "button small", onclick: () => run(button, async () => {
    await request("POST", "v1/me/verify-email");
    toast(text.verifySent);
  }, toast) }, text.verifyAgain);
  return button;
}

// The pages of an export make one file.
async function download(format, onPart) {
  const chunks = [];
  let query = { format, limit: 100 };
  for (let part = 1; query; part += 1) {
    onPart(part);
    const { body, headers } = await request("GET", "v1/export", { query, as: "text" });
    chunks.push(body);
    query = format === "csv" ? nextOfLink(headers.get("Link")) : nextOfLines(body, query);
  }
  const type = format === "csv" ? "text/csv" : "application/x-ndjson";
  const url = URL.createObjectURL(new Blob(chunks, { type }));
  const day = new Date().toISOString().slice(0, 10);
  h("a", { href: url, download: `taskbell-${day}.${format === "csv" ? "csv" : "ndjson"}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function nextOfLines(body, query) {
  const cursor = JSON.parse(body.trimEnd().split("\n").pop()).next_cursor;
  return cursor && { ...query, cursor };
}

function nextOfLink(link) {
  const match = /<([^>]+)>;\s*rel="?next/.exec(link ?? "");
  return match && Object.fromEntries(new URL(match[1], apiUrl("v1/export")).searchParams);
}

function exports() {
  const state = h("p", { class: "soft", role: "status" });
  const button = (format, label) => {
    const element = h("button", { type: "button", class: "button", onclick: () => run(element, async () => {
      await download(format, (part) => replace(state, text.exporting(part)));
      replace(state, text.exported);
    }, (message) => replace(state, notice("error", message))) }, icon("download"), label);
    return element;
  };
  return section(text.export, text.exportText, h("div", { class: "stack" }, h("div", { class: "actions" }, button(undefined, text.exportJson), button("csv", text.exportCsv)), state));
}

function deletion() {
  return section(text.deleteTitle, text.deleteText, h("button", { type: "button", class: "button quiet danger outlined", onclick: () => {
    openDialog(text.deleteTitle, form({
      fields: [h("p", null, text.deleteConfirm), field({ name: "password", type: "password", label: text.password, required: true, autocomplete: "current-password" })],
      submit: text.deleteAction,
      danger: true,
      onSubmit: async (values) => {
        await request("DELETE", "v1/me", { body: values });
        forget("deleted");
      },
    }));
  } }, icon("trash"), text.deleteAction));
}

// An error of the page itself, which the form shows as it is.
class Problem extends Error {
  isForPeople = true;
}

export function profilePage(params, query, main) {
  heading(main, text.profile);
  main.append(tabs("#/profile"), about(), reminders(), mail(), exports(), deletion());
}
