//! Sends notices: the part of `send-reminders` for mails that are no reminders.

use taskbell_domain::{
    credential::sha256_hex,
    delivery::{DeliveryStatus, Outcome, Reason},
    email::EmailAddress,
    id::{NoticeId, SpaceId, TaskId, UserId},
    limit::{
        CODES_TO_ADDRESS, INVITATIONS_TO_ADDRESS, MAILS_BETWEEN, MAILS_TO_OTHERS, SHARED_MAILS,
        Subject, VERIFICATIONS_OF_ADDRESS,
    },
    notice::{Code, Content, Notice, NoticeStep, Purpose},
    ports::{Mail, Mailer, PortError, Replaced, TimerQueue},
    space::InvitationToken,
    timer::Timer,
    user::{MailKind, StopReason, User},
};

use super::{
    mail_limits::own_limit,
    pace::Turn,
    send_reminders::{Failure, MAX_STEPS, Offered, Worker, WorkerStore},
};
use crate::{
    handlers::access::role,
    mail::{WriteError, assignment_mail, code_mail, invitation_mail, message_mail, verification_mail},
    ring_soon::ring_soon,
};

/// What there is to send, or why nothing is.
pub(super) type Written = Result<Result<Mail, WriteError>, Reason>;

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Deals with the timer of a notice, as with that of a task.
    pub(super) async fn handle_notice(&self, id: NoticeId, timer: Timer) -> Result<(), Failure> {
        let mut found = self.store.notice(id).await?;
        let (mut changed, mut has_turn) = (false, false);
        for _ in 0..MAX_STEPS {
            let Some(mut notice) = found else { return Ok(()) };
            let now = self.clock.now();
            let read = notice.version;
            let due = notice.timer().map_or(now, |timer| timer.at);
            let step = notice.begin_delivery(now);
            match step {
                NoticeStep::Idle if changed => {
                    ring_soon(self.queue, [notice.timer()], now).await;
                    return Ok(());
                }
                NoticeStep::Idle if timer.at > now => return self.requeue(timer, now).await,
                NoticeStep::Idle => return Ok(()),
                NoticeStep::Send(_) if !has_turn => {
                    has_turn = true;
                    match self.turn(timer, due, self.has_account(&notice.content)).await? {
                        Turn::Send => {}
                        Turn::SendAfterRead => {
                            found = self.store.notice(id).await?;
                            continue;
                        }
                        Turn::Leave => return Ok(()),
                    }
                }
                NoticeStep::Send(_) | NoticeStep::Recorded => {}
            }
            found = match self.store.replace_notice(&notice, read).await? {
                Replaced::Conflict(present) => present.map(|notice| *notice),
                Replaced::Done => {
                    changed = true;
                    match step {
                        NoticeStep::Send(fence) => {
                            has_turn = false;
                            self.deliver_notice(notice, fence).await?
                        }
                        _ => Some(notice),
                    }
                }
            };
        }
        Err(Failure::Restless)
    }

    /// Whether a notice goes to an account that may get mail, or to an address without one.
    async fn has_account(&self, content: &Content) -> Result<bool, PortError> {
        let to = match content {
            Content::Assignment { to, .. }
            | Content::Message { to, .. }
            | Content::Verification { to }
            | Content::Digest { to, .. }
            | Content::Code { to, .. } => *to,
            Content::Invitation { .. } => return Ok(true),
        };
        Ok(self.account(to).await?.is_ok())
    }

    async fn deliver_notice(&self, notice: Notice, fence: u64) -> Result<Option<Notice>, Failure> {
        let outcome = self.send_notice(&notice, fence).await.unwrap_or_else(|error| {
            // Nothing was offered to SES, so there is no doubt about it.
            tracing::error!(mail = %notice.id, %error, "mail deferred");
            Outcome::Deferred
        });
        let mut present = Some(notice);
        for _ in 0..MAX_STEPS {
            let Some(mut notice) = present else { return Ok(None) };
            let read = notice.version;
            if !notice.finish_delivery(fence, &outcome, self.clock.now()) {
                return Ok(Some(notice));
            }
            match self.store.replace_notice(&notice, read).await? {
                Replaced::Done => {
                    // The template's FailedMailAlarm counts this line: strangers who are invited may have no mailbox, but
                    // an account has proven its address.
                    let failed = notice.delivery.status == DeliveryStatus::Failed;
                    match notice.content {
                        Content::Digest { .. } if failed => {
                            tracing::error!(notice = %notice.id, "digest failed");
                        }
                        _ if failed => tracing::warn!(notice = %notice.id, "notice failed"),
                        _ => {}
                    }
                    return Ok(Some(notice));
                }
                Replaced::Conflict(other) => present = other.map(|notice| *notice),
            }
        }
        Err(Failure::Restless)
    }

    async fn send_notice(&self, notice: &Notice, fence: u64) -> Result<Outcome, PortError> {
        let written = match &notice.content {
            Content::Assignment { to, task, by } => {
                self.write_assignment((notice.id, fence), *to, *task, *by).await?
            }
            Content::Invitation { to, space } => {
                self.write_invitation((notice.id, fence), to, *space).await?
            }
            Content::Message { to, by, subject, text } => {
                let words = (subject.as_str(), text.as_str());
                self.write_message((notice.id, fence), *to, *by, words).await?
            }
            Content::Verification { to } => self.write_verification((notice.id, fence), *to).await?,
            Content::Digest { to, day } => self.write_digest((notice.id, fence), *to, *day).await?,
            Content::Code { to, purpose, .. } => self.write_code(notice, fence, *to, *purpose).await?,
        };
        match written {
            Err(reason) => Ok(Outcome::Skipped(reason)),
            Ok(Err(error)) => {
                tracing::error!(notice = %notice.id, %error, "a mail could not be written");
                Ok(Outcome::Refused)
            }
            Ok(Ok(mail)) => {
                let limits = match &notice.content {
                    Content::Assignment { to, by, .. } => {
                        let between = (MAILS_BETWEEN, Subject::pair(*by, *to));
                        let caused = (MAILS_TO_OTHERS, Subject::user(*by));
                        vec![between, caused, (SHARED_MAILS, Subject::user(*to))]
                    }
                    Content::Digest { to, .. } => vec![own_limit(*to)],
                    Content::Invitation { .. } => {
                        vec![(INVITATIONS_TO_ADDRESS, Subject::mailbox(&mail.to))]
                    }
                    Content::Verification { .. } => {
                        vec![(VERIFICATIONS_OF_ADDRESS, Subject::mailbox(&mail.to))]
                    }
                    Content::Code { to, .. } => match self.account(*to).await? {
                        Ok(user) if user.email_verified_at.is_none() => {
                            vec![(CODES_TO_ADDRESS, Subject::mailbox(&mail.to))]
                        }
                        _ => Vec::new(),
                    },
                    Content::Message { .. } => Vec::new(),
                };
                let offered = Offered { id: &notice.id, fire_at: notice.delivery.fire_at };
                Ok(self.offer_within(&limits, &mail, offered).await)
            }
        }
    }

    async fn write_assignment(
        &self,
        name: (NoticeId, u64),
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
        (notice, fence): (NoticeId, u64),
        to: &EmailAddress,
        space: SpaceId,
    ) -> Result<Written, PortError> {
        let now = self.clock.now();
        let invitation = self.store.invitation(space, &to.hash()).await?;
        let current = invitation.filter(|found| found.notice == notice && found.expires_at > now);
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
        if !self.store.arm_invitation(&invitation, &sha256_hex(token.secret.as_bytes())).await? {
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
            let stopped = self.store.is_stopped(&to.hash()).await?;
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
        name: (NoticeId, u64),
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
        (notice, fence): (NoticeId, u64),
        to: UserId,
    ) -> Result<Written, PortError> {
        let user = self.account(to).await?.and_then(asked_for);
        Ok(user.map(|user| verification_mail(self.mail, (notice, fence), &user, self.clock.now())))
    }

    /// As with an invitation, the secret is made when the mail is written.
    async fn write_code(
        &self,
        notice: &Notice,
        fence: u64,
        to: UserId,
        purpose: Purpose,
    ) -> Result<Written, PortError> {
        let user = match self.account(to).await?.and_then(asked_for) {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if notice.created_at + purpose.lifetime() <= self.clock.now() {
            return Ok(Err(Reason::TooOld));
        }
        if user.mail_stopped.is_some_and(|stopped| stopped.reason == StopReason::Bounced) {
            return Ok(Err(Reason::Bounced));
        }
        let code = Code::generate(notice.id, self.random);
        let content = Content::Code { to, purpose, secret_hash: Some(code.hash()) };
        let armed = Notice { content, version: notice.version + 1, ..notice.clone() };
        match self.store.replace_notice(&armed, notice.version).await? {
            // Our own write, whose answer was lost and which the SDK has sent again, looks like that of another.
            Replaced::Conflict(Some(present)) if present.content != armed.content => {
                Ok(Err(Reason::Replaced))
            }
            Replaced::Conflict(None) => Ok(Err(Reason::Replaced)),
            Replaced::Done | Replaced::Conflict(Some(_)) => {
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
fn asked_for(user: User) -> Result<User, Reason> {
    match user.mail_stopped.map(|stopped| stopped.reason) {
        Some(StopReason::Complained) if user.email_verified_at.is_none() => Err(Reason::Complained),
        _ => Ok(user),
    }
}
