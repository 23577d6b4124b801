import { ApiError, all, request } from "./api.js";
import { confirmDialog, openDialog, toast } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { empty, field, form, loaded, run } from "./form.js";
import { go, heading } from "./router.js";
import { user } from "./session.js";
import { onSpaces, spacesChanged, spacesList } from "./spaces-store.js";
import { spaceText as text } from "./strings.js";
import { showDate } from "./zones.js";

const ROLES = ["viewer", "member", "admin", "owner"];
const roleOptions = (mine) => ROLES.filter((role) => mine === "owner" || role !== "owner").map((role) => [role, text.roles[role]]);
const INVITATIONS = 30_000, READS = 40;
const manages = (space) => !space.personal && ["admin", "owner"].includes(space.role);

// A large space takes several requests.
async function repeat(method, path, query) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request(method, path, { query });
    } catch (error) {
      if (error.code !== "not_finished" || attempt === 50) throw error;
    }
  }
}

export function spacesPage(params, query, main) {
  heading(main, text.spaces, h("button", { type: "button", class: "button primary", onclick: create }, icon("add"), text.newSpace));
  const place = h("div", null);
  main.append(h("p", { class: "soft lead" }, text.spacesText), place);
  const show = () => loaded(place, () => spacesList({ fresh: true }), (spaces) => h("ul", { class: "list" }, spaces.map(row)));
  const row = (space) => h("li", { class: "row" },
    icon(space.personal ? "folder" : "spaces"),
    h("div", { class: "row-main" },
      h("p", { class: "row-title", dir: "auto" }, h("a", { href: `#/space/${space.id}` }, space.name)),
      h("p", { class: "row-note" }, space.personal ? text.personal : [h("span", null, text.members(space.members)), h("span", null, text.roles[space.role])])),
    space.personal ? null : h("a", { class: "button small", href: `#/space/${space.id}/members`, "aria-label": text.manageNamed(space.name) }, text.manage));
  function create() {
    const key = crypto.randomUUID();
    const { close } = openDialog(text.newSpace, form({
      fields: [nameField()],
      submit: text.create,
      onSubmit: async ({ name }) => {
        const { body } = await request("POST", "v1/spaces", { body: { name }, key });
        close();
        spacesChanged();
        go(`#/space/${body.id}/members`);
      },
    }));
  }
  show();
}

const nameField = (value = "") => field({ name: "name", label: text.name, required: true, maxlength: 100, value, autocomplete: "off", help: text.nameHelp });

