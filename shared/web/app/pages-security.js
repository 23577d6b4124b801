import { all, request } from "./api.js";
import { confirmDialog, openDialog, toast } from "./dialog.js";
import { h, icon, replace, svg } from "./dom.js";
import { check, copyable, empty, field, form, loaded, notice, run } from "./form.js";
import { qrCode } from "./qr.js";
import { section, tabs } from "./pages-profile.js";
import { spacesList } from "./spaces-store.js";
import { go, heading } from "./router.js";
import { adopt, refresh, setUser, user } from "./session.js";
import { profileText as text } from "./strings.js";
import { showDate, showTime } from "./zones.js";

const passwordField = (props) => field({ name: "password", type: "password", label: text.currentPassword, required: true, autocomplete: "current-password", ...props });
const codeField = (props) => field({ name: "code", label: text.code, required: true, autocomplete: "one-time-code", autocapitalize: "off", spellcheck: "false", dir: "ltr", ...props });
const button = (label, onclick, props) => h("button", { type: "button", class: "button", ...props, onclick: (event) => onclick(event.currentTarget) }, label);

function address() {
  const place = h("p", { class: "soft", dir: "auto" }, text.emailText(user().email));
  const update = (profile) => {
    setUser(profile);
    replace(place, text.emailText(profile.email));
  };
  return section(text.email, null, place, h("div", { class: "actions" }, button(text.changeEmail, () => changeAddress(update)), button(text.haveCode, () => confirmAddress(update), { class: "button quiet" })));
}

function changeAddress(update) {
  const { close } = openDialog(text.changeEmail, form({
    fields: [field({ name: "email", type: "email", label: text.newEmail, required: true, autocomplete: "email" }), passwordField()],
    submit: text.continue,
    onSubmit: async (values) => {
      await request("POST", "v1/me/email", { body: values });
      close();
      confirmAddress(update, text.emailSent(values.email));
    },
  }));
}

function confirmAddress(update, message = null) {
  const { close } = openDialog(text.confirmEmail, [message ? h("p", { class: "lead-in", dir: "auto" }, message) : null, confirmAddressForm((profile) => {
    close();
    update(profile);
    toast(text.emailChanged);
  })]);
}

function confirmAddressForm(onDone, code = "") {
  return form({
    fields: [code ? h("input", { type: "hidden", name: "code", value: code }) : codeField({ help: text.codeHelp, autocomplete: "off" })],
    submit: text.confirmEmail,
    onSubmit: async (values) => {
      const { body } = await request("POST", "v1/me/email/confirm", { body: { code: values.code.trim() } });
      onDone(body);
    },
  });
}

export function confirmEmailPage(params, query, main) {
  heading(main, text.confirmEmail);
  const code = query.get("code") ?? "";
  main.append(h("div", { class: "card narrow stack" }, code ? h("p", null, text.confirmEmailText) : null, confirmAddressForm((profile) => {
    setUser(profile);
    toast(text.emailChanged);
    go("#/profile/security");
  }, code)));
}

function password(again) {
  return section(text.password, text.passwordText, form({
    fields: [
      // Password managers need to know whose password this is.
      h("input", { type: "text", autocomplete: "username", value: user().email, hidden: true }),
      passwordField({ name: "current_password" }),
      field({ name: "new_password", type: "password", label: text.newPassword, required: true, autocomplete: "new-password", help: text.passwordHelp }),
    ],
    submit: text.changePassword,
    onSubmit: async (values, element) => {
      const { body } = await request("POST", "v1/me/password", { body: values });
      await adopt(body.refresh_token);
      element.reset();
      toast(text.passwordChanged);
      again();
    },
  }));
}

function factor(again) {
  const { second_factor: on } = user();
  return h("section", { class: "card" },
    h("h2", { class: "with-badge" }, text.factor, h("span", { class: `badge ${on ? "ok" : ""}` }, on ? text.on : text.off)),
    h("p", { class: "soft" }, on ? text.factorOn : text.factorOff),
    button(on ? text.factorDelete : text.factorStart, () => (on ? deleteFactor(again) : startFactor(again))));
}

