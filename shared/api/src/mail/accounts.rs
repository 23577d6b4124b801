//! Mails about accounts: codes, changes, and what operators write.

use jiff::Timestamp;
use taskbell_domain::{
    account_event::AccountEvent,
    email::EmailAddress,
    id::NotificationId,
    one_time_code::{Code, Purpose},
    ports::Mail,
    text::ApiTokenName,
    user::User,
};

use super::{
    Envelope, Footer, MailContext, WriteError,
    contents::{content, notification_to},
    hours, in_words,
    plain_text::normalize_lines,
};
use crate::links::{LinkAction, VERIFICATION_LIFETIME};

content!(Message, "message.txt", "message.html", {
    subject: &'a str,
    text: String,
});

content!(CodeToUse, "code.txt", "code.html", {
    heading: &'a str,
    purpose: &'a str,
    code: String,
    link: String,
    lifetime: String,
});

content!(AccountChange, "account.txt", "account.html", {
    heading: &'a str,
    text: &'a str,
    program: Option<&'a str>,
    scopes: String,
    until: Option<String>,
    until_label: &'a str,
});

content!(Verification, "verification.txt", "verification.html", {
    link: &'a str,
    token: &'a str,
    lifetime: String,
});

/// What an operator writes to a user.
pub(crate) fn message_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    user: &User,
    by: &str,
    (subject, text): (&str, &str),
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let reason = format!("{by}, an operator of this Taskbell installation, sent you this message.");
    let footer = Footer { reason, unsubscribe: None };
    let text = normalize_lines(text).into_owned();
    let (text, html) = Message { subject, text }.render(&footer)?;
    let envelope = Envelope {
        tags: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: subject.to_owned(),
        id: format!("{notification}.{fence}"),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}

/// The name of a user, unless someone else may have typed it: until the address is verified, it may be another person's.
fn verified_name(user: &User) -> Option<&str> {
    user.email_verified_at.map(|_| user.name.as_str())
}

