//! The daily digest: one mail for each day, at an hour on the clocks of its reader, about what is overdue, due today, and
//! due in the week after.
//!
//! It has a timer, as tasks have. When it comes, the notification that carries the mail of that day and the timer of the next
//! day are stored together, on condition that nobody else has done so: that makes it one mail for a day. Sending it is
//! the notification's own matter, with its own ledger.

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    id::UserId,
    timer::{Timer, TimerTarget},
    unknown::Unknown,
    user::{MailKind, User},
    violation::Violation,
};

/// The hour of the day at which a user gets the digest: 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestHour(i8);

impl DigestHour {
    /// The hour of users who name none.
    pub const DEFAULT: Self = Self(7);

    /// Checks an hour.
    ///
    /// # Errors
    /// A [`Violation`] with code `out_of_range`.
    pub fn new(hour: u64) -> Result<Self, Violation> {
        match i8::try_from(hour) {
            Ok(hour) if hour < 24 => Ok(Self(hour)),
            _ => Err(Violation::new("out_of_range", "It must be a whole hour, from 0 to 23.")),
        }
    }

    /// The hour.
    pub fn get(self) -> i8 {
        self.0
    }
}

/// The digest of a user: when the next one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Whose it is.
    pub user: UserId,
    /// When the next one is made; none while the user wants none.
    pub at: Option<Timestamp>,
    /// The last day for which one was made.
    pub last_run_date: Option<Date>,
    /// Counts its changes.
    pub version: u64,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

/// The mail of a day, to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestRun {
    /// The day.
    pub day: Date,
    /// When it was to be sent.
    pub at: Timestamp,
}

impl Digest {
    /// The digest of a user who has had none yet.
    pub fn new(user: UserId, at: Option<Timestamp>, version: u64) -> Self {
        Self { user, at, last_run_date: None, version, unknown: Unknown::default() }
    }

    /// Its timer; none while the user wants none.
    pub fn timer(&self) -> Option<Timer> {
        self.at.map(|at| Timer { at, subject: TimerTarget::Digest(self.user) })
    }

    /// Takes the turn that is due at `now`, with the profile of its user; none if the account is gone. The version is one
    /// higher then, and the mail that is given is to be stored together with the digest. Nothing is given for a day that
    /// has had its mail, or whose mail could not reach the user.
    ///
    /// A turn that comes late is still that of its day: the ledger then says that it was too late for it.
    pub fn advance(&mut self, user: Option<&User>, now: Timestamp) -> Option<DigestRun> {
        let at = self.at.filter(|at| *at <= now)?;
        self.version += 1;
        let Some(user) = user.filter(|user| user.mail.wants(MailKind::Digest)) else {
            self.at = None;
            return None;
        };
        // Where clocks leap over the last hour of a day, its digest is due as the next one begins.
        let (day, yesterday) = (user.local_date(at), user.local_date(at).saturating_sub(1.day()));
        let day = if user.digest_at(yesterday) == at { yesterday } else { day };
        let made = user.reachable().is_ok() && self.last_run_date.is_none_or(|made| made < day);
        if made {
            self.last_run_date = Some(day);
        }
        let last = self.last_run_date.map_or(day, |made| made.max(day));
        self.at = Some(user.digest_at(last.saturating_add(1.day())));
        made.then_some(DigestRun { day, at })
    }
}

impl User {
    /// When the digest of a day is due.
    pub fn digest_at(&self, day: Date) -> Timestamp {
        self.wall_time(day, self.digest_hour.get())
    }

    /// When the digest is made next, if that is another moment than with the profile as it was before; none if it is not,
    /// or the user wants none. Where the hour has passed today, that is now, in case today's has not been made; for who
    /// has had none until now it is tomorrow.
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
        Some(Timer { at, subject: TimerTarget::Digest(self.id) })
    }
}
