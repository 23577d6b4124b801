import { request } from "./api.js";
import { confirmDialog, failed, openDialog, toast } from "./dialog.js";
import { h, icon, replace } from "./dom.js";
import { empty, field, form, loaded, notice, run } from "./form.js";
import { heading } from "./router.js";
import { refresh, setUser, user } from "./session.js";
import { operatorText as text } from "./strings.js";
import { showDate, showTime } from "./zones.js";

// Anybody may try to become an operator. The server knows the one address that can.
function become(main, code) {
  heading(main, text.become);
  const codeForm = () => form({
    fields: [code ? h("input", { type: "hidden", name: "code", value: code })
      : field({ name: "code", label: text.code, help: text.codeHelp, required: true, autocomplete: "off", spellcheck: "false", dir: "ltr" })],
    submit: text.becomeConfirm,
    onSubmit: async (values) => {
      const { body } = await request("POST", "v1/me/operator", { body: { code: values.code.trim() } });
      // The access token from before has the role of a user.
      await refresh();
      setUser(body);
      toast(text.became);
      operatorsPage({}, new URLSearchParams(), main);
    },
  });
  const place = h("div", { class: "stack" });
  const send = h("button", { type: "button", class: "button primary", onclick: () => run(send, async () => {
    const { body } = await request("POST", "v1/me/operator", { body: {} });
    replace(place, notice("ok", h("p", null, body.detail)), codeForm());
    place.querySelector("input").focus();
  }, (message) => replace(problem, notice("error", message))) }, text.becomeSend);
  const problem = h("div", { class: "messages" });
  const haveCode = h("button", { type: "button", class: "button quiet", onclick: () => { replace(place, codeForm()); place.querySelector("input").focus(); } }, text.haveCode);
  replace(place, code ? [h("p", null, text.becomeLink), codeForm()] : [h("p", null, text.becomeText), problem, h("div", { class: "actions" }, send, haveCode)]);
  main.append(h("div", { class: "card narrow" }, place));
}

export async function operatorsPage(params, query, main) {
  if (user().role !== "operator") return become(main, query.get("code") ?? "");
  heading(main, text.operators, h("button", { type: "button", class: "button", onclick: invite }, icon("mail"), text.invite));
  const place = h("div", null);
  const search = h("form", { class: "account-search", role: "search" },
    h("input", { type: "search", name: "email", "aria-label": text.searchLabel, placeholder: text.searchLabel, autocomplete: "off", autocapitalize: "off", spellcheck: "false" }),
    h("button", { type: "submit", class: "button" }, icon("search"), text.search));
  const show = () => accounts(place, search.elements.email.value.trim());
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  search.elements.email.addEventListener("input", ({ target }) => { if (!target.value) show(); });
  main.append(search, place);
  await show();
}

async function accounts(place, email) {
  const page = async (cursor) => (await request("GET", "v1/users", { query: { email, cursor, limit: 50 } })).body;
  const list = h("ul", { class: "list" });
  const more = h("div", { class: "more" });
  const append = ({ items, next_cursor: cursor }) => {
    list.append(...items.map((account) => row(account)));
    const button = h("button", { type: "button", class: "button", onclick: () => run(button, async () => append(await page(cursor)), (message, error) => replace(more, failed(error, () => button.click()), button)) }, text.more);
    replace(more, cursor ? button : null);
  };
  await loaded(place, page, (first) => {
    if (!first.items.length && !first.next_cursor) return empty(text.noUsers);
    append(first);
    return [list, more];
  });
}

function row(account) {
  const element = h("li", { class: "row" });
  const show = () => replace(element,
    h("span", { class: "avatar", "aria-hidden": "true" }, [...account.name.trim()][0]?.toUpperCase()),
    h("div", { class: "row-main" },
      h("p", { class: "row-title" }, h("bdi", null, account.name),
        account.role === "operator" ? h("span", { class: "badge accent" }, text.operator) : null,
        account.disabled_at ? h("span", { class: "badge danger" }, text.blocked) : null,
        account.id === user()?.id ? h("span", { class: "badge" }, text.you) : null),
      h("p", { class: "row-note" }, h("bdi", null, account.email), h("span", null, text.registered(showDate(account.created_at, user()?.time_zone))))),
    h("button", { type: "button", class: "button small", "aria-label": text.actionsNamed(account.name), onclick: () => manage(account, (next) => {
      if (!next) return element.remove();
      Object.assign(account, next);
      show();
      element.querySelector("button").focus();
    }) }, text.actions));
  show();
  return element;
}

