//! The second factor of an account: an authenticator app, with recovery codes for when it is lost.
//!
//! A log-in with a password is complete only with a code of the app (TOTP) or a recovery code. If both are lost, the factor
//! is removed by a code that is mailed to the account and works only after a waiting time, in which the owner can object.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Random,
    id::{NotificationId, UserId},
    totp::{RecoveryCode, TotpSecret},
    unknown::Unknown,
};

/// How long a factor can be confirmed after it was started.
pub const CONFIRMATION_TIME: SignedDuration = SignedDuration::from_hours(1);

/// How long after a request the factor can be removed by the mailed code.
pub const REMOVAL_DELAY: SignedDuration = SignedDuration::from_hours(24);

/// How long after a request the mailed code stops working.
pub const REMOVAL_LIFETIME: SignedDuration = SignedDuration::from_hours(72);

/// A request to remove a factor without any of its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovalRequest {
    /// When it was made. A repeated request does not change this.
    pub requested_at: Timestamp,
    /// The notification whose code removes the factor. Codes that were mailed before it do not work.
    pub notification: NotificationId,
}

impl RemovalRequest {
    /// When the code begins to work.
    pub fn works_from(&self) -> Timestamp {
        self.requested_at + REMOVAL_DELAY
    }

    /// Whether the request is over, whether or not it ever worked.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.requested_at + REMOVAL_LIFETIME <= now
    }
}

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The account.
    pub user: UserId,
    /// What the account shares with the authenticator app.
    pub secret: TotpSecret,
    /// When it was started.
    pub started_at: Timestamp,
    /// When its owner proved to have the secret. Before that, log-ins need no code.
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last code that was accepted. Codes of this and earlier steps are refused.
    pub last_step: u64,
    /// The hashes of the recovery codes that were not used.
    pub recovery_hashes: Vec<String>,
    /// The request to remove it, if there is one.
    pub removal: Option<RemovalRequest>,
    /// Increases with each change. That of a new factor is higher than that of a deleted one had been, so that a change of
    /// the deleted one, which comes late, cannot replace the new one.
    pub version: u64,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

impl SecondFactor {
    /// A factor that is to be confirmed. `previous` is the version of the one that it replaces.
    pub fn start(user: UserId, previous: Option<u64>, now: Timestamp, random: &dyn Random) -> Self {
        // Each change takes a request, and the requests are limited to far less than one per second.
        let since_1970 = u64::try_from(now.as_second()).unwrap_or_default();
        Self {
            user,
            secret: TotpSecret::generate(random),
            started_at: now,
            confirmed_at: None,
            last_step: 0,
            recovery_hashes: Vec::new(),
            removal: None,
            version: previous.map_or(since_1970, |version| since_1970.max(version + 1)),
            unknown: Unknown::default(),
        }
    }

