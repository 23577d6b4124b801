//! Second factors of users.

use taskbell_domain::{
    account_event::AccountEvent,
    clock::Clock,
    id::NotificationId,
    notification::{Notification, NotificationKind},
    ports::TimerQueue,
    second_factor::SecondFactor,
    totp::{STEP_SECONDS, step_at},
    user::User,
};
use taskbell_test::{contract::Store, fixtures::second_factor};

use super::World;

impl<S: Store, Q: TimerQueue> World<S, Q> {
    /// Gives a user the second factor of the fixtures, confirmed or not, unless they have one or have no account. Returns its
    /// next code.
    pub(crate) async fn add_second_factor(&self, user: &User, is_confirmed: bool) -> String {
        let now = self.clock.now();
        let stored = self.store.second_factor(user.id).await.expect("an answer");
        let account = self.store.user(user.id).await.expect("an answer");
        if let (None, Some(mut account)) = (stored, account) {
            let started = SecondFactor { started_at: now, ..second_factor(user) };
            let stored = self.store.store_second_factor(&started, None, &[]).await;
            assert!(stored.expect("an answer"));
            if is_confirmed {
                let mut factor = started;
                let code = factor.secret.code(step_at(now) - 1);
                factor.confirm(&code, now, &self.random).expect("the right code");
                account.add_second_factor(self.session(), now);
                // The access tokens of the tests stay valid.
                account.tokens_valid_from = None;
                let event = AccountEvent::SecondFactorAdded;
                let kind = NotificationKind::Account { to: user.id, event };
                let id = NotificationId::generate(&self.clock, &self.random);
                let notice = Notification::new(id, kind, now);
                let stored = self.store.confirm_second_factor(&factor, &account, &notice).await;
                assert!(stored.expect("an answer"));
            }
        }
        second_factor(user).secret.code(step_at(now))
    }

    /// Whether the factor of a user is confirmed.
    pub(crate) async fn has_second_factor(&self, user: &User) -> bool {
        let factor = self.store.second_factor(user.id).await.expect("an answer");
        let profile = self.store.user(user.id).await.expect("an answer").expect("the account");
        let is_confirmed = factor.is_some_and(|factor| factor.is_confirmed());
        assert_eq!(is_confirmed, profile.second_factor_at.is_some(), "factor and profile agree");
        is_confirmed
    }

    /// Advances the clock to the start of the next step of codes.
    pub(crate) fn next_step(&self) {
        let left = STEP_SECONDS - self.clock.now().as_second().rem_euclid(STEP_SECONDS);
        self.clock.advance(jiff::SignedDuration::from_secs(left));
    }
}