function qrPicture(content, label) {
  const rows = qrCode(content);
  if (!rows) return null; // the secret is shown as text, too
  const size = rows.length + 8; // with the margin
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : ""))).join("");
  return svg("svg", { class: "qr", role: "img", "aria-label": label, viewBox: `0 0 ${size} ${size}` }, svg("path", { d: path }));
}

function startFactor(again) {
  const place = h("div", null, form({
    fields: [h("p", null, text.factorStartText), passwordField()],
    submit: text.continue,
    onSubmit: async (values) => {
      const { body } = await request("POST", "v1/me/second-factor", { body: values });
      replace(place, confirmStep(body));
      place.querySelector("input").focus({ preventScroll: true }); // the code to scan is above it
    },
  }));
  let codes = null;
  const { close } = openDialog(text.factor, place, { onClose: () => (codes ? showRecovery(codes, again) : again()) });
  const confirmStep = ({ secret, uri }) => form({
    fields: [
      h("p", null, text.factorSecretText),
      qrPicture(uri, text.factorQr),
      h("div", { class: "field" }, h("span", { class: "label" }, text.factorSecret), copyable(secret.replace(/(.{4})(?=.)/g, "$1 "), toast)),
      h("p", { class: "small-text" }, h("a", { href: uri }, text.factorOpen)),
      codeField({ label: text.factorCode, inputmode: "numeric" }),
    ],
    submit: text.factorConfirm,
    onSubmit: async ({ code }) => {
      const { body } = await request("POST", "v1/me/second-factor/confirm", { body: { code: code.replace(/\s/g, "") } });
      codes = body.recovery_codes;
      close();
      // The codes are shown whatever happens now: nothing returns them again.
      await refresh().catch(() => {});
    },
  });
}

// Nothing returns the codes again, so however the dialog is closed, it comes back until they are stored.
function showRecovery(codes, again, reminded = false) {
  const list = h("ul", { class: "codes" }, codes.map((code) => h("li", null, h("code", null, code))));
  const { element, close } = openDialog(text.factor, h("div", { class: "stack" },
    reminded ? notice("warn", h("p", null, text.recoveryFirst)) : notice("ok", h("p", null, text.factorDone)), h("p", null, text.recoveryText), list,
    h("div", { class: "actions" },
      button([icon("copy"), text.recoveryCopy], () => navigator.clipboard.writeText(codes.join("\n")).then(() => toast(text.copied), () => getSelection().selectAllChildren(list))),
      button(text.recoveryStored, () => close("stored"), { class: "button primary" }))),
  { onClose: (value) => (value === "stored" || !user() ? again() : showRecovery(codes, again, true)) });
  element.querySelector(".dialog-head button").remove();
  element.querySelector(".actions button").focus();
}

function deleteFactor(again) {
  const { close } = openDialog(text.factor, form({
    fields: [h("p", null, text.factorDeleteText), passwordField(), codeField()],
    submit: text.factorDelete,
    danger: true,
    onSubmit: async ({ password, code }) => {
      await request("DELETE", "v1/me/second-factor", { body: { password, code: code.trim() } });
      setUser({ ...user(), second_factor: false });
      close();
      toast(text.factorDeleted);
      again();
    },
  }));
}

function sessions() {
  const place = h("div", null);
  const zone = user().time_zone;
  const show = () => loaded(place, () => all("v1/me/sessions"), (items) => [
    h("ul", { class: "list flat" }, items.map((session) => {
      const label = session.label ?? text.unknownDevice;
      return h("li", { class: "row" },
        h("div", { class: "row-main" },
          h("p", { class: "row-title" }, h("bdi", null, label), session.current ? h("span", { class: "badge accent" }, text.thisSession) : null),
          h("p", { class: "row-note" }, h("span", null, text.loggedIn(showTime(session.created_at, zone))), session.last_used_on ? h("span", null, text.lastUsed(showDate(session.last_used_on))) : null)),
        session.current ? null : button(text.end, (element) => run(element, async () => {
          await request("DELETE", `v1/me/sessions/${session.id}`);
          toast(text.ended);
          show();
        }, toast), { class: "button small", "aria-label": text.endNamed(label) }));
    })),
    items.length > 1 ? button(text.endOthers, async (element) => {
      if (!await confirmDialog({ title: text.endOthers, text: text.endOthersText, action: text.endOthers })) return;
      run(element, async () => {
        await request("DELETE", "v1/me/sessions");
        toast(text.othersEnded);
        show();
      }, toast);
    }) : null,
  ]);
  show();
  return section(text.sessions, text.sessionsText, place);
}

