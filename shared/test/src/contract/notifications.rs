//! Notifications and digests.

use crate::fixtures::{draft, instant, notification, now, task, user};
use taskbell_domain::{
    delivery::{DeliveryStatus, Outcome},
    digest::Digest,
    notification::{NotificationKind, NotificationStep},
    one_time_code::Purpose,
    ports::*,
    task::Task,
    timer::{Timer, TimerTarget},
    user::User,
};

use super::{Store, register, timers::timers_until};

/// A notification is read back, has a timer until it is sent, and is replaced only at the expected version.
pub async fn a_notification_is_read_back_and_has_a_timer(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    let made = task(1, &ada, draft("t"));
    let first = notification(1, NotificationKind::Assignment { to: ada.id, task: made.id, by: eve.id });
    assert_eq!(store.create(&made, None, Some(&first)).await.expect("an answer"), Created::Stored);
    assert_eq!(store.notification(first.id).await.expect("an answer"), Some(first.clone()));
    let mut next = Task { revision: 2, ..made.clone() };
    next.assigned_to = Some(eve.id);
    let assigned =
        notification(2, NotificationKind::Assignment { to: eve.id, task: made.id, by: ada.id });
    let also = AtomicExtras { notification: Some(&assigned), ..AtomicExtras::default() };
    assert_eq!(store.replace(&next, 1, also).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.notification(assigned.id).await.expect("an answer"), Some(assigned.clone()));

    let timers = async || timers_until(store, now()).await;
    assert_eq!(timers().await.len(), 2);
    let timer = assigned.timer().expect("a timer");
    store.postpone(timer, instant("2026-03-01T09:00:00Z")).await.expect("an answer");
    assert_eq!(timers().await, [first.timer().expect("a timer")]);
    for (number, kind) in [
        NotificationKind::Verification { to: ada.id },
        NotificationKind::Code {
            to: ada.id,
            purpose: Purpose::PasswordReset,
            address: Some(eve.email.clone()),
            secret_hash: Some("h".to_owned()),
        },
        NotificationKind::Code {
            to: ada.id,
            purpose: Purpose::Operator,
            address: None,
            secret_hash: None,
        },
    ]
    .into_iter()
    .enumerate()
    {
        let mut other = notification(10 + number as u64, kind);
        other.delivery.next_at = None;
        other.delivery.status = DeliveryStatus::Sent;
        assert_eq!(store.add_notification(&other, None).await.expect("an answer"), Created::Stored);
        assert_eq!(store.notification(other.id).await.expect("an answer"), Some(other));
    }
    let mut sent = first.clone();
    let NotificationStep::Send(fence) = sent.begin_delivery(now()) else { panic!("it is due") };
    sent.finish_delivery(fence, &Outcome::Accepted("m-1".to_owned()), now());
    assert_eq!(store.replace_notification(&sent, 1).await.expect("an answer"), Replaced::Stored);
    let conflict = Replaced::Conflict(Some(Box::new(sent.clone())));
    assert_eq!(store.replace_notification(&sent, 1).await.expect("an answer"), conflict);
    assert_eq!(timers().await, []);
}

/// A digest is created by scheduling it, is replaced only at the expected version, and has a timer while it is scheduled.
pub async fn a_digest_is_rescheduled_with_the_profile_and_stored_with_its_notification(
    store: &impl Store,
) {
    let mut ada = user(1);
    register(store, &ada).await;
    assert_eq!(store.digest(ada.id).await.expect("an answer"), None);
    let target = TimerTarget::Digest(ada.id);
    let first = Timer { at: instant("2026-03-01T09:00:00Z"), target };
    ada.version = 2;
    assert_eq!(store.replace_user(&ada, 1, Some(first)).await.expect("an answer"), Replaced::Stored);
    let mut digest = Digest::new(ada.id, Some(first.at), 1);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    let timers = async || timers_until(store, instant("2026-03-09T09:00:00Z")).await;
    assert_eq!(timers().await, [first]);
    let later = instant("2026-03-01T09:10:00Z");
    store.postpone(first, later).await.expect("an answer");
    assert_eq!(timers().await, [Timer { at: later, target }]);

    let day = "2026-03-01".parse().expect("a day");
    let daily = notification(1, NotificationKind::Digest { to: ada.id, day });
    digest.version = 2;
    digest.last_run_date = Some(day);
    digest.at = Some(instant("2026-03-02T09:00:00Z"));
    let replaced = store.replace_digest(&digest, 1, Some(&daily)).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    assert_eq!(store.notification(daily.id).await.expect("an answer"), Some(daily));
    let other = notification(2, NotificationKind::Digest { to: ada.id, day });
    let conflict = Replaced::Conflict(Some(Box::new(digest.clone())));
    assert_eq!(store.replace_digest(&digest, 1, Some(&other)).await.expect("an answer"), conflict);
    assert_eq!(store.notification(other.id).await.expect("an answer"), None);

    // A conflict of the profile does not reschedule the digest.
    let refused = store.replace_user(&User { version: 3, ..ada.clone() }, 1, Some(first)).await;
    assert_eq!(refused.expect("an answer"), Replaced::Conflict(Some(Box::new(ada.clone()))));
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    // Rescheduling keeps the date of the last run.
    ada.version = 3;
    assert_eq!(store.replace_user(&ada, 2, Some(first)).await.expect("an answer"), Replaced::Stored);
    digest = Digest { at: Some(first.at), version: 3, ..digest };
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest.clone()));
    digest = Digest { at: None, version: 4, ..digest };
    assert_eq!(store.replace_digest(&digest, 3, None).await.expect("an answer"), Replaced::Stored);
    assert_eq!(store.digest(ada.id).await.expect("an answer"), Some(digest));
    let left: Vec<_> = timers().await.into_iter().filter(|timer| timer.target == target).collect();
    assert_eq!(left, []);
}