// What others change appears by itself: live.js announces spaces and members. Nothing announces an invitation, so they are read again
// while the page is visible, but not for ever.
export async function membersPage({ id }, query, main) {
  const path = `v1/spaces/${encodeURIComponent(id)}`;
  const place = h("div", null);
  let shown = null, state = "", invite = null, stopped = false, reading = false, stale = false, reads = 0;

  async function read() {
    const data = { space: null };
    try {
      data.space = (await request("GET", path)).body;
      if (!data.space.personal) data.members = await all(`${path}/members`);
      if (manages(data.space)) data.invitations = await all(`${path}/invitations`);
    } catch (error) {
      if (error.status !== 404) throw error;
      data.space = null;
    }
    // Another page may be open by now.
    if (!place.isConnected) throw new DOMException("", "AbortError");
    return data;
  }

  function show(data) {
    const { space } = data, before = shown?.space;
    if (!before || before.name !== space?.name) {
      heading(main, space?.name ?? text.membersTitle, ...(space ? [h("a", { class: "button", href: `#/space/${id}` }, icon("list"), text.tasks)] : []));
      if (space) document.title = `${space.name}, ${text.membersTitle} – Taskbell`;
      main.append(place);
    }
    if (before?.role !== space?.role) invite = null;
    [shown, state] = [data, JSON.stringify(data)];
    if (!space) return empty(text.missing, h("a", { class: "button", href: "#/spaces" }, text.toSpaces));
    if (space.personal) return empty(text.personalOnly);
    invite ??= inviteForm(path, space, async () => {
      invite = null;
      state = "";
      await update();
      invite?.elements.email.focus();
    });
    return content(path, data, { invite, update, alone });
  }

  // What is typed or has the focus stays.
  async function update() {
    stale = true;
    if (reading || stopped || !shown?.space) return;
    reading = true;
    try {
      while (stale && !stopped) {
        stale = false;
        const data = await read();
        if (stopped || JSON.stringify(data) === state) continue;
        const active = document.activeElement, label = place.contains(active) && active.getAttribute("aria-label");
        replace(place, show(data));
        const next = active.isConnected ? active : [...place.querySelectorAll("[aria-label]")].find((element) => element.getAttribute("aria-label") === label);
        (next ?? main.querySelector("h1")).focus({ preventScroll: true });
      }
    } catch (error) {
      if (error.name !== "AbortError") console.warn(error);
    } finally {
      reading = false;
    }
  }

  // The end of the own membership is not news.
  async function alone(work) {
    stopped = true;
    try {
      await work();
    } catch (error) {
      stopped = false;
      throw error;
    }
  }

  async function checkInvitations() {
    if (document.hidden || stopped || reads >= READS || !shown?.space || !manages(shown.space)) return;
    reads += 1;
    const invitations = await all(`${path}/invitations`).catch(() => shown.invitations);
    if (JSON.stringify(invitations) !== JSON.stringify(shown.invitations)) update();
  }

  const onMembers = ({ detail }) => detail === id && update();
  const onVisible = () => {
    reads = 0;
    if (!document.hidden) update();
  };
  const timer = setInterval(checkInvitations, INVITATIONS), end = onSpaces(update);
  document.addEventListener("taskbell:members", onMembers);
  document.addEventListener("visibilitychange", onVisible);
  heading(main, text.membersTitle);
  main.append(place);
  await loaded(place, read, show);
  return () => {
    stopped = true;
    clearInterval(timer);
    end();
    document.removeEventListener("taskbell:members", onMembers);
    document.removeEventListener("visibilitychange", onVisible);
  };
}

function inviteForm(path, space, onSent) {
  let key = crypto.randomUUID();
  return form({
    className: "inline",
    fields: [
      field({ name: "email", type: "email", label: text.email, required: true, autocomplete: "off" }),
      field({ name: "role", label: text.role, options: roleOptions(space.role), value: "member" }),
    ],
    submit: text.invite,
    onSubmit: async (values) => {
      if (values.email.trim().toLowerCase() === user().email.toLowerCase()) throw new ApiError(422, { errors: [{ field: "email", message: text.yourself }] }, new Headers());
      await request("POST", `${path}/invitations`, { body: values, key });
      key = crypto.randomUUID();
      toast(text.invited(values.email));
      onSent();
    },
  });
}

