//! Delivers notifications: all mails that are not reminders.

use std::convert::Infallible;

use jiff::Timestamp;
use taskbell_domain::{
    account_event::AccountEvent,
    delivery::{DeliveryStatus, Outcome, Reason},
    email::EmailAddress,
    id::{NotificationId, TaskId, UserId},
    notification::{Notification, NotificationKind, NotificationStep},
    one_time_code::{Code, Purpose},
    ports::{Mail, Mailer, PortError, Replaced, TimerQueue},
    rate_limit::{
        CODES_TO_ADDRESS, CODES_TO_NEW_ADDRESS, INVITATIONS_TO_ADDRESS, MAILS_BETWEEN, MAILS_TO_OTHERS,
        OPERATOR_INVITATIONS_TO_ADDRESS, REGISTRATIONS_OF_ADDRESS, RateLimitKey, SHARED_MAILS,
        VERIFICATIONS_OF_ADDRESS,
    },
    timer::Timer,
    user::{MailKind, SuppressionReason, User},
};

use super::{
    delivery::{Deliverable, DueStep},
    mail_limits::own_limit,
    offer::Offered,
    outcomes::{Kind, MailId},
    send_reminders::{Worker, WorkerStore},
};
use crate::mail::{
    TaskReader, WriteError, account_mail, assignment_mail, code_mail, message_mail, verification_mail,
};

/// The mail to send, or why none is sent.
pub(super) type ComposedMail = Result<Result<Mail, WriteError>, Reason>;

impl Deliverable for Notification {
    type Id = NotificationId;
    /// The fencing token.
    type Claim = u64;
    type Created = Infallible;

    async fn read(id: NotificationId, store: &impl WorkerStore) -> Result<Option<Self>, PortError> {
        store.notification(id).await
    }

    fn next_timer(&self) -> Option<Timer> {
        self.timer()
    }

    fn timer_of(created: &Infallible) -> Option<Timer> {
        match *created {}
    }