/// A code that works once.
pub(crate) fn code_mail(
    context: &MailContext,
    fence: u64,
    (code, purpose): (&Code, Purpose),
    (user, address): (&User, Option<&EmailAddress>),
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (subject, heading, text) = match purpose {
        Purpose::Operator => (
            "Your Taskbell operator code",
            "Your operator code",
            "Use this code to make your account an operator of this Taskbell installation:",
        ),
        Purpose::PasswordReset => (
            "Reset your Taskbell password",
            "Reset your password",
            "Use this code to set a new password for your Taskbell account. All sessions will be logged out.",
        ),
        Purpose::EmailChange => (
            "Confirm your new email address",
            "Confirm your new email address",
            "Use this code to make this address the one of your Taskbell account:",
        ),
        Purpose::SecondFactorRemoval => (
            "Remove the second factor of your Taskbell account",
            "Remove your second factor",
            "Use this code to log in without a second factor. It works from 24 hours after the request on: a second email \
             has the time. If you did not request it, someone else knows your password: log in with your second factor, \
             which cancels the request, and reset your password.",
        ),
        Purpose::EmailChangeUndo => (
            "The address of your Taskbell account was changed",
            "Your email address was changed",
            "Your Taskbell account has a new email address. If you changed it, there is nothing to do. If you did not, use \
             this code to restore this address. All sessions and API tokens end, and you set a new password afterwards.",
        ),
    };
    let footer = Footer {
        reason: match purpose {
            Purpose::EmailChangeUndo => {
                "You received this email because this was the address of your Taskbell account. Do not share the code."
            }
            Purpose::Operator
            | Purpose::PasswordReset
            | Purpose::EmailChange
            | Purpose::SecondFactorRemoval => {
                "You received this email because this code was requested for your account. If that was not you, ignore \
                 this email and do not share the code."
            }
        }
        .to_owned(),
        unsubscribe: None,
    };
    let (lifetime, code_text) = (hours(purpose.lifetime()), code.to_text());
    let page = match purpose {
        Purpose::Operator => "operators",
        Purpose::PasswordReset => "reset",
        Purpose::EmailChange => "confirm-email",
        Purpose::SecondFactorRemoval => "remove-second-factor",
        Purpose::EmailChangeUndo => "undo-email",
    };
    let link = context.page(page, &format!("code={code_text}"));
    let content = CodeToUse { heading, purpose: text, code: code_text, link, lifetime };
    let (text, html) = content.render(&footer)?;
    // What becomes of a mail to another address says nothing about that of the account. Nor is a name in it that its
    // reader may not know.
    let envelope = Envelope {
        tags: notification_to(code.notification, address.is_none().then_some(user)),
        to: match address {
            None => (&user.email, verified_name(user)),
            Some(address) => (address, None),
        },
        subject: subject.to_owned(),
        id: format!("{}.{fence}", code.notification),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}

/// A change of the account, which someone else may have made.
pub(crate) fn account_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    event: &AccountEvent,
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let (subject, text, name, scopes, until) = match event {
        AccountEvent::RegisteredAgain => (
            "You already have a Taskbell account",
            "Someone has tried to register with this email address, which already has an account. If it was you, log in. If \
             you have forgotten the password, or have not confirmed the address yet, request a code with \"forgot \
             password\" in your Taskbell app: setting a new password also confirms the address. As long as it is not \
             confirmed, links from earlier emails no longer work. If it was not you, ignore this email.",
            None,
            String::new(),
            None,
        ),
        AccountEvent::PasswordChanged => (
            "Your Taskbell password was changed",
            "The password of your Taskbell account was changed. All other sessions have ended. If you did not change it, \
             reset your password now: request a code with \"forgot password\" in your Taskbell app.",
            None,
            String::new(),
            None,
        ),
        AccountEvent::SecondFactorAdded => (
            "A second factor was added to your Taskbell account",
            "Log-ins now need a code of your authenticator app, or a recovery code. All other sessions have ended. If you \
             did not add it, reset your password now, and then request the removal of the second factor.",
            None,
            String::new(),
            None,
        ),
        AccountEvent::SecondFactorRemoved => (
            "The second factor of your Taskbell account was removed",
            "Log-ins need only the password from now on. If you did not remove it, reset your password now, and add a second \
             factor again.",
            None,
            String::new(),
            None,
        ),
        AccountEvent::SecondFactorRemovalRequested { at } => (
            "The removal of your second factor was requested",
            "Someone who knows your password has asked to remove the second factor of your Taskbell account. A code for it \
             is in another email. If it was not you, log in with your second factor, which cancels the request, and reset \
             your password.",
            None,
            String::new(),
            Some(*at),
        ),
        AccountEvent::ApiTokenCreated { name, scopes, expires_at } => {
            let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
            (
                "An API token was created for your account",
                "A program with this token can use your Taskbell account. If you did not create it, reset your password \
                 now, which ends all sessions and API tokens.",
                Some(name),
                scopes.join(", "),
                Some(*expires_at),
            )
        }
        AccountEvent::ApiTokenExpires { name, expires_at, .. } => (
            "An API token of your account expires soon",
            "Programs that use this token stop working when it expires. Create a new token for those that you still need.",
            Some(name),
            String::new(),
            Some(*expires_at),
        ),
    };
    let footer = Footer {
        reason: "You received this email because it is about the security of your Taskbell account."
            .to_owned(),
        unsubscribe: None,
    };
    let content = AccountChange {
        heading: subject,
        text,
        program: name.map(ApiTokenName::as_str),
        scopes,
        until: until.map(|until| in_words(until, user)).transpose()?,
        until_label: match event {
            AccountEvent::SecondFactorRemovalRequested { .. } => "The code works from",
            _ => "Expires",
        },
    };
    let (text, html) = content.render(&footer)?;
    let envelope = Envelope {
        // Others cause this mail, so what becomes of it must not stop the mails of the account.
        tags: notification_to(
            notification,
            (!matches!(event, AccountEvent::RegisteredAgain)).then_some(user),
        ),
        to: (&user.email, verified_name(user)),
        subject: subject.to_owned(),
        id: format!("{notification}.{fence}"),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}

/// The link by which a user verifies the address of the account. Nothing that someone has typed is in it: the address
/// may be another person's.
pub(crate) fn verification_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    user: &User,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let until = now + VERIFICATION_LIFETIME;
    let token = context.link_keys.token(user, LinkAction::VerifyEmail, Some(until), now);
    let link = context.action(&token);
    let footer = Footer {
        reason: "You received this email because a Taskbell account was registered with this email address. If that was not \
                 you, do not confirm it, and ignore this email."
            .to_owned(),
        unsubscribe: None,
    };
    let lifetime = hours(VERIFICATION_LIFETIME);
    let content = Verification { link: &link, token: &token, lifetime };
    let (text, html) = content.render(&footer)?;
    let envelope = Envelope {
        tags: notification_to(notification, Some(user)),
        to: (&user.email, None),
        subject: "Confirm your email address".to_owned(),
        id: format!("{notification}.{fence}"),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}
