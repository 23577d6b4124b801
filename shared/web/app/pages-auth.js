import { ApiError, request } from "./api.js";
import { toast } from "./dialog.js";
import { h, replace } from "./dom.js";
import { field, form, notice } from "./form.js";
import { go, heading } from "./router.js";
import { keepInvitation, logIn, logOut, pendingInvitation, user } from "./session.js";
import { authText as text } from "./strings.js";
import { zoneOptions, browserZone } from "./zones.js";

const open = (path, body) => request("POST", `v1/auth/${path}`, { body, auth: false });

const emailField = (value = "") => field({ name: "email", type: "email", label: text.email, autocomplete: "username", required: true, value, inputmode: "email", autocapitalize: "off", spellcheck: "false" });
const newPasswordField = () => field({ name: "password", type: "password", label: text.newPassword, autocomplete: "new-password", required: true, help: text.passwordHelp });
const codeField = (props) => field({ name: "code", label: text.code, required: true, autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr", ...props });
const link = (hash, label) => h("a", { href: hash }, label);

// Pages without a session are one narrow card.
function card(main, title, ...content) {
  heading(main, title);
  main.append(h("div", { class: "card narrow stack" }, content));
}

export function logInPage(params, query, main) {
  if (user()) return go("#/today", { replace: true });
  const reason = query.has("expired") ? text.sessionEnded : query.has("logout") ? text.loggedOut : query.has("verified") ? text.verified
    : query.has("reset") ? text.resetDone : query.has("deleted") ? text.accountDeleted : query.has("removed") ? text.lostFactorRemoved : query.has("undone") ? text.undoEmailDone : null;
  const place = h("div", null);
  const first = form({
    fields: [emailField(query.get("email") ?? ""), field({ name: "password", type: "password", label: text.password, autocomplete: "current-password", required: true })],
    submit: text.logIn,
    extra: link("#/forgot", text.forgotLink),
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
    replace(place, h("h2", { class: "sub" }, text.secondFactorTitle), second, h("p", { class: "aside" }, link("#/remove-second-factor", text.lostFactor)));
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
        card(main, text.registered, h("p", { dir: "auto" }, text.registeredText(values.email)), verifyForm(values.email),
          h("p", { class: "aside" }, text.registeredHint));
      },
    }),
    h("p", { class: "aside" }, text.haveAccount, " ", link("#/login", text.logIn)));
}

function verifyForm(email = "", token = "") {
  return form({
    fields: [codeField({ name: "token", value: token })],
    submit: text.verify,
    onSubmit: async ({ token }) => {
      // The last part of the link is the code, so the link works, too.
      await open("verify-email", { token: token.trim().split("/").pop() });
      if (user()) {
        toast(text.verified);
        go("#/profile");
      } else go(`#/login?verified&email=${encodeURIComponent(email)}`);
    },
  });
}

export async function verifyPage(params, query, main) {
  const element = verifyForm("", query.get("token") ?? "");
  card(main, text.verifyTitle, h("p", null, text.verifyText), element);
  // An email program may open links by itself, so the user has to press the button.
  if (query.get("token")) element.querySelector("[type=submit]").focus();
}

export function forgotPage(params, query, main) {
  card(main, text.forgotTitle, h("p", null, text.forgotText), form({
    fields: [emailField(user()?.email)],
    submit: text.forgotSend,
    extra: link("#/login", text.logIn),
    onSubmit: async (values) => {
      await open("forgot-password", values);
      resetPage({}, new URLSearchParams(), main, notice("ok", h("p", null, text.forgotSent)));
    },
  }));
}

export function resetPage(params, query, main, message = null) {
  card(main, text.resetTitle, message, form({
    fields: [codeField({ value: query.get("code") ?? "" }), newPasswordField()],
    submit: text.reset,
    extra: link("#/forgot", text.forgotSend),
    onSubmit: async ({ code, password }) => {
      await open("reset-password", { code: code.trim(), password });
      if (user()) await logOut("reset");
      else go("#/login?reset");
    },
  }));
}

export function lostFactorPage(params, query, main) {
  const done = notice("ok");
  card(main, text.lostFactorTitle, h("p", null, text.lostFactorText),
    form({
      fields: [emailField(), field({ name: "password", type: "password", label: text.password, autocomplete: "current-password", required: true })],
      submit: text.lostFactorSend,
      onSubmit: async (values, element) => {
        const { body } = await open("second-factor/remove", values);
        replace(done.lastChild, body.detail);
        element.replaceWith(done);
      },
    }),
    h("h2", { class: "sub" }, text.lostFactorCode),
    form({
      fields: [codeField({ value: query.get("code") ?? "" })],
      submit: text.lostFactorRemove,
      onSubmit: async ({ code }) => {
        await open("second-factor/remove", { code: code.trim() });
        go("#/login?removed");
      },
    }));
}

export function invitationPage(params, query, main) {
  const token = query.get("token");
  if (token) keepInvitation(token);
  if (!user()) {
    return card(main, text.invitationTitle, h("p", null, text.invitationLogIn),
      pendingInvitation() ? null : form({
        fields: [codeField({ label: text.invitationCode })],
        submit: text.logIn,
        onSubmit: ({ code }) => {
          keepInvitation(code.trim());
          go("#/login");
        },
      }),
      pendingInvitation() ? h("div", { class: "actions" }, h("a", { class: "button primary", href: "#/login" }, text.logIn), h("a", { class: "button", href: "#/register" }, text.register)) : null);
  }
  card(main, text.invitationTitle, h("p", null, text.invitationText), h("p", { class: "soft", dir: "auto" }, text.invitationAs(user().email)), form({
    fields: [codeField({ label: text.invitationCode, value: pendingInvitation() ?? "" })],
    submit: text.acceptInvitation,
    extra: h("button", { type: "button", class: "button quiet", onclick: () => { keepInvitation(null); go("#/today"); } }, text.invitationDecline),
    onSubmit: async ({ code }) => {
      try {
        const { body } = await request("POST", "v1/invitations/accept", { body: { token: code.trim() } });
        keepInvitation(null);
        document.dispatchEvent(new CustomEvent("taskbell:spaces"));
        toast(text.invitationAccepted(body.name));
        go(`#/space/${body.id}`);
      } catch (error) {
        // An invitation that cannot work any more must not come back after each log-in.
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) keepInvitation(null);
        throw error;
      }
    },
  }));
}

export function undoEmailPage(params, query, main) {
  card(main, text.undoEmailTitle, h("p", null, text.undoEmailText), form({
    fields: [codeField({ value: query.get("code") ?? "" })],
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
