//! What has become of mails, in log lines that carry metrics.

use std::fmt::Display;

use taskbell_domain::{
    delivery::{Begun, MAX_LATENESS, Outcome, Reason},
    notification::NotificationKind,
};

/// The kind of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Reminder,
    Digest,
    Assignment,
    Invitation,
    Message,
    Verification,
    Code,
    Account,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::Digest => "digest",
            Self::Assignment => "assignment",
            Self::Invitation => "invitation",
            Self::Message => "message",
            Self::Verification => "verification",
            Self::Code => "code",
            Self::Account => "account",
        }
    }

    /// Whether the recipient has set the time of the mail. Only these mails count as reminders.
    pub(super) fn is_scheduled(self) -> bool {
        matches!(self, Self::Reminder | Self::Digest)
    }
}

impl From<&NotificationKind> for Kind {
    fn from(kind: &NotificationKind) -> Self {
        match kind {
            NotificationKind::Assignment { .. } => Self::Assignment,
            NotificationKind::Invitation { .. } | NotificationKind::RegistrationInvitation { .. } => {
                Self::Invitation
            }
            NotificationKind::Message { .. } => Self::Message,
            NotificationKind::Verification { .. } => Self::Verification,
            NotificationKind::Digest { .. } => Self::Digest,
            NotificationKind::Code { .. } => Self::Code,
            NotificationKind::Account { .. } => Self::Account,
        }
    }
}

/// A mail in log lines.
#[derive(Clone, Copy)]
pub(super) struct MailId<'a> {
    /// The id of its reminder or notification.
    pub(super) id: &'a (dyn Display + Sync),
    /// Its kind.
    pub(super) kind: Kind,
}

/// Logs a step that ends without a mail.
pub(super) fn log_begun(mail: MailId<'_>, begun: Begun) {
    match begun {
        Begun::Claimed => {}
        Begun::Uncertain => log_uncertain(mail, &"the worker stopped"),
        Begun::TooOld => log_skipped(mail, Reason::TooOld),
        Begun::Unresolved => {
            let MailId { id, kind } = mail;
            tracing::warn!(mail = %id, Kind = kind.as_str(), "mail outcome stays unknown");
        }
    }
}

/// Logs that a mail may or may not have been sent.
pub(super) fn log_uncertain(mail: MailId<'_>, error: &dyn Display) {
    let MailId { id, kind } = mail;
    let scheduled = kind.is_scheduled().then_some(1);
    tracing::warn!(RemindersUncertain = scheduled, mail = %id, Kind = kind.as_str(), %error, "mail outcome unknown");
}

/// Logs the recorded outcome of a mail: that it was skipped, or has failed for good. Everything else was logged when it
/// happened.
pub(super) fn log_outcome(mail: MailId<'_>, outcome: &Outcome, has_failed: bool) {
    let MailId { id, kind } = mail;
    match outcome {
        Outcome::Skipped(reason) => log_skipped(mail, *reason),
        _ if !has_failed => {}
        _ if kind.is_scheduled() => {
            tracing::error!(RemindersFailed = 1, mail = %id, Kind = kind.as_str(), "reminder failed");
        }
        // The address may not exist, so this raises no alarm.
        _ => tracing::warn!(mail = %id, Kind = kind.as_str(), "notification failed"),
    }
}

fn log_skipped(mail: MailId<'_>, reason: Reason) {
    let MailId { id, kind } = mail;
    // A digest is not sent on days on which nothing is due.
    let counts = kind.is_scheduled() && reason != Reason::NothingDue;
    let given_up = (counts && reason == Reason::TooOld).then_some(());
    tracing::info!(
        RemindersSkipped = counts.then_some(1),
        RemindersLate = given_up.map(|_| 1),
        // Given up as late, it is one of the reminders that were due.
        ReminderLateness = given_up.map(|_| MAX_LATENESS.as_secs()),
        mail = %id,
        Kind = kind.as_str(),
        ?reason,
        "mail skipped"
    );
}
