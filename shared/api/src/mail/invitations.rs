//! Mails of invitations: into spaces, and to register.

use jiff::Timestamp;
use taskbell_domain::{
    email::EmailAddress,
    invitation::{INVITATION_LIFETIME, Invitation, InvitationToken},
    notification::Notification,
    ports::Mail,
    space::Space,
    user::{MailKind, User},
};

use super::{
    Envelope, Footer, MailContext, WriteError,
    contents::{content, notification_to},
    in_utc, in_words, shortened,
};

content!(Invited, "invitation.txt", "invitation.html", {
    by: &'a str,
    space: &'a str,
    role: &'a str,
    link: String,
    token: String,
    until: String,
});

content!(Register, "registration.txt", "registration.html", {
    by: &'a str,
    link: String,
    address: &'a str,
    until: String,
});

/// An invitation, with the secret that nothing else knows. `user` is the account that has verified the address, if there
/// is one: only then is the recipient's time zone known.
pub(crate) fn invitation_mail(
    context: &MailContext,
    fence: u64,
    (invitation, token): (&Invitation, &InvitationToken),
    user: Option<&User>,
    space: &Space,
    by: &str,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let unsubscribe = match user {
        Some(user) => context.unsubscribe(user, MailKind::Invitations, now),
        None => context.opt_out(&invitation.email, now),
    };
    let footer = Footer {
        reason: format!(
            "You received this email because {by} entered your email address in Taskbell. If you do not know {by}, \
             ignore this email: the invitation expires by itself."
        ),
        unsubscribe: Some(unsubscribe),
    };
    let content = Invited {
        by,
        space: space.name.as_str(),
        role: invitation.role.as_str(),
        link: context.page("invitation", &format!("token={}", token.to_text())),
        token: token.to_text(),
        until: match user {
            Some(user) => in_words(invitation.expires_at, user)?,
            None => in_utc(invitation.expires_at)?,
        },
    };
    let (text, html) = content.render(&footer)?;
    let (inviter, name) = (shortened(by), shortened(space.name.as_str()));
    let envelope = Envelope {
        tags: notification_to(invitation.notification, user),
        to: (&invitation.email, None),
        subject: format!("{inviter} invited you to join {name}"),
        id: format!("{}.{fence}", invitation.notification),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}

/// An operator's invitation to register an account.
pub(crate) fn registration_mail(
    context: &MailContext,
    (notification, fence): (&Notification, u64),
    to: &EmailAddress,
    by: &str,
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let footer = Footer {
        reason: format!(
            "You received this email because {by}, an operator of this Taskbell installation, entered your email address. \
             If you do not know {by}, ignore this email: the invitation expires by itself."
        ),
        unsubscribe: Some(context.opt_out(to, now)),
    };
    let until = in_utc(notification.created_at + INVITATION_LIFETIME)?;
    let link = context.page("register", "");
    let content = Register { by, link, address: to.as_str(), until };
    let (text, html) = content.render(&footer)?;
    let envelope = Envelope {
        tags: notification_to(notification.id, None),
        to: (to, None),
        subject: format!("{} invited you to Taskbell", shortened(by)),
        id: format!("{}.{fence}", notification.id),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}
