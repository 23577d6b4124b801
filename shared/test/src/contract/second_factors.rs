//! Second factors.

use taskbell_domain::{
    account_event::AccountEvent,
    credential::{CheckedPassword, RefreshToken, Session},
    id::SessionId,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::*,
    second_factor::SecondFactor,
    totp::step_at,
    user::User,
};

use super::{Store, register, sessions::open};
use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, notification, now, second_factor, user},
};

fn notice(number: u64, of: &User, event: AccountEvent) -> Notification {
    notification(number, NotificationKind::Account { to: of.id, event })
}

fn confirmed(started: &SecondFactor) -> SecondFactor {
    let mut factor = started.clone();
    let code = factor.secret.code(step_at(now()));
    factor.confirm(&code, now(), &SeededRandom::new(3)).expect("the right code");
    factor
}

fn session(of: &User, number: u64) -> Session {
    let random = SeededRandom::new(number);
    let id = SessionId::generate(&ManualClock::at(NOW), &random);
    Session::of(&RefreshToken::generate(of.id, id, &random), now())
}

/// A factor is stored with its notifications, at the expected version only, and belongs to one user.
pub async fn a_second_factor_is_replaced_only_at_the_expected_version(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let read = async |of: &User| store.second_factor(of.id).await.expect("an answer");
    let put = async |factor: &SecondFactor, expected, notices: &[Notification]| {
        store.store_second_factor(factor, expected, notices).await.expect("an answer")
    };
    let notices = [AccountEvent::SecondFactorAdded, AccountEvent::SecondFactorRemoved];
    let notices = notices.map(|event| notice(1, &ada, event));
    let notified = async || store.notification(notices[0].id).await.expect("an answer").is_some();
    let first = second_factor(&ada);
    assert!(!put(&first, Some(first.version - 1), &notices[..1]).await, "there is none");
    assert_eq!((read(&ada).await, notified().await), (None, false));
    assert!(put(&first, None, &[]).await);
    assert_eq!((read(&ada).await, read(&eve).await), (Some(first.clone()), None));
    let mut second = confirmed(&first);
    let (id, removal) = (notices[0].id, &mut second);
    removal.request_removal(id, now());
    for expected in [None, Some(first.version - 1), Some(second.version)] {
        assert!(!put(&second, expected, &notices[..1]).await, "{expected:?}");
    }
    assert_eq!((read(&ada).await, notified().await), (Some(first.clone()), false));
    assert!(put(&second, Some(first.version), &notices[..1]).await);
    assert_eq!((read(&ada).await, notified().await), (Some(second), true));
}