function manage(account, onChange) {
  const problem = h("div", { class: "messages" });
  const own = account.id === user().id;
  const step = (title, note, label, onclick, danger) => h("li", { class: "row" },
    h("div", { class: "row-main" }, h("p", { class: "row-title" }, title), h("p", { class: "row-note" }, note)),
    h("button", { type: "button", class: `button small ${danger ? "quiet danger" : ""}`, "aria-label": title, onclick: (event) => onclick(event.currentTarget) }, label));
  const ask = async (button, question, act, done) => {
    if (!await confirmDialog(question)) return;
    run(button, async () => {
      const response = await act();
      close();
      onChange(response.body);
      toast(done);
    }, (message) => replace(problem, notice("error", message)));
  };
  const patch = (body) => () => request("PATCH", `v1/users/${account.id}`, { body });
  const { name } = account;
  const blocked = account.disabled_at !== null;
  const isOperator = account.role === "operator";
  const { close } = openDialog(name, [
    h("dl", { class: "facts" },
      [[text.email, account.email], [text.zone, account.time_zone], [text.id, account.id]].map(([label, value]) => h("div", null, h("dt", null, label), h("dd", { dir: "auto" }, value)))),
    problem,
    h("ul", { class: "list flat" },
      step(text.write, text.writeText, text.write, () => { close(); write(account); }),
      own ? null : step(blocked ? text.unblock : text.block, blocked ? text.unblockText : text.blockText, blocked ? text.unblock : text.block, (button) => (blocked
        ? ask(button, { title: text.unblock, text: text.unblockText, action: text.unblock, danger: false }, patch({ disabled: false }), text.unblockedNow(name))
        : ask(button, { title: text.blockTitle(name), text: text.blockText, action: text.block }, patch({ disabled: true }), text.blockedNow(name))), !blocked),
      own ? null : step(isOperator ? text.makeUser : text.makeOperator, isOperator ? text.makeUserText : text.makeOperatorText, isOperator ? text.makeUser : text.makeOperator, (button) =>
        ask(button, { title: text.roleTitle(name), text: isOperator ? text.makeUserText : text.makeOperatorText, action: isOperator ? text.makeUser : text.makeOperator, danger: isOperator },
          patch({ role: isOperator ? "user" : "operator" }), text.roleChanged(name))),
      own ? null : step(text.delete, text.deleteText, text.delete, (button) =>
        ask(button, { title: text.deleteTitle(name), text: text.deleteText, action: text.delete }, () => removeAccount(account.id), text.deleted(name)), true)),
  ]);
}

async function removeAccount(id) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request("DELETE", `v1/users/${id}`);
    } catch (error) {
      if (error.code !== "not_finished" || attempt === 50) throw error;
    }
  }
}

function write(account) {
  // The same key for each attempt, so the message is sent once.
  let key = crypto.randomUUID();
  const place = h("div", null, form({
    fields: [
      field({ name: "subject", label: text.subject, required: true, maxlength: 200, autocomplete: "off" }),
      field({ name: "text", label: text.text, required: true, rows: 8, maxlength: 10_000 }),
    ],
    submit: text.send,
    onSubmit: async (values) => {
      try {
        const { body } = await request("POST", "v1/notifications", { body: { user_id: account.id, ...values }, key });
        replace(place, delivery(body));
      } catch (error) {
        if (error.status < 500) key = crypto.randomUUID(); // it was refused
        throw error;
      }
    },
  }));
  openDialog(text.writeTitle(account.name), place);
}

function delivery(message) {
  const place = h("div", { class: "stack" });
  const show = (state) => {
    const time = (value) => showTime(value, user()?.time_zone);
    const update = h("button", { type: "button", class: "button", onclick: () => run(update, load, toast) }, icon("repeat"), text.refresh);
    replace(place,
      h("h3", null, state.subject),
      h("dl", { class: "facts" },
        h("div", null, h("dt", null, text.delivery), h("dd", null, h("span", { class: `badge ${{ sent: "ok", failed: "danger", skipped: "warn", uncertain: "warn" }[state.status] ?? ""}` }, text.status[state.status] ?? state.status),
          state.sent_at ? ` ${time(state.sent_at)}` : null, state.feedback ? h("p", null, text.feedback[state.feedback] ?? state.feedback) : null,
          state.reason ? h("p", null, text.reasons[state.reason] ?? state.reason) : null,
          state.attempts ? h("p", { class: "soft" }, text.attempts(state.attempts)) : null))),
      h("p", { class: "message-text", dir: "auto" }, state.text), h("div", { class: "actions" }, update));
  };
  const load = async () => {
    const { body } = await request("GET", `v1/notifications/${message.id}`);
    if (place.isConnected) show(body);
  };
  show(message);
  // Most messages are sent within seconds.
  for (const wait of [2000, 6000]) setTimeout(() => { if (place.isConnected) load().catch(() => {}); }, wait);
  return place;
}

function invite() {
  const { close } = openDialog(text.invite, form({
    fields: [h("p", null, text.inviteText), field({ name: "email", type: "email", label: text.email, required: true, autocomplete: "off" })],
    submit: text.inviteSend,
    onSubmit: async (values) => {
      await request("POST", "v1/users", { body: values });
      close();
      toast(text.invited(values.email));
    },
  }));
}
