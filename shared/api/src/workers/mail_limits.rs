//! Daily limits of mails per recipient and per sender.

use jiff::Timestamp;
use taskbell_domain::{
    delivery::{Outcome, Reason},
    id::{SpaceId, UserId},
    ports::{Mail, Mailer, TimerQueue},
    rate_limit::{MAILS_BETWEEN, MAILS_TO_OTHERS, OWN_MAILS, RateLimit, RateLimitKey, SHARED_MAILS},
};

use super::{
    offer::Offered,
    send_reminders::{Worker, WorkerStore},
};

/// A limit, and the key under which a mail is recorded.
pub(super) type MailLimit = (RateLimit, RateLimitKey);

/// The limits of a reminder of a task in `space` that `from` created and `to` receives. Mails about shared tasks do not
/// use up the limit of a user's own mails, and no single sender can use up the limit of shared mails.
pub(super) fn limits_of(space: SpaceId, from: UserId, to: UserId) -> Vec<MailLimit> {
    if space == SpaceId::personal(to) {
        return vec![own_limit(to)];
    }
    let shared = (SHARED_MAILS, RateLimitKey::user(to));
    if from == to {
        return vec![shared];
    }
    let between = (MAILS_BETWEEN, RateLimitKey::pair(from, to));
    vec![between, (MAILS_TO_OTHERS, RateLimitKey::user(from)), shared]
}

/// The limit of a user's own mails.
pub(super) fn own_limit(to: UserId) -> MailLimit {
    (OWN_MAILS, RateLimitKey::user(to))
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Records a mail against its limits. Returns whether it may be sent. A mail that cannot be recorded may: exceeding
    /// a limit does less harm than losing a mail.
    async fn record_mail(&self, limits: &[MailLimit], now: Timestamp) -> bool {
        for (index, (limit, key)) in limits.iter().enumerate() {
            match self.store.record(limit, key, 1, now).await {
                Ok(count) if count > limit.max => {
                    tracing::warn!(limit = limit.name, "mail limit exceeded");
                    self.take_back(limits.get(..index).unwrap_or_default(), now).await;
                    return false;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(limit = limit.name, %error, "mail not recorded against its limits")
                }
            }
        }
        true
    }

    /// Offers a mail to SES if its limits allow it. A mail that SES did not accept is not recorded.
    pub(super) async fn offer_within(
        &self,
        limits: &[MailLimit],
        mail: &Mail,
        offered: Offered<'_>,
    ) -> Outcome {
        let now = self.clock.now();
        if !self.record_mail(limits, now).await {
            return Outcome::Skipped(Reason::TooManyMails);
        }
        let outcome = self.offer(mail, offered).await;
        if matches!(outcome, Outcome::Deferred | Outcome::Refused) {
            self.take_back(limits, now).await;
        }
        outcome
    }

    async fn take_back(&self, limits: &[MailLimit], now: Timestamp) {
        for (limit, key) in limits {
            if let Err(error) = self.store.take_back(limit, key, now).await {
                tracing::warn!(limit = limit.name, %error, "unsent mail still recorded");
            }
        }
    }
}
