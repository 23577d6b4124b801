//! Offers mails to SES.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    delivery::Outcome,
    ports::{Mail, MailError, Mailer, TimerQueue},
};

use super::send_reminders::{Worker, WorkerStore};

/// The time that a call to SES and recording its response can take.
const TIME_TO_OFFER: SignedDuration = SignedDuration::from_secs(15);

/// A mail that is offered to SES.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    /// The mail's id in log lines.
    pub(super) id: &'a (dyn Display + Sync),
    /// When it was due.
    pub(super) fire_at: Timestamp,
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Offers a mail to SES once, unless too little time is left to record the outcome.
    pub(super) async fn offer(&self, mail: &Mail, offered: Offered<'_>) -> Outcome {
        let Offered { id, fire_at } = offered;
        let now = self.clock.now();
        if now + TIME_TO_OFFER > self.deadline {
            // The template's DeferredMailAlarm counts this line: a mail that never gets its turn must be noticed, too.
            tracing::warn!(mail = %id, error = "no time left", "mail deferred");
            return Outcome::Deferred;
        }
        let late_seconds = now.duration_since(fire_at).as_secs();
        match self.mailer.send(mail).await {
            Ok(message_id) => {
                tracing::info!(mail = %id, message_id, late_seconds, "mail sent");
                Outcome::Accepted(message_id)
            }
            Err(error @ MailError::Refused(_)) => {
                tracing::warn!(mail = %id, %error, "mail not sent");
                Outcome::Refused
            }
            Err(error @ MailError::Deferred(_)) => {
                // The template's DeferredMailAlarm counts this line.
                tracing::warn!(mail = %id, %error, "mail deferred");
                Outcome::Deferred
            }
            Err(error @ MailError::Unknown(_)) => {
                tracing::warn!(mail = %id, %error, "mail outcome unknown");
                Outcome::Unknown
            }
        }
    }
}
