//! Sends notifications: the part of `send-reminders` for mails that are no reminders.

use taskbell_domain::{
    credential::sha256_hex,
    delivery::{DeliveryStatus, Outcome, Reason},
    email::EmailAddress,
    id::{NotificationId, SpaceId, TaskId, UserId},
    notification::{Code, Notification, NotificationKind, NotificationStep, Purpose},
    ports::{Mail, Mailer, PortError, Replaced, TimerQueue},
    rate_limit::{
        CODES_TO_ADDRESS, INVITATIONS_TO_ADDRESS, MAILS_BETWEEN, MAILS_TO_OTHERS, RateLimitKey,
        SHARED_MAILS, VERIFICATIONS_OF_ADDRESS,
    },
    space::InvitationToken,
    timer::Timer,
    user::{MailKind, StopReason, User},
};

use super::{
    mail_limits::own_limit,
    pace::Turn,
    send_reminders::{DeliveryError, MAX_STEPS, Offered, Worker, WorkerStore},
};
use crate::{
    enqueue_if_soon::enqueue_if_soon,
    handlers::access::role,
    mail::{WriteError, assignment_mail, code_mail, invitation_mail, message_mail, verification_mail},
};

/// What there is to send, or why nothing is.
pub(super) type Written = Result<Result<Mail, WriteError>, Reason>;

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Deals with the timer of a notification, as with that of a task.
    pub(super) async fn handle_notification(
        &self,
        id: NotificationId,
        timer: Timer,
    ) -> Result<(), DeliveryError> {
        let mut found = self.store.notification(id).await?;
        let (mut changed, mut has_turn) = (false, false);
        for _ in 0..MAX_STEPS {
            let Some(mut notification) = found else { return Ok(()) };
            let now = self.clock.now();
            let read = notification.version;
            let due = notification.timer().map_or(now, |timer| timer.at);
            let step = notification.begin_delivery(now);
            match step {
                NotificationStep::Idle if changed => {
                    enqueue_if_soon(self.queue, [notification.timer()], now).await;
                    return Ok(());
                }
                NotificationStep::Idle if timer.at > now => return self.requeue(timer, now).await,
                NotificationStep::Idle => return Ok(()),
                NotificationStep::Send(_) if !has_turn => {
                    has_turn = true;
                    match self.turn(timer, due, self.has_account(&notification.content)).await? {
                        Turn::Send => {}
                        Turn::SendAfterRead => {
                            found = self.store.notification(id).await?;
                            continue;
                        }
                        Turn::Leave => return Ok(()),
                    }
                }
                NotificationStep::Send(_) | NotificationStep::Recorded => {}
            }
            found = match self.store.replace_notification(&notification, read).await? {
                Replaced::Conflict(present) => present.map(|notification| *notification),
                Replaced::Stored => {
                    changed = true;
                    match step {
                        NotificationStep::Send(fence) => {
                            has_turn = false;
                            self.deliver_notification(notification, fence).await?
                        }
                        _ => Some(notification),
                    }
                }
            };
        }
        Err(DeliveryError::TooManyConflicts)
    }

    /// Whether a notification goes to an account that may get mail, or to an address without one.
    async fn has_account(&self, content: &NotificationKind) -> Result<bool, PortError> {
        let to = match content {
            NotificationKind::Assignment { to, .. }
            | NotificationKind::Message { to, .. }
            | NotificationKind::Verification { to }
            | NotificationKind::Digest { to, .. }
            | NotificationKind::Code { to, .. } => *to,
            NotificationKind::Invitation { .. } => return Ok(true),
        };
        Ok(self.account(to).await?.is_ok())
    }

    async fn deliver_notification(
        &self,
        notification: Notification,
        fence: u64,
    ) -> Result<Option<Notification>, DeliveryError> {
        let outcome = self.send_notification(&notification, fence).await.unwrap_or_else(|error| {
            // Nothing was offered to SES, so there is no doubt about it.
            tracing::error!(mail = %notification.id, %error, "mail deferred");
            Outcome::Deferred
        });
        let mut present = Some(notification);
        for _ in 0..MAX_STEPS {
            let Some(mut notification) = present else { return Ok(None) };
            let read = notification.version;
            if !notification.finish_delivery(fence, &outcome, self.clock.now()) {
                return Ok(Some(notification));
            }
            match self.store.replace_notification(&notification, read).await? {
                Replaced::Stored => {
                    // The template's FailedMailAlarm counts this line: strangers who are invited may have no mailbox, but
                    // an account has proven its address.
                    let failed = notification.delivery.status == DeliveryStatus::Failed;
                    match notification.content {
                        NotificationKind::Digest { .. } if failed => {
                            tracing::error!(notification = %notification.id, "digest failed");
                        }
                        _ if failed => {
                            tracing::warn!(notification = %notification.id, "notification failed")
                        }
                        _ => {}
                    }
                    return Ok(Some(notification));
                }
                Replaced::Conflict(other) => present = other.map(|notification| *notification),
            }
        }
        Err(DeliveryError::TooManyConflicts)
    }

    async fn send_notification(
        &self,
        notification: &Notification,
        fence: u64,
    ) -> Result<Outcome, PortError> {
        let written = match &notification.content {
            NotificationKind::Assignment { to, task, by } => {
                self.write_assignment((notification.id, fence), *to, *task, *by).await?
            }
            NotificationKind::Invitation { to, space } => {
                self.write_invitation((notification.id, fence), to, *space).await?
            }
            NotificationKind::Message { to, by, subject, text } => {
                let words = (subject.as_str(), text.as_str());
                self.write_message((notification.id, fence), *to, *by, words).await?
            }
            NotificationKind::Verification { to } => {
                self.write_verification((notification.id, fence), *to).await?
            }
            NotificationKind::Digest { to, day } => {
                self.write_digest((notification.id, fence), *to, *day).await?
            }
            NotificationKind::Code { to, purpose, .. } => {
                self.write_code(notification, fence, *to, *purpose).await?
            }
        };
        match written {
            Err(reason) => Ok(Outcome::Skipped(reason)),
            Ok(Err(error)) => {
                tracing::error!(notification = %notification.id, %error, "a mail could not be written");
                Ok(Outcome::Refused)
            }
            Ok(Ok(mail)) => {
                let limits = match &notification.content {
                    NotificationKind::Assignment { to, by, .. } => {
                        let between = (MAILS_BETWEEN, RateLimitKey::pair(*by, *to));
                        let caused = (MAILS_TO_OTHERS, RateLimitKey::user(*by));
                        vec![between, caused, (SHARED_MAILS, RateLimitKey::user(*to))]
                    }
                    NotificationKind::Digest { to, .. } => vec![own_limit(*to)],
                    NotificationKind::Invitation { .. } => {
                        vec![(INVITATIONS_TO_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    NotificationKind::Verification { .. } => {
                        vec![(VERIFICATIONS_OF_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                    }
                    NotificationKind::Code { to, .. } => match self.account(*to).await? {
                        Ok(user) if user.email_verified_at.is_none() => {
                            vec![(CODES_TO_ADDRESS, RateLimitKey::mailbox(&mail.to))]
                        }
                        _ => Vec::new(),
                    },
                    NotificationKind::Message { .. } => Vec::new(),
                };
                let offered = Offered { id: &notification.id, fire_at: notification.delivery.fire_at };
                Ok(self.offer_within(&limits, &mail, offered).await)
            }
        }
    }

    async fn write_assignment(
        &self,
        name: (NotificationId, u64),
        to: UserId,
        task: TaskId,
        by: UserId,
    ) -> Result<Written, PortError> {
        let Some(task) = self.store.task(task).await? else { return Ok(Err(Reason::Replaced)) };
        if task.assigned_to != Some(to) {
            return Ok(Err(Reason::Replaced));
        }
        let user = match self.reader(to, MailKind::Assignments).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if role(self.store, to, task.space).await?.is_none() {
            return Ok(Err(Reason::NoAccess));
        }
        let by = self.name_of(by).await?;
        Ok(Ok(assignment_mail(self.mail, name, &task, &user, &by, self.clock.now())))
    }

    /// The secret of an invitation is made when its mail is written, and only its hash is kept. A mail that is
    /// sent again carries another one; the last one counts.
    async fn write_invitation(
        &self,
        (notification, fence): (NotificationId, u64),
        to: &EmailAddress,
        space: SpaceId,
    ) -> Result<Written, PortError> {
        let now = self.clock.now();
        let invitation = self.store.invitation(space, &to.hash()).await?;
        let current =
            invitation.filter(|found| found.notification == notification && found.expires_at > now);
        let Some(invitation) = current else { return Ok(Err(Reason::Replaced)) };
        let space = self.store.space(space).await?.filter(|space| !space.deleting);
        let Some(space) = space else { return Ok(Err(Reason::Replaced)) };
        if let Err(reason) = self.reachable(invitation.invited_by).await? {
            return Ok(Err(reason));
        }
        let user = match self.invited(to).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let token = InvitationToken::generate(&invitation, self.random);
        if !self.store.set_invitation_secret(&invitation, &sha256_hex(token.secret.as_bytes())).await? {
            return Ok(Err(Reason::Replaced));
        }
        let by = self.name_of(invitation.invited_by).await?;
        let invited = (&invitation, &token);
        Ok(Ok(invitation_mail(self.mail, fence, invited, user.as_ref(), &space, &by, now)))
    }

    /// Who has proven that the address which is invited is theirs; nothing if nobody has. Or why no mail goes there.
    async fn invited(&self, to: &EmailAddress) -> Result<Result<Option<User>, Reason>, PortError> {
        let address = to.canonical();
        let found = self.store.users(&address, None, 1).await?.items.into_iter().next();
        // Whoever has not proven the address may not speak for it.
        let proven =
            |user: &User| user.email.canonical() == address && user.email_verified_at.is_some();
        let Some(user) = found.filter(proven) else {
            let stopped = self.store.is_suppressed(&to.hash()).await?;
            return Ok(if stopped { Err(Reason::MailOff) } else { Ok(None) });
        };
        Ok(match user.reachable() {
            Ok(()) | Err(Reason::Unverified) if user.mail.wants(MailKind::Invitations) => {
                Ok(Some(user))
            }
            Ok(()) | Err(Reason::Unverified) => Err(Reason::MailOff),
            Err(reason) => Err(reason),
        })
    }

    async fn write_message(
        &self,
        name: (NotificationId, u64),
        to: UserId,
        by: UserId,
        words: (&str, &str),
    ) -> Result<Written, PortError> {
        let user = match self.reachable(to).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let by = self.name_of(by).await?;
        Ok(Ok(message_mail(self.mail, name, &user, &by, words, self.clock.now())))
    }

    /// It is the way back for an address where mail has stopped.
    async fn write_verification(
        &self,
        (notification, fence): (NotificationId, u64),
        to: UserId,
    ) -> Result<Written, PortError> {
        let user = self.account(to).await?.and_then(allows_requested_mail);
        Ok(user
            .map(|user| verification_mail(self.mail, (notification, fence), &user, self.clock.now())))
    }

    /// As with an invitation, the secret is made when the mail is written.
    async fn write_code(
        &self,
        notification: &Notification,
        fence: u64,
        to: UserId,
        purpose: Purpose,
    ) -> Result<Written, PortError> {
        let user = match self.account(to).await?.and_then(allows_requested_mail) {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if notification.created_at + purpose.lifetime() <= self.clock.now() {
            return Ok(Err(Reason::TooOld));
        }
        if user.mail_stopped.is_some_and(|stopped| stopped.reason == StopReason::Bounced) {
            return Ok(Err(Reason::Bounced));
        }
        let code = Code::generate(notification.id, self.random);
        let content = NotificationKind::Code { to, purpose, secret_hash: Some(code.hash()) };
        let armed = Notification { content, version: notification.version + 1, ..notification.clone() };
        match self.store.replace_notification(&armed, notification.version).await? {
            // Our own write, whose answer was lost and which the SDK has sent again, looks like that of another.
            Replaced::Conflict(Some(present)) if present.content != armed.content => {
                Ok(Err(Reason::Replaced))
            }
            Replaced::Conflict(None) => Ok(Err(Reason::Replaced)),
            Replaced::Stored | Replaced::Conflict(Some(_)) => {
                Ok(Ok(code_mail(self.mail, fence, (&code, purpose), &user, self.clock.now())))
            }
        }
    }

    async fn name_of(&self, user: UserId) -> Result<String, PortError> {
        let user = self.store.user(user).await?;
        Ok(user.map_or_else(|| "Somebody".to_owned(), |user| user.name.as_str().to_owned()))
    }
}

/// Mail that an account asks for goes also where other mail has stopped; but who complained without ever having proven the
/// address is left alone: somebody else asks for it.
fn allows_requested_mail(user: User) -> Result<User, Reason> {
    match user.mail_stopped.map(|stopped| stopped.reason) {
        Some(StopReason::Complained) if user.email_verified_at.is_none() => Err(Reason::Complained),
        _ => Ok(user),
    }
}
