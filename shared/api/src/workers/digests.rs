//! Makes the digests of the day: the part of `send-reminders` for timers of digests.

use taskbell_domain::{
    delivery::Delivery,
    id::{NoticeId, UserId},
    notice::{Content, Notice},
    ports::{Mailer, Replaced, TimerQueue},
    timer::Timer,
};

use super::send_reminders::{Failure, MAX_STEPS, Worker, WorkerStore};
use crate::ring_soon::ring_soon;

impl<S: WorkerStore, Q: TimerQueue, M: Mailer> Worker<'_, S, Q, M> {
    /// Deals with the timer of a digest, as with that of a task: the notice that carries the mail of the day is stored
    /// together with the timer of the next day.
    pub(super) async fn handle_digest(&self, id: UserId, timer: Timer) -> Result<(), Failure> {
        let mut found = self.store.digest(id).await?;
        let mut changed = false;
        for _ in 0..MAX_STEPS {
            let Some(mut digest) = found else { return Ok(()) };
            let (read, now) = (digest.version, self.clock.now());
            if digest.at.is_none_or(|at| at > now) {
                if !changed && timer.at > now {
                    self.queue.enqueue(&[timer], now).await?;
                }
                return Ok(());
            }
            let user = self.store.user(id).await?;
            let notice = digest.take_turn(user.as_ref(), now).map(|made| Notice {
                // Late is what its mail is, however late it is made.
                delivery: Delivery::scheduled(made.at),
                ..Notice::new(
                    NoticeId::generate(self.clock, self.random),
                    Content::Digest { to: id, day: made.day },
                    now,
                )
            });
            found = match self.store.replace_digest(&digest, read, notice.as_ref()).await? {
                Replaced::Conflict(present) => present.map(|digest| *digest),
                Replaced::Done => {
                    changed = true;
                    ring_soon(self.queue, notice.map(|notice| notice.timer()), now).await;
                    Some(digest)
                }
            };
        }
        Err(Failure::Restless)
    }
}