function tokens() {
  const place = h("div", null);
  const zone = user().time_zone;
  const show = () => loaded(place, async () => [await all("v1/me/tokens"), await spacesList().catch(() => [])], ([items, spaces]) => [
    items.length ? h("ul", { class: "list flat" }, items.map((token) => h("li", { class: "row" },
      h("div", { class: "row-main" },
        h("p", { class: "row-title", dir: "auto" }, token.name),
        h("p", { class: "row-note" },
          h("span", null, Date.parse(token.expires_at) < Date.now() ? text.expired : text.validUntil(showDate(token.expires_at, zone))),
          h("span", null, token.last_used_on ? text.lastUsed(showDate(token.last_used_on)) : text.neverUsed),
          token.space ? h("bdi", null, spaces.find(({ id }) => id === token.space)?.name ?? token.space) : null),
        h("p", { class: "row-note" }, token.scopes.map((scope) => text.scopeNames[scope] ?? scope).join(" · "))),
      button(text.deleteToken, async (element) => {
        if (!await confirmDialog({ title: text.deleteTokenTitle(token.name), text: text.deleteTokenText, action: text.deleteToken })) return;
        run(element, async () => {
          await request("DELETE", `v1/me/tokens/${token.id}`);
          toast(text.tokenDeleted);
          show();
        }, toast);
      }, { class: "button small quiet danger", "aria-label": text.deleteTokenNamed(token.name) })))) : empty(text.noTokens),
    button([icon("add"), text.newToken], () => createToken(spaces, show)),
  ]);
  show();
  return section(text.tokens, text.tokensText, place);
}

function createToken(spaces, onCreated) {
  const place = h("div", null, form({
    fields: [
      field({ name: "name", label: text.tokenName, required: true, maxlength: 100, autocomplete: "off" }),
      h("fieldset", null, h("legend", null, text.scopes), h("div", { class: "checks" },
        Object.entries(text.scopeNames).map(([scope, label]) => check({ name: "scopes", value: scope, label, checked: scope === "tasks:read" })))),
      field({ name: "space", label: text.tokenSpace, options: [["", text.allSpaces], ...spaces.map(({ id, name }) => [id, name])], value: "" }),
      field({ name: "days", label: text.expires, options: [[7, text.expiryDays(7)], [30, text.expiryDays(30)], [90, text.expiryDays(90)], [365, text.aYear]], value: "90" }),
      passwordField(),
    ],
    submit: text.create,
    onSubmit: async ({ name, space, days, password }, element) => {
      const scopes = new FormData(element).getAll("scopes");
      if (!scopes.length) throw Object.assign(new Error(text.scopeError), { isForPeople: true });
      // A minute less, because "within a year" counts from the clock of the server.
      const expires = new Date(Date.now() + days * 86_400_000 - 60_000).toISOString();
      const { body } = await request("POST", "v1/me/tokens", { body: { name, scopes, space: space || null, expires_at: expires, password } });
      replace(place, h("div", { class: "stack" }, notice("warn", h("p", null, text.tokenOnce)), copyable(body.token, toast),
        h("div", { class: "dialog-actions" }, button(text.done, () => close(), { class: "button primary" }))));
      onCreated();
    },
  }));
  const { close } = openDialog(text.newToken, place);
}

export function securityPage(params, query, main) {
  const again = () => {
    // Another page may be open by now.
    if (main.contains(marker)) securityPage(params, query, main);
  };
  const marker = tabs("#/profile/security");
  heading(main, text.profile);
  document.title = `${text.security} – Taskbell`;
  main.append(marker, address(), password(again), factor(again), sessions(), tokens());
}
