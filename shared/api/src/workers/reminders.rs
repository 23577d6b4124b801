//! Delivers the reminders of tasks, and completes tasks that complete themselves.

use jiff::Timestamp;
use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome, Reason},
    id::{TaskId, UserId},
    ports::{AtomicExtras, Mailer, PortError, Replaced, TimerQueue},
    reminder::Reminder,
    space::Role,
    task::{Claim, Step, Task},
    timer::Timer,
    user::{MailKind, User},
};

use super::{
    delivery::{Deliverable, DueStep},
    mail_limits::limits_of,
    offer::Offered,
    outcomes::{Kind, MailId},
    recipients::Membership,
    send_reminders::{Worker, WorkerStore},
};
use crate::{
    assignments::InheritedAssignment,
    mail::{TaskReader, reminder_mail},
};

impl Deliverable for Task {
    type Id = TaskId;
    type Claim = Claim;
    /// The next occurrence of a series.
    type Created = Self;

    async fn read(id: TaskId, store: &impl WorkerStore) -> Result<Option<Self>, PortError> {
        store.task(id).await
    }

    fn next_timer(&self) -> Option<Timer> {
        self.timer()
    }

    fn timer_of(next: &Self) -> Option<Timer> {
        next.timer()
    }

    async fn begin<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &mut self,
        worker: &Worker<'_, S, Q, M>,
        now: Timestamp,
    ) -> Result<DueStep<Self>, PortError> {
        if worker.is_completion_suspended(self, now).await? {
            self.postpone_completion(now);
            return Ok(DueStep::Record(None));
        }
        Ok(match self.begin_delivery(now, worker.random) {
            Step::Idle => DueStep::Idle,
            Step::Recorded(claim, begun) => DueStep::End(claim, begun),
            Step::Send(claim) => DueStep::Send(claim),
            Step::Completed(None) => DueStep::Record(None),
            Step::Completed(Some(mut next)) => {
                let creator = next.created_by;
                // A conflict counts it again. Then the task was changed in the second of its completion.
                let mut inherited = InheritedAssignment::default();
                inherited.limit(worker.store, &mut next, creator, now).await;
                DueStep::Record(Some(*next))
            }
        })
    }

    async fn replace(
        &self,
        store: &impl WorkerStore,
        expected: u64,
        next: Option<&Self>,
    ) -> Result<Replaced<Self>, PortError> {
        store.replace(self, expected, AtomicExtras { next, ..AtomicExtras::default() }).await
    }

    async fn has_recipient<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        _: Claim,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<bool, PortError> {
        Ok(worker.recipient(self).await?.is_some_and(|recipient| recipient.account.is_ok()))
    }

    async fn send<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        claim: &mut Claim,
        worker: &Worker<'_, S, Q, M>,
    ) -> Result<Outcome, PortError> {
        worker.send_reminder(self, claim).await
    }

    fn describe(&self, claim: Claim, log: impl FnOnce(MailId<'_>)) {
        log(MailId { id: &claim.reminder, kind: Kind::Reminder });
    }

    fn finish(&mut self, claim: Claim, outcome: &Outcome, now: Timestamp) -> bool {
        self.finish_delivery(claim, outcome, now)
    }

    fn has_failed(&self, claim: Claim) -> bool {
        let failed =
            |r: &Reminder| r.id == claim.reminder && r.delivery.status == DeliveryStatus::Failed;
        self.reminders.iter().any(failed)
    }
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Whether a task is due to complete itself, and its creator is blocked.
    async fn is_completion_suspended(&self, task: &Task, now: Timestamp) -> Result<bool, PortError> {
        if task.completion_timer().is_none_or(|at| at > now) {
            return Ok(false);
        }
        Ok(self.account(task.created_by).await? == Err(Reason::AccountDisabled))
    }

    async fn send_reminder(&self, task: &Task, claim: &mut Claim) -> Result<Outcome, PortError> {
        let Some(Recipient { id, membership: (role, space), account }) = self.recipient(task).await?
        else {
            return Ok(Outcome::Skipped(Reason::NoAccess));
        };
        claim.recipient = Some(id);
        let user = match account {
            Ok(user) => user,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        };
        let limits = limits_of(task.space, task.created_by, id);
        let reader = TaskReader { user: &user, role, space: space.as_ref() };
        match reminder_mail(self.mail, task, reader, *claim, self.clock.now()) {
            Ok(mail) => {
                let offered = Offered {
                    mail: MailId { id: &claim.reminder, kind: Kind::Reminder },
                    fire_at: claim.fire_at,
                };
                Ok(self.offer_within(&limits, &mail, offered).await)
            }
            Err(error) => {
                tracing::error!(task = %task.id, %error, "mail could not be written");
                Ok(Outcome::Refused)
            }
        }
    }

    /// Who is reminded: the assignee if they still have access to the task, otherwise the creator if they have. Of a task that
    /// someone has moved into their personal space, it is they. An account that is being deleted may still be a member, so
    /// it counts only if it exists.
    async fn recipient(&self, task: &Task) -> Result<Option<Recipient>, PortError> {
        for id in task.assigned_to.into_iter().chain([task.created_by]) {
            let Some(membership) = self.membership(id, task.space).await? else { continue };
            let account = self.reader(id, MailKind::Reminders).await?;
            if account != Err(Reason::NoRecipient) {
                return Ok(Some(Recipient { id, membership, account }));
            }
        }
        let id = task.space.personal_owner();
        let account = self.reader(id, MailKind::Reminders).await?;
        let membership = (Role::Owner, None);
        Ok((account != Err(Reason::NoRecipient)).then_some(Recipient { id, membership, account }))
    }
}

/// Who is reminded.
struct Recipient {
    id: UserId,
    membership: Membership,
    /// Their account, or why they get no mail.
    account: Result<User, Reason>,
}
