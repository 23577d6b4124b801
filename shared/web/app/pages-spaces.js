import { all, request } from "./api.js";
import { confirmDialog, openDialog, toast } from "./dialog.js";
import { h, icon } from "./dom.js";
import { empty, field, form, loaded, run } from "./form.js";
import { go, heading } from "./router.js";
import { user } from "./session.js";
import { spacesChanged, spacesList } from "./spaces-store.js";
import { spaceText as text } from "./strings.js";
import { showDate } from "./zones.js";

const ROLES = ["viewer", "member", "admin", "owner"];
const roleOptions = (mine) => ROLES.filter((role) => mine === "owner" || role !== "owner").map((role) => [role, text.roles[role]]);
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

export async function membersPage({ id }, query, main) {
  const path = `v1/spaces/${encodeURIComponent(id)}`;
  heading(main, text.membersTitle);
  const place = h("div", null);
  main.append(place);
  await loaded(place, async () => {
    const [{ body: space }, members] = await Promise.all([request("GET", path), request("GET", path.concat("/members")).then(({ body }) => body.items, (error) => {
      if (error.code === "personal_space") return [];
      throw error;
    })]);
    const invitations = manages(space) ? await all(`${path}/invitations`) : [];
    return { space, members, invitations };
  }, (data) => {
    heading(main, data.space.name, h("a", { class: "button", href: `#/space/${id}` }, icon("list"), text.tasks));
    main.append(place);
    return content(path, data, () => membersPage({ id }, query, main));
  });
}

function content(path, { space, members, invitations }, again) {
  if (space.personal) return empty(text.personalOnly);
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
        again();
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
        again();
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
      again();
    }, problem) }, text.revoke);
    return h("li", { class: "row" }, icon("mail"),
      h("div", { class: "row-main" }, h("p", { class: "row-title", dir: "auto" }, invitation.email),
        h("p", { class: "row-note" }, h("span", null, text.roles[invitation.role]), h("span", null, text.until(showDate(invitation.expires_at, user()?.time_zone))))),
      button);
  };

  let key = crypto.randomUUID();
  const invite = form({
    className: "inline",
    fields: [
      field({ name: "email", type: "email", label: text.email, required: true, autocomplete: "off" }),
      field({ name: "role", label: text.role, options: roleOptions(space.role), value: "member" }),
    ],
    submit: text.invite,
    onSubmit: async (values) => {
      await request("POST", `${path}/invitations`, { body: values, key });
      key = crypto.randomUUID();
      toast(text.invited(values.email));
      again();
    },
  });
  const section = (title, ...nodes) => h("section", { class: "section" }, h("h2", null, title), nodes);
  return [
    h("section", null, h("h2", { class: "list-title" }, text.members(members.length)), h("ul", { class: "list" }, members.map(memberRow))),
    manages(space) ? section(text.inviteTitle, h("div", { class: "card" }, invite)) : null,
    invitations.length ? section(text.openInvitations, h("ul", { class: "list" }, invitations.map(invitationRow))) : null,
    section(text.rolesTitle, h("dl", { class: "card facts" }, ROLES.map((role) => h("div", null, h("dt", null, text.roles[role]), h("dd", { class: "soft" }, text.roleHelp[role]))))),
    section(text.thisSpace, h("ul", { class: "list" },
      manages(space) ? setting(text.rename, text.renameText, text.renameAction, () => rename(path, space, again)) : null,
      setting(text.leave, text.leaveText, text.leaveAction, (button) => leave(path, space, button, problem), true),
      space.role === "owner" ? setting(text.deleteSpace, text.deleteSpaceText, text.delete, () => remove(path, space), true) : null)),
  ];
}

function setting(title, note, action, onclick, danger = false) {
  return h("li", { class: "row" },
    h("div", { class: "row-main" }, h("p", { class: "row-title" }, title), h("p", { class: "row-note" }, note)),
    h("button", { type: "button", class: `button small ${danger ? "quiet danger" : ""}`, "aria-label": title, onclick: (event) => onclick(event.currentTarget) }, action));
}

function rename(path, space, again) {
  const { close } = openDialog(text.rename, form({
    fields: [nameField(space.name)],
    submit: text.save,
    onSubmit: async ({ name }) => {
      await request("PATCH", path, { body: { name } });
      close();
      spacesChanged();
      again();
    },
  }));
}

async function leave(path, space, button, problem) {
  if (!await confirmDialog({ title: text.leaveTitle(space.name), text: text.leaveText, action: text.leave })) return;
  run(button, async () => {
    await repeat("DELETE", `${path}/members/me`);
    spacesChanged();
    toast(text.left(space.name));
    go("#/spaces");
  }, problem);
}

function remove(path, space) {
  const { close } = openDialog(text.deleteTitle(space.name), form({
    fields: [h("p", null, text.deleteConfirm), h("p", null, h("strong", { dir: "auto" }, space.name)), field({ name: "name", label: text.name, required: true, autocomplete: "off" })],
    submit: text.deleteSpace,
    danger: true,
    onSubmit: async ({ name }) => {
      await repeat("DELETE", path, { name });
      close();
      spacesChanged();
      toast(text.deleted(space.name));
      go("#/spaces");
    },
  }));
}
