//! How many mails in a day go to one recipient, and are caused by one sender.

use taskbell_domain::{
    delivery::{Outcome, Reason},
    email::EmailAddress,
    id::UserId,
    limit::{Limit, MAILS_FROM_OTHERS, MAILS_TO_OTHERS, MAILS_TO_STRANGER, OWN_MAILS, Subject},
    ports::{Mail, Mailer, TimerQueue},
};

use super::send_reminders::{Offered, Worker, WorkerStore};

/// A limit, and under whose name a mail counts.
pub(super) type MailLimit = (Limit, Subject);

/// The limits of a mail that one user causes and another, or the same, gets. The sender's comes first: a mail that
/// is too much for them takes nothing from the recipient.
pub(super) fn limits_of(from: UserId, to: UserId) -> Vec<MailLimit> {
    if from == to {
        return vec![(OWN_MAILS, Subject::user(to))];
    }
    vec![(MAILS_TO_OTHERS, Subject::user(from)), (MAILS_FROM_OTHERS, Subject::user(to))]
}

/// The limit of a mail to an address that nobody has verified.
pub(super) fn limit_of_stranger(to: &EmailAddress) -> MailLimit {
    (MAILS_TO_STRANGER, Subject::mailbox(to))
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Counts a mail. Returns whether it may be sent. Where it cannot be counted it may: a mail too many does less
    /// harm than one that is lost.
    pub(super) async fn count_mail(&self, limits: &[MailLimit]) -> bool {
        for (limit, subject) in limits {
            match self.store.count(limit, subject, 1, self.clock.now()).await {
                Ok(Some(usage)) if usage.count > limit.most => {
                    tracing::warn!(limit = limit.name, "mail limit exceeded");
                    return false;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(limit = limit.name, %error, "a mail was not counted"),
            }
        }
        true
    }

    /// Offers a mail if its limits have room for it. One that SES did not take does not count.
    pub(super) async fn offer_within(
        &self,
        limits: &[MailLimit],
        mail: &Mail,
        offered: Offered<'_>,
    ) -> Outcome {
        if !self.count_mail(limits).await {
            return Outcome::Skipped(Reason::TooManyMails);
        }
        let outcome = self.offer(mail, offered).await;
        if matches!(outcome, Outcome::Deferred | Outcome::Refused) {
            for (limit, subject) in limits {
                if let Err(error) = self.store.take_back(limit, subject, self.clock.now()).await {
                    tracing::warn!(limit = limit.name, %error, "a mail counts that was not sent");
                }
            }
        }
        outcome
    }
}
