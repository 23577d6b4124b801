//! Optimistic updates: read an item, change it, store it on condition that nobody else has changed it since.

use taskbell_domain::{
    comment::Comment, digest::Digest, notification::Notification, ports::Replaced, task::Task,
    user::User,
};

use crate::http::Problem;

/// The most attempts of one update. One of several concurrent writers succeeds in every round, so an update fails only
/// if it loses this often.
const MAX_ATTEMPTS: usize = 10;

/// Other writers changed the same item during every attempt. Nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyConflicts;

impl From<TooManyConflicts> for Problem {
    fn from(_: TooManyConflicts) -> Self {
        Self::busy()
    }
}

/// An item whose version increases with every write.
pub(crate) trait Versioned {
    /// The version that was read, on which the next write is conditional.
    fn version(&self) -> u64;
}

macro_rules! versioned {
    ($($item:ty),+) => {
        $(impl Versioned for $item {
            fn version(&self) -> u64 {
                self.version
            }
        })+
    };
}

versioned!(Task, Notification, User, Comment, Digest);

/// Counts the attempts of an update that reads everything it needs itself in each of them.
pub(crate) struct Attempts(usize);

impl Attempts {
    /// The attempts of one update.
    pub(crate) fn new() -> Self {
        Self(MAX_ATTEMPTS)
    }

    /// Begins the first attempt, or another one after a conflict.
    ///
    /// # Errors
    /// [`TooManyConflicts`] after [`MAX_ATTEMPTS`].
    pub(crate) fn begin(&mut self) -> Result<(), TooManyConflicts> {
        self.0 = self.0.checked_sub(1).ok_or(TooManyConflicts)?;
        Ok(())
    }
}

/// The update of one item that was just read.
///
/// Each attempt gets the item and the version that its write must be conditional on. After a conflict that is the item as
/// it is stored now: a conditional write that fails returns it, so no read is added. An attempt checks itself whatever must
/// hold for the item that it changes: permissions, preconditions, admission.
pub(crate) struct Update<T> {
    current: Option<T>,
    attempts: Attempts,
}

impl<T: Versioned> Update<T> {
    /// The update of an item; of none, if none was found.
    pub(crate) fn of(found: Option<T>) -> Self {
        Self { current: found, attempts: Attempts::new() }
    }

    /// The same with another limit of attempts.
    pub(crate) fn up_to(max_attempts: usize, found: Option<T>) -> Self {
        Self { current: found, attempts: Attempts(max_attempts) }
    }

    /// Begins the first attempt, or another one after a conflict: the item, and the version that it was read with. None
    /// if the item does not exist.
    ///
    /// # Errors
    /// [`TooManyConflicts`] after [`MAX_ATTEMPTS`].
    pub(crate) fn attempt(&mut self) -> Result<Option<(T, u64)>, TooManyConflicts> {
        let Some(item) = self.current.take() else { return Ok(None) };
        self.attempts.begin()?;
        let expected = item.version();
        Ok(Some((item, expected)))
    }

    /// Takes the result of the attempt's conditional write. Returns whether the item was stored; if not, the next attempt
    /// begins with the item as it is stored now.
    pub(crate) fn is_stored(&mut self, replaced: Replaced<T>) -> bool {
        match replaced {
            Replaced::Stored => true,
            Replaced::Conflict(present) => {
                self.current = present.map(|present| *present);
                false
            }
        }
    }
}
