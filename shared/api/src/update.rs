//! Optimistic updates: read an item, change it, store it on condition that nobody else has changed it since.

use taskbell_domain::{
    comment::Comment, digest::Digest, live::Connections, notification::Notification, ports::Replaced,
    task::Task, user::User,
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

/// An item with a number that increases with every write.
pub(crate) trait Versioned {
    /// That number as it was read, on which the next write is conditional.
    fn revision(&self) -> u64;
}

macro_rules! versioned {
    ($($item:ty),+) => {
        $(impl Versioned for $item {
            fn revision(&self) -> u64 {
                self.version
            }
        })+
    };
}

versioned!(Notification, User, Comment, Digest, Connections);

impl Versioned for Task {
    fn revision(&self) -> u64 {
        self.revision
    }
}

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
/// Each attempt gets the item and the revision that its write must be conditional on. After a conflict that is the item as
/// it is stored now: a conditional write that fails returns it, so no read is added. An attempt checks itself whatever must
/// hold for the item that it changes: permissions, preconditions, admission.
pub(crate) struct Update<T> {
    current: Option<T>,
    attempts: Attempts,
}

/// Whether a conflict is with an equal item: the own write, which the SDK has sent again after it lost the response, or the
/// same change by another request in the same second. Delivery claims must not take it for their own (ADR 8).
pub(crate) fn is_own<T: PartialEq>(item: &T, replaced: &Replaced<T>) -> bool {
    matches!(replaced, Replaced::Conflict(Some(present)) if **present == *item)
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

    /// Begins the first attempt, or another one after a conflict: the item, and the revision that it was read with. None
    /// if the item does not exist.
    ///
    /// # Errors
    /// [`TooManyConflicts`] after [`MAX_ATTEMPTS`].
    pub(crate) fn attempt(&mut self) -> Result<Option<(T, u64)>, TooManyConflicts> {
        let Some(item) = self.current.take() else { return Ok(None) };
        self.attempts.begin()?;
        let expected = item.revision();
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

#[cfg(test)]
mod tests {
    use taskbell_test::fixtures::user;

    use super::*;

    fn stored(version: u64) -> User {
        User { version, ..user(1) }
    }

    #[test]
    fn an_attempt_gets_the_item_as_it_is_stored_and_its_version() {
        let mut update = Update::of(Some(stored(3)));
        assert_eq!(update.attempt(), Ok(Some((stored(3), 3))));
        assert!(!update.is_stored(Replaced::Conflict(Some(Box::new(stored(7))))));
        assert_eq!(update.attempt(), Ok(Some((stored(7), 7))));
        assert!(update.is_stored(Replaced::Stored));
    }

    #[test]
    fn an_item_that_does_not_exist_is_not_updated() {
        assert_eq!(Update::<User>::of(None).attempt(), Ok(None));
        let mut update = Update::of(Some(stored(3)));
        assert!(matches!(update.attempt(), Ok(Some(_))));
        assert!(!update.is_stored(Replaced::Conflict(None)));
        assert_eq!(update.attempt(), Ok(None));
    }

    #[test]
    fn an_update_ends_after_ten_conflicts() {
        let mut update = Update::of(Some(stored(1)));
        for version in 1..=10 {
            assert_eq!(update.attempt(), Ok(Some((stored(version), version))));
            assert!(!update.is_stored(Replaced::Conflict(Some(Box::new(stored(version + 1))))));
        }
        assert_eq!(update.attempt(), Err(TooManyConflicts));
        let mut attempts = Attempts::new();
        assert!((0..10).all(|_| attempts.begin().is_ok()));
        assert_eq!(attempts.begin(), Err(TooManyConflicts));
    }

    #[test]
    fn too_many_conflicts_are_a_409_that_can_be_retried() {
        let problem = Problem::from(TooManyConflicts);
        assert_eq!((problem.status(), problem.code), (http::StatusCode::CONFLICT, "busy"));
    }
}
