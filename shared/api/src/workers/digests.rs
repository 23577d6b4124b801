//! Makes the digests of the day, and reads what they tell: the part of `send-reminders` for digests.

use futures_util::future::try_join_all;
use jiff::{ToSpan, civil::Date};
use taskbell_domain::{
    delivery::{Delivery, Reason},
    due_days::DueDays,
    id::{NotificationId, SpaceId, UserId},
    list::{Scope, Sort, TaskFilter, TaskQuery},
    notification::{Notification, NotificationKind},
    ports::{Mailer, PortError, Replaced, TimerQueue},
    timer::Timer,
    user::MailKind,
};

use super::{
    notifications::Written,
    send_reminders::{DeliveryError, MAX_STEPS, Worker, WorkerStore},
};
use crate::{
    enqueue_if_soon::enqueue_if_soon,
    handlers::access::retain_accessible,
    mail::{DueTasks, digest_mail},
};

/// How many tasks of each list are read: more than are told, so that it is known whether there are more.
const READ: u8 = DueTasks::MOST + 5;

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Deals with the timer of a digest, as with that of a task: the notification that carries the mail of the day is stored
    /// together with the timer of the next day.
    pub(super) async fn handle_digest(&self, id: UserId, timer: Timer) -> Result<(), DeliveryError> {
        let mut found = self.store.digest(id).await?;
        let mut changed = false;
        for _ in 0..MAX_STEPS {
            let Some(mut digest) = found else { return Ok(()) };
            let (read, now) = (digest.version, self.clock.now());
            if digest.at.is_none_or(|at| at > now) {
                if !changed && timer.at > now {
                    self.requeue(timer, now).await?;
                }
                return Ok(());
            }
            let user = self.store.user(id).await?;
            let notification = digest.advance(user.as_ref(), now).map(|made| Notification {
                // Late is what its mail is, however late it is made.
                delivery: Delivery::scheduled(made.at),
                ..Notification::new(
                    NotificationId::generate(self.clock, self.random),
                    NotificationKind::Digest { to: id, day: made.day },
                    now,
                )
            });
            found = match self.store.replace_digest(&digest, read, notification.as_ref()).await? {
                Replaced::Conflict(present) => present.map(|digest| *digest),
                Replaced::Stored => {
                    changed = true;
                    enqueue_if_soon(
                        self.queue,
                        notification.map(|notification| notification.timer()),
                        now,
                    )
                    .await;
                    Some(digest)
                }
            };
        }
        Err(DeliveryError::TooManyConflicts)
    }

    /// What is due is read when the mail is written: the tasks that are assigned to the reader, in all spaces, and those
    /// of their personal space. On the next day it is too late: that day has its own.
    pub(super) async fn write_digest(
        &self,
        name: (NotificationId, u64),
        to: UserId,
        day: Date,
    ) -> Result<Written, PortError> {
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
        retain_accessible(self.store, to, &mut tasks).await?;
        let due = DueTasks::of(tasks, &user, now);
        if due.is_empty() {
            return Ok(Err(Reason::NothingDue));
        }
        Ok(Ok(digest_mail(self.mail, name, &due, &user, now)))
    }
}