/// Factor, profile and mail change together, at the versions that were read, and so does the code that removes it.
pub async fn a_second_factor_is_confirmed_and_removed_together_with_the_profile(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let started = second_factor(&ada);
    assert!(store.store_second_factor(&started, None, &[]).await.expect("an answer"));
    let factor = confirmed(&started);
    let mut changed = ada.clone();
    changed.add_second_factor(session(&ada, 5).id, now());
    let added = notice(1, &ada, AccountEvent::SecondFactorAdded);
    let confirm = async |factor: &SecondFactor, user: &User| {
        store.confirm_second_factor(factor, user, &added).await.expect("an answer")
    };
    let stored = async || {
        let notified = store.notification(added.id).await.expect("an answer").is_some();
        let factor = store.second_factor(ada.id).await.expect("an answer");
        (store.user(ada.id).await.expect("an answer"), factor, notified)
    };
    let late = SecondFactor { version: factor.version + 1, ..factor.clone() };
    let stale = User { version: changed.version + 1, ..changed.clone() };
    assert!(!confirm(&late, &changed).await && !confirm(&factor, &stale).await);
    assert_eq!(stored().await, (Some(ada.clone()), Some(started), false));
    assert!(confirm(&factor, &changed).await);
    assert_eq!(stored().await, (Some(changed.clone()), Some(factor.clone()), true));

    let mut without = changed.clone();
    without.remove_second_factor(now());
    let kind = NotificationKind::Code {
        to: ada.id,
        purpose: Purpose::SecondFactorRemoval,
        address: None,
        secret_hash: Some("h".repeat(64)),
    };
    let carrier = notification(2, kind);
    store.add_notification(&carrier, None).await.expect("an answer");
    let removed = notice(3, &ada, AccountEvent::SecondFactorRemoved);
    let used = Notification { version: carrier.version + 1, ..carrier.clone() };
    let twice = Notification { version: carrier.version + 2, ..carrier.clone() };
    let remove = async |factor: &SecondFactor, user: &User, code: &Notification| {
        let removal = FactorRemoval { factor, user, code: Some(code), notification: &removed };
        store.remove_second_factor(removal).await.expect("an answer")
    };
    let stale = User { version: without.version + 1, ..without.clone() };
    assert!(!remove(&late, &without, &used).await, "the factor has changed");
    assert!(!remove(&factor, &stale, &used).await, "the profile has changed");
    assert!(!remove(&factor, &without, &twice).await, "the code was used");
    assert_eq!(stored().await, (Some(changed), Some(factor.clone()), true));
    assert_eq!(store.notification(removed.id).await.expect("an answer"), None);
    assert!(remove(&factor, &without, &used).await);
    assert_eq!(stored().await, (Some(without), None, true));
    assert_eq!(store.notification(carrier.id).await.expect("an answer"), Some(used.clone()));
    assert!(store.notification(removed.id).await.expect("an answer").is_some());
    assert!(!remove(&factor, &stale, &used).await, "there is none");
}

/// Of two sessions with the same accepted code only one opens. Without a code none opens once a factor is confirmed.
pub async fn a_session_opens_only_with_the_second_factor_that_was_checked(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let open = async |of: &User, number, factor: Option<&SecondFactor>| {
        let session = session(of, number);
        let checked = CheckedPassword { email: &of.email, hash: "a hash", rehashed: None, factor };
        let opened = store.open_session(&session, checked).await.expect("an answer");
        let has = store.has_session(of.id, session.id, now()).await.expect("an answer");
        assert_eq!(opened, has);
        opened
    };
    let started = second_factor(&ada);
    assert!(open(&ada, 11, None).await, "there is none");
    assert!(store.store_second_factor(&started, None, &[]).await.expect("an answer"));
    assert!(open(&ada, 12, None).await, "it is not confirmed");
    let factor = confirmed(&started);
    let version = Some(started.version);
    assert!(store.store_second_factor(&factor, version, &[]).await.expect("an answer"));
    assert!(!open(&ada, 13, None).await);
    assert!(open(&eve, 14, None).await, "it is hers alone");
    let accepted =
        SecondFactor { version: factor.version + 1, last_step: factor.last_step + 1, ..factor.clone() };
    assert!(open(&ada, 15, Some(&accepted)).await);
    assert_eq!(store.second_factor(ada.id).await.expect("an answer"), Some(accepted.clone()));
    assert!(!open(&ada, 16, Some(&accepted)).await, "the same code");
    assert!(!open(&ada, 17, Some(&factor)).await, "an older version");
    let next = SecondFactor { version: accepted.version + 1, ..accepted };
    assert!(open(&ada, 18, Some(&next)).await);
}

/// All sessions of one user end, except the one that is kept.
pub async fn all_sessions_but_one_are_closed(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let kept = session(&ada, 20);
    for number in 20..50 {
        open(store, &ada, &session(&ada, number)).await;
    }
    open(store, &eve, &session(&eve, 60)).await;
    store.close_other_sessions(ada.id, kept.id).await.expect("an answer");
    let has = async |of: &User, number| {
        store.has_session(of.id, session(of, number).id, now()).await.expect("an answer")
    };
    assert!(has(&ada, 20).await && has(&eve, 60).await);
    for number in 21..50 {
        assert!(!has(&ada, number).await, "{number}");
    }
}