    async fn begin<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &mut self,
        _: &Worker<'_, S, Q, M>,
        now: Timestamp,
    ) -> Result<DueStep<Self>, PortError> {
        Ok(match self.begin_delivery(now) {
            NotificationStep::Idle => DueStep::Idle,
            NotificationStep::Recorded(begun) => DueStep::End(self.version, begun),
            NotificationStep::Send(fence) => DueStep::Send(fence),
        })
    }

    async fn replace(
        &self,
        store: &impl WorkerStore,
        expected: u64,
        _: Option<&Infallible>,
    ) -> Result<Replaced<Self>, PortError> {
        store.replace_notification(self, expected).await
    }

    /// An invitation goes to an address, with or without an account.
    async fn has_recipient<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        _: u64,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<bool, PortError> {
        let to = match &self.kind {
            NotificationKind::Assignment { to, .. }
            | NotificationKind::Message { to, .. }
            | NotificationKind::Verification { to }
            | NotificationKind::Digest { to, .. }
            | NotificationKind::Code { to, .. }
            | NotificationKind::Account { to, .. } => *to,
            NotificationKind::Invitation { .. } | NotificationKind::RegistrationInvitation { .. } => {
                return Ok(true);
            }
        };
        Ok(worker.account(to).await?.is_ok())
    }

    async fn send<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        fence: &mut u64,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<Outcome, PortError> {
        worker.send_notification(self, *fence).await
    }

    fn describe(&self, _: u64, log: impl FnOnce(MailId<'_>)) {
        log(MailId { id: &self.id, kind: Kind::from(&self.kind) });
    }

    fn finish(&mut self, fence: u64, outcome: &Outcome, now: Timestamp) -> bool {
        self.finish_delivery(fence, outcome, now)
    }

    fn has_failed(&self, _: u64) -> bool {
        self.delivery.status == DeliveryStatus::Failed
    }
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    async fn send_notification(
        &self,
        notification: &Notification,
        fence: u64,
    ) -> Result<Outcome, PortError> {
        let composed = match &notification.kind {
            NotificationKind::Assignment { to, task, by } => {
                self.write_assignment((notification.id, fence), *to, *task, *by).await?
            }
            NotificationKind::Invitation { to, space } => {
                self.write_invitation((notification.id, fence), to, *space).await?
            }
            NotificationKind::RegistrationInvitation { to, by } => {
                self.write_registration_invitation(notification, fence, to, *by).await?
            }
            NotificationKind::Message { to, by, subject, text } => {
                let mail_text = (subject.as_str(), text.as_str());
                self.write_message((notification.id, fence), *to, *by, mail_text).await?
            }
            NotificationKind::Verification { to } => {
                self.write_verification((notification.id, fence), *to).await?
            }
            NotificationKind::Digest { to, day } => {
                self.write_digest((notification.id, fence), *to, *day).await?
            }
            NotificationKind::Code { to, purpose, address, .. } => {
                let address = address.as_ref();
                self.write_code(notification, fence, (*to, address), *purpose).await?
            }
            NotificationKind::Account { to, event } => {
                self.write_account_event(notification, fence, *to, event).await?
            }
        };
        match composed {
            Err(reason) => Ok(Outcome::Skipped(reason)),
            Ok(Err(error)) => {
                tracing::error!(notification = %notification.id, %error, "mail could not be written");
                Ok(Outcome::Refused)
            }
            Ok(Ok(mail)) => {
                let limits = match &notification.kind {
                    NotificationKind::Assignment { to, by, .. } => {
                        let between = (MAILS_BETWEEN, RateLimitKey::pair(*by, *to));
                        let caused = (MAILS_TO_OTHERS, RateLimitKey::user(*by));
                        vec![between, caused, (SHARED_MAILS, RateLimitKey::user(*to))]
                    }
                    NotificationKind::Digest { to, .. } => vec![own_limit(*to)],
                    NotificationKind::Invitation { .. } => {
                        vec![(INVITATIONS_TO_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    // Others must not be able to use up the limits of what an operator or the owner of the address sends.
                    NotificationKind::RegistrationInvitation { .. } => {
                        vec![(OPERATOR_INVITATIONS_TO_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    NotificationKind::Verification { .. } => {
                        vec![(VERIFICATIONS_OF_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    // Others must not be able to use up the limit of an address to keep its owner from undoing a change.
                    NotificationKind::Code { purpose: Purpose::EmailChangeUndo, .. } => Vec::new(),
                    NotificationKind::Code { address: Some(_), .. } => {
                        vec![(CODES_TO_NEW_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    NotificationKind::Code { to, .. } => match self.account(*to).await? {
                        Ok(user) if user.email_verified_at.is_none() => {
                            vec![(CODES_TO_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                        }
                        _ => Vec::new(),
                    },
                    NotificationKind::Account { event: AccountEvent::RegisteredAgain, .. } => {
                        vec![(REGISTRATIONS_OF_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    NotificationKind::Message { .. } | NotificationKind::Account { .. } => Vec::new(),
                };
                let mail_id = MailId { id: &notification.id, kind: Kind::from(&notification.kind) };
                let offered = Offered { mail: mail_id, fire_at: notification.delivery.fire_at };
                Ok(self.offer_within(&limits, &mail, offered).await)
            }
        }
    }

    async fn write_assignment(
        &self,
        claim: (NotificationId, u64),
        to: UserId,
        task: TaskId,
        by: UserId,
    ) -> Result<ComposedMail, PortError> {
        let Some(task) = self.store.task(task).await? else { return Ok(Err(Reason::Replaced)) };
        if task.assigned_to != Some(to) {
            return Ok(Err(Reason::Replaced));
        }
        let user = match self.reader(to, MailKind::Assignments).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some((role, space)) = self.membership(to, task.space).await? else {
            return Ok(Err(Reason::NoAccess));
        };
        let by = self.name_of(by).await?;
        let reader = TaskReader { user: &user, role, space: space.as_ref() };
        Ok(Ok(assignment_mail(self.mail, claim, &task, reader, &by, self.clock.now())))
    }

    async fn write_message(
        &self,
        claim: (NotificationId, u64),
        to: UserId,
        by: UserId,
        (subject, text): (&str, &str),
    ) -> Result<ComposedMail, PortError> {
        let user = match self.reachable(to).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let by = self.name_of(by).await?;
        Ok(Ok(message_mail(self.mail, claim, &user, &by, (subject, text), self.clock.now())))
    }

    /// Is sent to suppressed addresses, too: verifying the address again ends the suppression.
    async fn write_verification(
        &self,
        (notification, fence): (NotificationId, u64),
        to: UserId,
    ) -> Result<ComposedMail, PortError> {
        let user = self.account(to).await?.and_then(allows_requested_mail);
        Ok(user
            .map(|user| verification_mail(self.mail, (notification, fence), &user, self.clock.now())))
    }

    /// As with an invitation, the secret is generated when the mail is written.
    async fn write_code(
        &self,
        notification: &Notification,
        fence: u64,
        (to, address): (UserId, Option<&EmailAddress>),
        purpose: Purpose,
    ) -> Result<ComposedMail, PortError> {
        let account = self.account(to).await?;
        if notification.created_at + purpose.lifetime() <= self.clock.now() {
            return Ok(Err(Reason::TooOld));
        }
        // What is known of the account's address does not apply to another one.
        let allowed = match address {
            None => account.and_then(allows_requested_mail).and_then(allows_codes),
            // About the security of an account, so also to an address that wants no invitations.
            Some(_) if purpose == Purpose::EmailChangeUndo => account,
            Some(address) if self.store.is_suppressed(&address.hash()).await? => Err(Reason::MailOff),
            Some(_) => account,
        };
        let user = match allowed {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if user.outdates_code(purpose, notification.created_at) {
            return Ok(Err(Reason::Replaced));
        }
        let code = Code::generate(notification.id, self.random);
        let (address, secret_hash) = (address.cloned(), Some(code.hash()));
        let kind = NotificationKind::Code { to, purpose, address: address.clone(), secret_hash };
        let with_secret =
            Notification { kind, version: notification.version + 1, ..notification.clone() };
        match self.store.replace_notification(&with_secret, notification.version).await? {
            // A conflict with this very secret is a write of this worker that the SDK has repeated.
            Replaced::Conflict(Some(present)) if present.kind != with_secret.kind => {
                Ok(Err(Reason::Replaced))
            }
            Replaced::Conflict(None) => Ok(Err(Reason::Replaced)),
            Replaced::Stored | Replaced::Conflict(Some(_)) => {
                let to = (&user, address.as_ref());
                Ok(Ok(code_mail(self.mail, fence, (&code, purpose), to, self.clock.now())))
            }
        }
    }

    async fn write_account_event(
        &self,
        notification: &Notification,
        fence: u64,
        to: UserId,
        event: &AccountEvent,
    ) -> Result<ComposedMail, PortError> {
        let allowed = match event {
            AccountEvent::RegisteredAgain => self.registered_again(to).await?,
            _ => self.reachable(to).await?,
        };
        let user = match allowed {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let is_token_event = matches!(event, AccountEvent::ApiTokenExpires { .. });
        if is_token_event && user.api_tokens_valid_from.is_some_and(|at| notification.created_at < at) {
            return Ok(Err(Reason::Replaced));
        }
        let claim = (notification.id, fence);
        Ok(Ok(account_mail(self.mail, claim, event, &user, self.clock.now())))
    }

    pub(super) async fn name_of(&self, user: UserId) -> Result<String, PortError> {
        let user = self.store.user(user).await?;
        Ok(user.map_or_else(|| "Someone".to_owned(), |user| user.name.as_str().to_owned()))
    }
}

/// Codes are not sent to an address that has bounced, unless it was never verified: a code is then the only way to do that.
fn allows_codes(user: User) -> Result<User, Reason> {
    match user.mail_stopped.map(|stopped| stopped.reason) {
        Some(SuppressionReason::Bounced) if user.email_verified_at.is_some() => Err(Reason::Bounced),
        _ => Ok(user),
    }
}

/// Requested mail is sent to suppressed addresses, too. An exception is a complaint about an address that was never
/// verified: someone else requests those mails.
fn allows_requested_mail(user: User) -> Result<User, Reason> {
    match user.mail_stopped.map(|stopped| stopped.reason) {
        Some(SuppressionReason::Complained) if user.email_verified_at.is_none() => {
            Err(Reason::Complained)
        }
        _ => Ok(user),
    }
}