function content(path, { space, members, invitations = [] }, { invite, update, alone }) {
  const owners = members.filter(({ role }) => role === "owner").length;
  const others = (member) => manages(space) && (space.role === "owner" || member.role !== "owner");
  const problem = (message) => toast(message);

  const memberRow = (member) => {
    const me = member.user_id === user()?.id;
    const editable = others(member) && !(member.role === "owner" && owners === 1);
    const select = h("select", {
      "aria-label": text.roleOf(member.name), value: member.role, onchange: (event) => run(event.target, async () => {
        const { body } = await request("PATCH", `${path}/members/${member.user_id}`, { body: { role: event.target.value } });
        member.role = body.role;
        toast(text.roleChanged(member.name, text.roles[body.role]));
        spacesChanged();
      }, (message) => {
        event.target.value = member.role;
        problem(message);
      }),
    }, roleOptions(space.role).map(([value, label]) => h("option", { value }, label)));
    const remove = h("button", { type: "button", class: "icon-button", "aria-label": text.removeNamed(member.name), title: text.remove, onclick: async () => {
      if (!await confirmDialog({ title: text.removeTitle(member.name), text: text.removeText, action: text.remove })) return;
      run(remove, async () => {
        await repeat("DELETE", `${path}/members/${member.user_id}`);
        toast(text.removed(member.name));
        update();
      }, problem);
    } }, icon("close"));
    return h("li", { class: "row" },
      h("span", { class: "avatar", "aria-hidden": "true" }, [...member.name.trim()][0]?.toUpperCase()),
      h("div", { class: "row-main" },
        h("p", { class: "row-title" }, h("bdi", null, member.name), me ? h("span", { class: "badge" }, text.you) : null),
        h("p", { class: "row-note" }, text.since(showDate(member.joined_at, user()?.time_zone)))),
      editable ? select : h("span", { class: "badge" }, text.roles[member.role]),
      others(member) && !me ? remove : manages(space) ? h("span", { class: "icon-button", "aria-hidden": "true" }) : null);
  };

  const invitationRow = (invitation) => {
    const button = h("button", { type: "button", class: "button small quiet danger", "aria-label": text.revokeNamed(invitation.email), onclick: () => run(button, async () => {
      await request("DELETE", `${path}/invitations/${invitation.id}`);
      toast(text.revoked);
      update();
    }, problem) }, text.revoke);
    return h("li", { class: "row" }, icon("mail"),
      h("div", { class: "row-main" }, h("p", { class: "row-title", dir: "auto" }, invitation.email),
        h("p", { class: "row-note" }, h("span", null, text.roles[invitation.role]), h("span", null, text.until(showDate(invitation.expires_at, user()?.time_zone))))),
      button);
  };

  const section = (title, ...nodes) => h("section", { class: "section" }, h("h2", null, title), nodes);
  return [
    h("section", null, h("h2", { class: "list-title" }, text.members(members.length)), h("ul", { class: "list" }, members.map(memberRow))),
    manages(space) ? section(text.inviteTitle, h("div", { class: "card" }, invite)) : null,
    invitations.length ? section(text.openInvitations, h("ul", { class: "list" }, invitations.map(invitationRow))) : null,
    section(text.rolesTitle, h("dl", { class: "card facts" }, ROLES.map((role) => h("div", null, h("dt", null, text.roles[role]), h("dd", { class: "soft" }, text.roleHelp[role]))))),
    section(text.thisSpace, h("ul", { class: "list" },
      manages(space) ? setting(text.rename, text.renameText, text.renameAction, () => rename(path, space)) : null,
      setting(text.leave, text.leaveText, text.leaveAction, (button) => leave(path, space, button, alone), true),
      space.role === "owner" ? setting(text.deleteSpace, text.deleteSpaceText, text.delete, () => remove(path, space, alone), true) : null)),
  ];
}

function setting(title, note, action, onclick, danger = false) {
  return h("li", { class: "row" },
    h("div", { class: "row-main" }, h("p", { class: "row-title" }, title), h("p", { class: "row-note" }, note)),
    h("button", { type: "button", class: `button small ${danger ? "quiet danger" : ""}`, "aria-label": title, onclick: (event) => onclick(event.currentTarget) }, action));
}

function rename(path, space) {
  const { close } = openDialog(text.rename, form({
    fields: [nameField(space.name)],
    submit: text.save,
    onSubmit: async ({ name }) => {
      await request("PATCH", path, { body: { name } });
      close();
      spacesChanged();
    },
  }));
}

async function leave(path, space, button, alone) {
  if (!await confirmDialog({ title: text.leaveTitle(space.name), text: text.leaveText, action: text.leave })) return;
  run(button, async () => {
    await alone(() => repeat("DELETE", `${path}/members/me`));
    spacesChanged();
    toast(text.left(space.name));
    go("#/spaces");
  }, toast);
}

function remove(path, space, alone) {
  const { close } = openDialog(text.deleteTitle(space.name), form({
    fields: [h("p", null, text.deleteConfirm), h("p", null, h("strong", { dir: "auto" }, space.name)), field({ name: "name", label: text.name, required: true, autocomplete: "off" })],
    submit: text.deleteSpace,
    danger: true,
    onSubmit: async ({ name }) => {
      await alone(() => repeat("DELETE", path, { name }));
      close();
      spacesChanged();
      toast(text.deleted(space.name));
      go("#/spaces");
    },
  }));
}