    /// Whether log-ins need a code.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_at.is_some()
    }

    /// Whether it can still be confirmed.
    pub fn can_be_confirmed(&self, now: Timestamp) -> bool {
        !self.is_confirmed() && now < self.started_at + CONFIRMATION_TIME
    }

    /// Confirms the factor by a code of the app. Returns the recovery codes, of which only hashes are stored; `None` if the
    /// code is wrong. The version increases by one.
    pub fn confirm(
        &mut self,
        code: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Vec<RecoveryCode>> {
        self.last_step = self.secret.verify(code, now).filter(|step| *step > self.last_step)?;
        let codes = RecoveryCode::generate_all(random);
        self.recovery_hashes = codes.iter().map(|code| code.hash(self.user)).collect();
        self.confirmed_at = Some(now);
        self.version += 1;
        Some(codes)
    }

    /// Uses up a code of the app or a recovery code. Returns whether it was right and unused. Then the version has increased
    /// by one, and a request to remove the factor has ended: a person who has a code does not need it.
    ///
    /// Store the factor on condition of the version that was read, before anything that the code permits: otherwise two
    /// requests could use one code.
    pub fn accept(&mut self, code: &str, now: Timestamp) -> bool {
        let step = self.secret.verify(code, now).filter(|step| *step > self.last_step);
        let is_recovery_code = RecoveryCode::parse(code)
            .is_some_and(|code| code.redeem(self.user, &mut self.recovery_hashes));
        let is_accepted = self.is_confirmed() && (step.is_some() || is_recovery_code);
        if is_accepted {
            self.last_step = step.unwrap_or(self.last_step);
            self.removal = None;
            self.version += 1;
        }
        is_accepted
    }

    /// Records a request to remove the factor by the code that this notification carries. While there is one, another
    /// request replaces its code but not its time. Returns the request, and whether it is new. The version increases by one.
    pub fn request_removal(
        &mut self,
        notification: NotificationId,
        now: Timestamp,
    ) -> (RemovalRequest, bool) {
        let pending = self.removal.filter(|removal| !removal.has_expired(now));
        let requested_at = pending.map_or(now, |removal| removal.requested_at);
        let removal = RemovalRequest { requested_at, notification };
        self.removal = Some(removal);
        self.version += 1;
        (removal, pending.is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Counts up, so that no two bytes in a row are equal.
    struct Counting(AtomicU8);
    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(7, Ordering::Relaxed));
        }
    }

    const STEP: u64 = 59_078_400;

    /// The start of a step, so many steps after [`STEP`].
    fn at(steps: u64) -> Timestamp {
        Timestamp::from_second(i64::try_from((STEP + steps) * 30).unwrap()).unwrap()
    }

    fn random() -> Counting {
        Counting(AtomicU8::new(3))
    }

    fn started() -> SecondFactor {
        let user = UserId::from_body("01JQ0000000000000000000001").unwrap();
        SecondFactor::start(user, None, at(0), &random())
    }

    fn confirmed() -> (SecondFactor, Vec<RecoveryCode>) {
        let mut factor = started();
        let codes = factor.confirm(&factor.secret.code(STEP), at(0), &random()).unwrap();
        (factor, codes)
    }

    fn notification(last: char) -> NotificationId {
        NotificationId::from_body(&format!("01JQ000000000000000000000{last}")).unwrap()
    }

    #[test]
    fn a_factor_is_confirmed_only_by_a_code_of_its_own_secret() {
        let mut factor = started();
        let before = factor.clone();
        for wrong in ["", "000000", "1234567", "k7mq2-9xw4t"] {
            assert!(factor.confirm(wrong, at(0), &random()).is_none(), "{wrong}");
        }
        assert_eq!(factor, before);
        let (factor, codes) = confirmed();
        assert_eq!((factor.version, factor.confirmed_at), (before.version + 1, Some(at(0))));
        assert_eq!((codes.len(), factor.recovery_hashes.len()), (10, 10));
    }

    #[test]
    fn a_factor_that_is_not_confirmed_accepts_nothing_and_expires() {
        let mut factor = started();
        let code = factor.secret.code(STEP);
        assert!(!factor.accept(&code, at(0)));
        assert!(factor.can_be_confirmed(at(0) + CONFIRMATION_TIME - SignedDuration::from_secs(1)));
        assert!(!factor.can_be_confirmed(at(0) + CONFIRMATION_TIME));
        assert!(!confirmed().0.can_be_confirmed(at(0)));
    }

    #[test]
    fn a_code_is_accepted_once_and_no_earlier_one_after_it() {
        let (mut factor, _) = confirmed();
        let code = |step: u64| factor.secret.code(STEP + step);
        let [same, next, after_next] = [code(0), code(1), code(2)];
        assert!(!factor.accept(&same, at(0)), "it has confirmed the factor");
        assert!(factor.accept(&after_next, at(1)), "one step early");
        assert!(!factor.accept(&after_next, at(1)), "twice");
        assert!(!factor.accept(&next, at(1)), "the current one, after a later one");
        assert!(!factor.accept(&after_next, at(3)), "one step late, twice");
        assert_eq!(factor.version, started().version + 2);
    }

    #[test]
    fn a_recovery_code_is_accepted_once_in_every_spelling() {
        let (mut factor, codes) = confirmed();
        let text = codes[0].to_text();
        let spellings = [text.to_uppercase(), text.replace('-', ""), format!(" {text} "), text.clone()];
        let mut fresh = factor.clone();
        assert!(factor.accept(&spellings[0], at(0)));
        for spelling in &spellings {
            assert!(!factor.accept(spelling, at(0)), "{spelling}");
            assert!(fresh.clone().accept(spelling, at(0)), "{spelling}");
        }
        assert!(fresh.accept(&codes[9].to_text(), at(0)) && factor.recovery_hashes.len() == 9);
    }

    #[test]
    fn an_accepted_code_ends_a_request_to_remove_the_factor_and_a_wrong_one_does_not() {
        let (mut factor, codes) = confirmed();
        factor.request_removal(notification('1'), at(0));
        assert!(!factor.accept("000000", at(0)) && factor.removal.is_some());
        assert!(factor.accept(&codes[0].to_text(), at(0)) && factor.removal.is_none());
    }

    #[test]
    fn a_repeated_request_replaces_the_code_but_does_not_begin_the_waiting_time_again() {
        let (mut factor, _) = confirmed();
        let (first, is_new) = factor.request_removal(notification('1'), at(0));
        assert_eq!((first.works_from(), is_new), (at(0) + REMOVAL_DELAY, true));
        let later = at(0) + REMOVAL_LIFETIME - SignedDuration::from_secs(1);
        let (second, is_new) = factor.request_removal(notification('2'), later);
        assert_eq!((second.requested_at, is_new), (at(0), false));
        assert_eq!(factor.removal.map(|removal| removal.notification), Some(notification('2')));
        let (third, is_new) = factor.request_removal(notification('3'), at(0) + REMOVAL_LIFETIME);
        assert_eq!((third.requested_at, is_new), (at(0) + REMOVAL_LIFETIME, true));
    }

    #[test]
    fn a_new_factor_has_a_higher_version_than_the_one_before() {
        let (factor, _) = confirmed();
        let next = |previous| SecondFactor::start(factor.user, previous, at(1), &random()).version;
        assert!(next(None) > factor.version && next(Some(factor.version)) > factor.version);
        assert_eq!(next(Some(u64::from(u32::MAX) * 2)), u64::from(u32::MAX) * 2 + 1);
    }
}
