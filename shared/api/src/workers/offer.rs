//! Offers mails to SES.

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    delivery::Outcome,
    ports::{Mail, MailError, Mailer, TimerQueue},
};

use super::{
    outcomes::{MailId, log_uncertain},
    send_reminders::{Worker, WorkerStore},
};
use crate::metrics::LATE_SECONDS;

/// The time that a call to SES and recording its response can take.
const TIME_TO_OFFER: SignedDuration = SignedDuration::from_secs(15);

/// A mail that is offered to SES.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    /// The mail in log lines.
    pub(super) mail: MailId<'a>,
    /// When it was due.
    pub(super) fire_at: Timestamp,
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Offers a mail to SES once, unless too little time is left to record the outcome.
    pub(super) async fn offer(&self, mail: &Mail, offered: Offered<'_>) -> Outcome {
        let Offered { mail: MailId { id, kind }, fire_at } = offered;
        let now = self.clock.now();
        if now + TIME_TO_OFFER > self.deadline {
            // A mail that never gets its turn must be noticed, too.
            tracing::warn!(MailsDeferred = 1, mail = %id, Kind = kind.as_str(), error = "no time left", "mail deferred");
            return Outcome::Deferred;
        }
        let late_seconds = now.duration_since(fire_at).as_secs();
        match self.mailer.send(mail).await {
            Ok(message_id) => {
                let lateness = kind.is_scheduled().then_some(late_seconds.max(0));
                tracing::info!(
                    MailsSent = 1,
                    ReminderLateness = lateness,
                    RemindersLate = lateness.map(|late| u8::from(late > LATE_SECONDS)),
                    Kind = kind.as_str(),
                    mail = %id,
                    message_id,
                    late_seconds,
                    "mail sent"
                );
                Outcome::Accepted(message_id)
            }
            Err(error @ MailError::Refused(_)) => {
                tracing::warn!(mail = %id, Kind = kind.as_str(), %error, "mail not sent");
                Outcome::Refused
            }
            Err(error @ MailError::Deferred(_)) => {
                tracing::warn!(MailsDeferred = 1, mail = %id, Kind = kind.as_str(), %error, "mail deferred");
                Outcome::Deferred
            }
            Err(error @ MailError::Unknown(_)) => {
                log_uncertain(offered.mail, &error);
                Outcome::Unknown
            }
        }
    }
}
