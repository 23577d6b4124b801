import { ApiError, request } from "./api.js";
import { toast } from "./dialog.js";
import { h, replace } from "./dom.js";
import { field, form, notice } from "./form.js";
import { go, heading } from "./router.js";
import { keepInvitation, logIn, logOut, onChange, pendingInvitation, user } from "./session.js";
import { spacesChanged, spacesList } from "./spaces-store.js";
import { tab } from "./storage.js";
import { authText as text } from "./strings.js";
import { zoneOptions, browserZone } from "./zones.js";

const open = (path, body) => request("POST", `v1/auth/${path}`, { body, auth: false });

const emailField = (value = "") => field({ name: "email", type: "email", label: text.email, autocomplete: "username", required: true, value, inputmode: "email", autocapitalize: "off", spellcheck: "false" });
const newPasswordField = () => field({ name: "password", type: "password", label: text.newPassword, autocomplete: "new-password", required: true, help: text.passwordHelp });
const codeField = (props) => field({ name: "code", label: text.code, required: true, autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr", ...props });
// Nobody has to see a code that came with the link of an email.
const codeOfMail = (code, props) => (code ? h("input", { type: "hidden", name: "code", value: code, ...props }) : codeField({ help: text.codeHelp, ...props }));
const link = (hash, label, props) => h("a", { href: hash, ...props }, label);

// Kept in the storage of the tab until a log-in: the address that was typed last, and the one that has to be verified.
const ADDRESS = "address", PENDING = "verify";
const lastAddress = () => tab.get(ADDRESS) ?? "";

onChange((profile) => {
  if (profile) for (const name of [ADDRESS, PENDING]) tab.remove(name);
});

// Who is logged in gets to these pages by "Back" only.
const isInside = () => user() && (go("#/today", { replace: true }), true);

// Pages without a session are one narrow card.
function card(main, title, ...content) {
  heading(main, title);
  main.append(h("div", { class: "card narrow stack" }, content));
}

export function logInPage(params, query, main) {
  if (isInside()) return;
  const reason = query.has("expired") ? text.sessionEnded : query.has("logout") ? text.loggedOut : query.has("verified") ? text.verified
    : query.has("reset") ? text.resetDone : query.has("deleted") ? text.accountDeleted : query.has("removed") ? text.lostFactorRemoved : query.has("undone") ? text.undoEmailDone : null;
  const place = h("div", { class: "stack" });
  const first = form({
    fields: [emailField(lastAddress()), field({ name: "password", type: "password", label: text.password, autocomplete: "current-password", required: true })],
    submit: text.logIn,
    extra: link("#/forgot", text.forgotLink, { onclick: () => tab.set(ADDRESS, first.elements.email.value.trim()) }),
    onSubmit: async (values) => {
      try {
        await logIn(values);
      } catch (error) {
        if (error.code !== "second_factor_required") throw error;
        askForCode(values);
      }
    },
  });
  const askForCode = (values) => {
    const second = form({
      fields: [h("p", null, text.secondFactorText), codeField({ autocomplete: "one-time-code" })],
      submit: text.logIn,
      extra: h("button", { type: "button", class: "button quiet", onclick: () => { replace(place, first); first.elements.email.focus(); } }, text.startAgain),
      onSubmit: ({ code }) => logIn({ ...values, code: code.trim() }),
    });
    replace(place, h("h2", null, text.secondFactorTitle), second, h("p", { class: "aside" }, link("#/remove-second-factor", text.lostFactor, { onclick: () => tab.set(ADDRESS, values.email) })));
    second.elements.code.focus();
  };
  replace(place, first);
  card(main, text.logInTitle,
    reason ? notice(query.has("expired") ? "warn" : "ok", h("p", null, reason)) : null,
    pendingInvitation() ? notice("info", h("p", null, text.invitationPending)) : null,
    place,
    h("p", { class: "aside" }, text.noAccount, " ", link("#/register", text.register)));
}

export function registerPage(params, query, main) {
  if (isInside()) return;
  const fields = [
    field({ name: "name", label: text.name, autocomplete: "name", required: true, help: text.nameHelp, maxlength: 100 }),
    emailField(),
    field({ name: "password", type: "password", label: text.password, autocomplete: "new-password", required: true, help: text.passwordHelp }),
    field({ name: "time_zone", label: text.timeZone, options: zoneOptions(browserZone()), value: browserZone(), help: text.zoneHelp }),
  ];
  card(main, text.registerTitle,
    pendingInvitation() ? notice("info", h("p", null, text.invitationPending)) : null,
    form({
      fields,
      submit: text.register,
      onSubmit: async (values) => {
        await open("register", values);
        for (const name of [ADDRESS, PENDING]) tab.set(name, values.email);
        go("#/verify");
      },
    }),
    h("p", { class: "aside" }, text.haveAccount, " ", link("#/login", text.logIn)));
}

export function verifyPage(params, query, main) {
  const code = query.get("token"), pending = tab.get(PENDING);
  // An email that was stopped is verified again during a session.
  if (!code && !user()?.mail_stopped && isInside()) return;
  // An email program may open links by itself, so the user has to press the button.
  const element = form({
    fields: [codeOfMail(code, { name: "token" })],
    submit: text.verify,
    onSubmit: async ({ token }) => {
      // The last part of the link is the code, so the link works, too.
      await open("verify-email", { token: token.trim().split("/").pop() });
      tab.remove(PENDING);
      if (user()) {
        toast(text.addressVerified);
        go("#/profile");
      } else go("#/login?verified");
    },
  });
  if (code) card(main, text.verifyTitle, h("p", null, text.verifyLink), element);
  else if (!pending) card(main, text.verifyTitle, h("p", null, text.verifyText), element);
  else {
    card(main, text.registered, h("p", { dir: "auto" }, text.registeredText(pending)), element,
      h("p", { class: "aside" }, text.registeredHint, " ", link("#/register", text.registerAgain), ".", h("br"), text.verifiedAlready, " ", link("#/login", text.logIn)));
  }
}

export function forgotPage(params, query, main) {
  if (isInside()) return;
  card(main, text.forgotTitle, h("p", null, text.forgotText), form({
    fields: [emailField(lastAddress())],
    submit: text.forgotSend,
    extra: link("#/login", text.logIn),
    onSubmit: async (values) => {
      await open("forgot-password", values);
      tab.set(ADDRESS, values.email);
      go("#/reset?sent");
    },
  }));
}

export function resetPage(params, query, main) {
  const code = query.get("code");
  if (!code && isInside()) return;
  card(main, text.resetTitle, query.has("sent") ? notice("ok", h("p", null, text.forgotSent)) : null, h("p", null, text.resetText), form({
    fields: [codeOfMail(code), newPasswordField()],
    submit: text.reset,
    extra: query.has("sent") ? link("#/login", text.logIn) : link("#/forgot", text.forgotAgain),
    onSubmit: async ({ code, password }) => {
      await open("reset-password", { code: code.trim(), password });
      if (user()) await logOut("reset");
      else go("#/login?reset");
    },
  }));
}

export function lostFactorPage(params, query, main) {
  const done = notice("ok"), code = query.get("code");
  const remove = form({
    fields: [codeOfMail(code)],
    submit: text.lostFactorRemove,
    onSubmit: async ({ code }) => {
      await open("second-factor/remove", { code: code.trim() });
      go("#/login?removed");
    },
  });
  if (code) return card(main, text.lostFactorTitle, h("p", null, text.lostFactorLink), remove);
  card(main, text.lostFactorTitle, h("p", null, text.lostFactorText),
    form({
      fields: [emailField(lastAddress()), field({ name: "password", type: "password", label: text.password, autocomplete: "current-password", required: true })],
      submit: text.lostFactorSend,
      onSubmit: async (values, element) => {
        const { body } = await open("second-factor/remove", values);
        replace(done.lastChild, body.detail);
        element.replaceWith(done);
      },
    }),
    h("div", { class: "stack" }, h("h2", null, text.lostFactorCode), remove));
}

export function invitationPage(params, query, main) {
  const token = query.get("token");
  if (token) keepInvitation(token);
  if (!user()) {
    return card(main, text.invitationTitle, h("p", null, text.invitationLogIn),
      pendingInvitation() ? null : form({
        fields: [codeOfMail("", { label: text.invitationCode })],
        submit: text.logIn,
        onSubmit: ({ code }) => {
          keepInvitation(code.trim());
          go("#/login");
        },
      }),
      pendingInvitation() ? h("div", { class: "actions" }, h("a", { class: "button primary", href: "#/login" }, text.logIn), h("a", { class: "button", href: "#/register" }, text.register)) : null);
  }
  card(main, text.invitationTitle, h("p", null, text.invitationText), h("p", { class: "soft", dir: "auto" }, text.invitationAs(user().email)), form({
    fields: [codeOfMail(pendingInvitation(), { label: text.invitationCode })],
    submit: text.acceptInvitation,
    extra: h("button", { type: "button", class: "button quiet", onclick: () => { keepInvitation(null); go("#/today"); } }, text.invitationDecline),
    onSubmit: async ({ code }) => {
      try {
        const { body } = await request("POST", "v1/invitations/accept", { body: { token: code.trim() } });
        keepInvitation(null);
        await joined(body.id);
        toast(text.invitationAccepted(body.name));
        go(`#/space/${body.id}`, { replace: true });
      } catch (error) {
        // An invitation that cannot work any more must not come back after each log-in.
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) keepInvitation(null);
        throw error;
      }
    },
  }));
}

// The page of a space needs the space. The list of spaces can lag by moments.
async function joined(id) {
  for (let wait = 250; wait < 3000; wait *= 2) {
    spacesChanged();
    if ((await spacesList().catch(() => [])).some((space) => space.id === id)) return;
    await new Promise((done) => setTimeout(done, wait));
  }
}

export function undoEmailPage(params, query, main) {
  card(main, text.undoEmailTitle, h("p", null, text.undoEmailText), form({
    fields: [codeOfMail(query.get("code"))],
    submit: text.undoEmail,
    danger: true,
    onSubmit: async ({ code }) => {
      await open("undo-email-change", { code: code.trim() });
      if (user()) return logOut("undone");
      toast(text.undoEmailDone, { seconds: 15 });
      go("#/forgot");
    },
  }));
}
