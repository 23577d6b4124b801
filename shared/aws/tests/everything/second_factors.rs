//! Second factors: one that is confirmed, with every attribute, and one that is not.

use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    account_event::AccountEvent,
    id::SessionId,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::{Notifications, Profiles, Registrations, SecondFactorChanges, SecondFactors},
    second_factor::SecondFactor,
    totp::step_at,
    user::User,
};
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, notification, now, second_factor, user},
};

use super::credential;

/// A user with a confirmed factor, and how the profile is then.
fn grace() -> (User, User) {
    let grace = user(3);
    let mut with_factor = grace.clone();
    let session = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(3));
    with_factor.add_second_factor(session, now());
    (grace, with_factor)
}

fn started() -> SecondFactor {
    second_factor(&user(2))
}

fn confirmed() -> SecondFactor {
    let mut factor = second_factor(&grace().0);
    let code = factor.secret.code(step_at(now()));
    factor.confirm(&code, now(), &SeededRandom::new(3)).expect("the right code");
    factor
}

fn notifications() -> Vec<Notification> {
    let to = grace().0.id;
    let about = |event| NotificationKind::Account { to, event };
    let kinds = [
        about(AccountEvent::SecondFactorAdded),
        about(AccountEvent::SecondFactorRemoved),
        about(AccountEvent::SecondFactorRemovalRequested { at: now() }),
        NotificationKind::Code {
            to,
            purpose: Purpose::SecondFactorRemoval,
            address: None,
            secret_hash: None,
        },
    ];
    (51..).zip(kinds).map(|(number, kind)| notification(number, kind)).collect()
}

/// The confirmed factor with a request to remove it.
fn requested() -> SecondFactor {
    let mut factor = confirmed();
    factor.request_removal(notifications()[3].id, now());
    factor
}

/// The users without the one of this file.
pub(super) fn others(mut users: Vec<User>) -> Vec<User> {
    users.retain(|user| user.id != grace().0.id);
    users
}

pub(super) async fn store(store: &DynamoDb) {
    let (grace, with_factor) = grace();
    store.register(&grace, &credential(&grace), None).await.expect("an answer");
    for factor in [started(), second_factor(&grace)] {
        assert!(store.store_second_factor(&factor, None, &[]).await.expect("an answer"));
    }
    let [added, others @ ..] = &*notifications() else { panic!("notifications") };
    let stored = store.confirm_second_factor(&confirmed(), &with_factor, added).await;
    assert!(stored.expect("an answer"));
    let version = Some(confirmed().version);
    assert!(store.store_second_factor(&requested(), version, others).await.expect("an answer"));
}

pub(super) async fn check(store: &DynamoDb) {
    let (_, grace) = grace();
    for factor in [started(), requested()] {
        let found = store.second_factor(factor.user).await.expect("an answer");
        assert_eq!(found, Some(factor));
    }
    assert_eq!(store.user(grace.id).await.expect("an answer"), Some(grace));
    for notification in notifications() {
        let found = store.notification(notification.id).await.expect("an answer");
        assert_eq!(found, Some(notification));
    }
}
