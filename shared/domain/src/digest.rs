//! The daily digest: one mail per day, at an hour in the user's time zone, that lists tasks that are overdue, due today
//! and due in the following week.
//!
//! A digest has a timer. When it fires, the notification that carries the mail of that day and the timer of the next day
//! are stored together, on condition that the digest has not changed since it was read. So there is one mail per day. The
//! notification is then delivered by itself, with its own delivery log.

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    id::UserId,
    timer::{Timer, TimerTarget},
    unknown::Unknown,
    user::{MailKind, User},
};

/// When the next digest of a user is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The user.
    pub user: UserId,
    /// When the next one is created. `None` while the digest is turned off.
    pub at: Option<Timestamp>,
    /// The day of the last one.
    pub last_run_date: Option<Date>,
    /// The number of changes.
    pub version: u64,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

/// The digest of one day, which is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestRun {
    /// The day.
    pub day: Date,
    /// When it is due.
    pub at: Timestamp,
}

impl Digest {
    /// A digest that has not run yet.
    pub fn new(user: UserId, at: Option<Timestamp>, version: u64) -> Self {
        Self { user, at, last_run_date: None, version, unknown: Unknown::default() }
    }

    /// The next timer. `None` while the digest is turned off.
    pub fn timer(&self) -> Option<Timer> {
        self.at.map(|at| Timer { at, target: TimerTarget::Digest(self.user) })
    }

    /// Advances to the next day if the digest is due at `now`; then the version increases by one. Returns the digest to
    /// send, which must be stored together with this change. Returns `None` for a day that already had its digest, and
    /// if no mail can reach the user. `user` is `None` if the account does not exist.
    ///
    /// A late run is still the run of its day: the delivery log then says that it was too late.
    pub fn advance(&mut self, user: Option<&User>, now: Timestamp) -> Option<DigestRun> {
        let at = self.at.filter(|at| *at <= now)?;
        self.version += 1;
        let Some(user) = user.filter(|user| user.mail.wants(MailKind::Digest)) else {
            self.at = None;
            return None;
        };
        // If DST skips the last hour of a day, its digest is due when the next day begins.
        let (day, yesterday) = (user.local_date(at), user.local_date(at).saturating_sub(1.day()));
        let day = if user.digest_at(yesterday) == at { yesterday } else { day };
        let runs = user.reachable().is_ok() && self.last_run_date.is_none_or(|last| last < day);
        if runs {
            self.last_run_date = Some(day);
        }
        let last = self.last_run_date.map_or(day, |last| last.max(day));
        self.at = Some(user.digest_at(last.saturating_add(1.day())));
        runs.then_some(DigestRun { day, at })
    }
}

impl User {
    /// When the digest of a day is due.
    pub fn digest_at(&self, day: Date) -> Timestamp {
        self.wall_time(day, self.digest_hour.get())
    }

    /// The next timer of the digest, if it differs from that of the profile before a change. `None` if it does not, or
    /// the digest is turned off. If the hour has passed today, the digest is due now, in case today's was not created
    /// yet. If it was just turned on, it is due tomorrow.
    pub fn digest_rescheduled(&self, before: &Self, now: Timestamp) -> Option<Timer> {
        let wants = |user: &Self| user.mail.wants(MailKind::Digest);
        let same = self.digest_hour == before.digest_hour && self.time_zone == before.time_zone;
        if !wants(self) || (same && wants(before)) {
            return None;
        }
        let today = self.local_date(now);
        let at = match self.digest_at(today) {
            at if at > now => at,
            _ if wants(before) => now,
            _ => self.digest_at(today.saturating_add(1.day())),
        };
        Some(Timer { at, target: TimerTarget::Digest(self.id) })
    }
}
