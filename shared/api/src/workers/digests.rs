//! Creates the daily digests, and writes their mails.

use std::convert::Infallible;

use futures_util::future::try_join_all;
use jiff::{Timestamp, ToSpan, civil::Date};
use taskbell_domain::{
    delivery::{Delivery, Outcome, Reason},
    digest::Digest,
    due_days::DueDays,
    id::{NotificationId, SpaceId, UserId},
    list::{Scope, Sort, TaskFilter, TaskQuery},
    notification::{Notification, NotificationKind},
    ports::{Mailer, PortError, Replaced, TimerQueue},
    timer::Timer,
    user::MailKind,
};

use super::{
    delivery::{Deliverable, DueStep},
    notifications::ComposedMail,
    outcomes::MailId,
    send_reminders::{Worker, WorkerStore},
};
use crate::{
    access::retain_accessible,
    mail::{DueTasks, digest_mail},
};

/// How many tasks of each list are read: more than the mail shows, so that it can say how many it leaves out.
const READ: u8 = DueTasks::MAX_PER_SECTION + 5;

/// A digest itself is not mailed: each day it creates the notification that carries the mail, together with the timer of
/// the next day. So it never has a claim.
impl Deliverable for Digest {
    type Id = UserId;
    type Claim = Infallible;
    /// The notification that carries the mail of a day.
    type Created = Notification;

    async fn read(id: UserId, store: &impl WorkerStore) -> Result<Option<Self>, PortError> {
        store.digest(id).await
    }

    fn next_timer(&self) -> Option<Timer> {
        self.timer()
    }

    fn timer_of(notification: &Notification) -> Option<Timer> {
        notification.timer()
    }

    async fn begin<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &mut self,
        worker: &Worker<'_, S, Q, M>,
        now: Timestamp,
    ) -> Result<DueStep<Self>, PortError> {
        if self.at.is_none_or(|at| at > now) {
            return Ok(DueStep::Idle);
        }
        let to = self.user;
        let user = worker.store.user(to).await?;
        let notification = self.advance(user.as_ref(), now).map(|run| Notification {
            // A digest that is created late is sent as late.
            delivery: Delivery::scheduled(run.at),
            ..Notification::new(
                NotificationId::generate(worker.clock, worker.random),
                NotificationKind::Digest { to, day: run.day },
                now,
            )
        });
        Ok(DueStep::Record(notification))
    }

    async fn replace(
        &self,
        store: &impl WorkerStore,
        expected: u64,
        notification: Option<&Notification>,
    ) -> Result<Replaced<Self>, PortError> {
        store.replace_digest(self, expected, notification).await
    }

    async fn has_recipient<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        claim: Infallible,
        _: &Worker<'_, S, Q, M>,
    ) -> Result<bool, PortError> {
        match claim {}
    }

    async fn send<S: WorkerStore, Q: TimerQueue, M: Mailer>(
        &self,
        claim: &mut Infallible,
        _: &Worker<'_, S, Q, M>,
    ) -> Result<Outcome, PortError> {
        match *claim {}
    }

    fn describe(&self, claim: Infallible, _: impl FnOnce(MailId<'_>)) {
        match claim {}
    }

    fn finish(&mut self, claim: Infallible, _: &Outcome, _: Timestamp) -> bool {
        match claim {}
    }

    fn has_failed(&self, claim: Infallible) -> bool {
        match claim {}
    }
}

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Lists the due tasks when the mail is written: those that are assigned to the reader in any space, and those of their
    /// personal space. After the end of the day the mail is not sent: the next day has a digest of its own.
    pub(super) async fn write_digest(
        &self,
        claim: (NotificationId, u64),
        to: UserId,
        day: Date,
    ) -> Result<ComposedMail, PortError> {
        let user = match self.reader(to, MailKind::Digest).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        let now = self.clock.now();
        let today = user.local_date(now);
        if today > day {
            return Ok(Err(Reason::TooOld));
        }
        let tomorrow = today.saturating_add(1.day());
        let rest = user.due_between(today, tomorrow);
        let rest = DueDays { instants: (Some(now), rest.instants.1), ..rest };
        let week = user.due_between(tomorrow, tomorrow.saturating_add(DueTasks::DAYS.days()));
        let ranges = [user.overdue_at(now), rest, week];
        let scopes = [Scope::Space(SpaceId::personal(to)), Scope::AssignedTo(to)];
        let lists = ranges.into_iter().flat_map(|range| scopes.map(|scope| (range, scope)));
        // Three ranges in two scopes: six calls at a time.
        let lists = try_join_all(lists.map(async |(days, scope)| {
            let mut filter = TaskFilter { open: true, ..TaskFilter::default() };
            filter.due_on(days);
            let query = TaskQuery { scope, filter, sort: Sort::DEFAULT, limit: READ, after: None };
            self.store.list(&query).await.map(|page| page.items)
        }));
        let mut tasks = lists.await?.concat();
        let spaces = retain_accessible(self.store, to, &mut tasks).await?;
        let due = DueTasks::of(tasks, &user, now);
        if due.is_empty() {
            return Ok(Err(Reason::NothingDue));
        }
        Ok(Ok(digest_mail(self.mail, claim, &due, (&user, &spaces), now)))
    }
}
