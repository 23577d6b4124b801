//! Limits of mails per sender and recipient, and who sees the reason for a missing mail.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    notification::NotificationKind,
    ports::{MailError, Notifications, ProfileChanges, Profiles, RateLimits, TaskReads},
    rate_limit::{
        ASSIGNMENTS, CODES_TO_ADDRESS, MAILS_BETWEEN, MAILS_TO_OTHERS, OWN_MAILS, RateLimit,
        RateLimitKey, SHARED_MAILS, VERIFICATIONS_OF_ADDRESS,
    },
    recurrence::{AutoComplete, Rule},
    task::{Status, Task},
    timer,
    user::{MailKind, MailSuppression, SuppressionReason, User},
};
use taskbell_test::{
    Outbox,
    fixtures::{due_draft, instant, notification, now, space, task, user},
};

use crate::{
    reminders::DUE,
    support::{World, collaborator},
};

/// The reason that the recipient sees, and the change that causes it.
type Cause = (&'static str, fn(&mut User));

impl World {
    /// Uses up a limit except for `left` uses.
    async fn leave(&self, limit: &RateLimit, key: &RateLimitKey, left: u32) {
        let counted = self.store.record(limit, key, limit.max - left, self.clock.now()).await;
        counted.expect("no store error");
    }

    async fn used(&self, limit: &RateLimit, key: &RateLimitKey) -> u32 {
        self.store.record(limit, key, 0, self.clock.now()).await.expect("no store error")
    }

    /// A task of user 1 in the shared space, assigned to the collaborator, with two reminders.
    async fn assigned(&self, ada: &User) -> Task {
        let draft = due_draft("Shared", DUE, &["PT0S", "PT30S"]);
        let made = Task {
            space: space(1, ada).0.id,
            assigned_to: Some(collaborator().id),
            ..task(50, ada, draft)
        };
        taskbell_domain::ports::TaskCreation::create(&self.store, &made, None, None)
            .await
            .expect("no store error");
        made
    }

    async fn fire(&self, outbox: &Outbox, task: &Task) {
        self.clock.set(instant(DUE));
        let at = self.clock.now();
        let timer = timer::Timer { at, target: timer::TimerTarget::Task(task.id) };
        self.handle(outbox, timer).await.expect("the message is handled");
    }

    async fn change_user(&self, id: taskbell_domain::id::UserId, change: impl Fn(&mut User)) {
        let mut stored = self.store.user(id).await.expect("no store error").expect("the user");
        let read = stored.version;
        change(&mut stored);
        stored.version += 1;
        self.store.replace_user(&stored, read, None).await.expect("no store error");
    }

    /// Status, reason and feedback of the reminders of a task, as a user sees them in the delivery log.
    async fn seen_by(&self, reader: &User, task: &Task) -> Value {
        let bearer = format!("Bearer {}", self.access_token(reader));
        let event = self.event("list-task-reminders", reader, task).await;
        let answer = self.send(&event.header("authorization", &bearer)).await;
        let reminders = answer.body["items"].as_array().expect("reminders");
        let mut results: Vec<_> =
            reminders.iter().map(|r| json!([r["status"], r["reason"], r["feedback"]])).collect();
        results.sort_by_key(Value::to_string);
        Value::Array(results)
    }
}

#[tokio::test]
async fn mails_beyond_the_limits_of_sender_and_recipient_are_skipped_with_a_reason() {
    let (collaborator, ada) = (collaborator(), user(1));
    for (limit, key, sent) in [
        (MAILS_BETWEEN, RateLimitKey::pair(ada.id, collaborator.id), 1),
        (MAILS_TO_OTHERS, RateLimitKey::user(ada.id), 1),
        (SHARED_MAILS, RateLimitKey::user(collaborator.id), 1),
        // Limits of personal and shared mails are independent.
        (OWN_MAILS, RateLimitKey::user(collaborator.id), 2),
        (OWN_MAILS, RateLimitKey::user(ada.id), 2),
    ] {
        let (world, ada, _) = World::seeded().await;
        let task = world.assigned(&ada).await;
        world.leave(&limit, &key, 1).await;
        let outbox = Outbox::default();
        world.fire(&outbox, &task).await;
        assert_eq!(outbox.sent().len(), sent, "{}", limit.name);
        let log = world.seen_by(&collaborator, &task).await;
        let (mail, skipped) = (json!(["sent", null, null]), json!(["skipped", "too_many_mails", null]));
        if sent == 1 {
            for (other, whose) in [
                (MAILS_BETWEEN, RateLimitKey::pair(ada.id, collaborator.id)),
                (MAILS_TO_OTHERS, RateLimitKey::user(ada.id)),
                (SHARED_MAILS, RateLimitKey::user(collaborator.id)),
            ] {
                if other.name != limit.name {
                    assert!(world.used(&other, &whose).await <= 1, "{}", other.name);
                }
            }
        }
        let expected = if sent == 2 { json!([mail, mail]) } else { json!([mail, skipped]) };
        assert_eq!(log, expected, "{}", limit.name);
        world.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(world.used(&limit, &key).await, 0, "another day");
    }
}

#[tokio::test]
async fn reminders_of_personal_tasks_have_a_separate_limit() {
    let (world, ada, _) = World::seeded().await;
    let task = world.create(60, &ada, due_draft("Own", DUE, &["PT0S", "PT30S"])).await;
    world.leave(&OWN_MAILS, &RateLimitKey::user(ada.id), 1).await;
    let outbox = Outbox::default();
    world.fire(&outbox, &task).await;
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn a_mail_that_ses_did_not_accept_does_not_count() {
    for error in [MailError::Deferred("paused".to_owned()), MailError::Refused("no".to_owned())] {
        let (world, ada, _) = World::seeded().await;
        let task = world.create(60, &ada, due_draft("Own", DUE, &["PT0S"])).await;
        let outbox = Outbox::default();
        outbox.fail_next(error);
        world.fire(&outbox, &task).await;
        assert_eq!(world.used(&OWN_MAILS, &RateLimitKey::user(ada.id)).await, 0);
    }
}

#[tokio::test]
async fn an_unverified_address_gets_a_limited_number_of_mails_per_day() {
    let (world, ada, _) = World::seeded().await;
    world.change_user(ada.id, |ada| ada.email_verified_at = None).await;
    let outbox = Outbox::default();
    for number in 0..u64::from(CODES_TO_ADDRESS.max + VERIFICATIONS_OF_ADDRESS.max) + 6 {
        let kind = match number % 2 {
            0 => NotificationKind::Verification { to: ada.id },
            _ => NotificationKind::Code {
                to: ada.id,
                purpose: taskbell_domain::one_time_code::Purpose::PasswordReset,
                address: None,
                secret_hash: None,
            },
        };
        let made = notification(500 + number, kind);
        world.store.add_notification(&made, None).await.expect("no store error");
        world.handle(&outbox, made.timer().expect("a timer")).await.expect("the message is handled");
    }
    let max = CODES_TO_ADDRESS.max + VERIFICATIONS_OF_ADDRESS.max;
    assert_eq!(outbox.sent().len(), max as usize);
}

#[tokio::test]
async fn only_the_recipient_sees_why_a_mail_was_not_delivered() {
    let causes: [Cause; 5] = [
        ("account_disabled", |collaborator| collaborator.disabled_at = Some(now())),
        ("mail_off", |collaborator| collaborator.mail.set(MailKind::Reminders, false)),
        ("unverified", |collaborator| collaborator.email_verified_at = None),
        ("bounced", |collaborator| {
            collaborator.mail_stopped =
                Some(MailSuppression { reason: SuppressionReason::Bounced, at: now() })
        }),
        ("complained", |collaborator| {
            collaborator.mail_stopped =
                Some(MailSuppression { reason: SuppressionReason::Complained, at: now() })
        }),
    ];
    for (reason, cause) in causes {
        let (world, ada, _) = World::seeded().await;
        let task = world.assigned(&ada).await;
        world.change_user(collaborator().id, cause).await;
        world.fire(&Outbox::default(), &task).await;
        // A blocked user sees nothing.
        world.change_user(collaborator().id, |collaborator| collaborator.disabled_at = None).await;
        let expected = |reason: &str| {
            let one = json!(["skipped", reason, null]);
            json!([one, one])
        };
        assert_eq!(world.seen_by(&ada, &task).await, expected("not_delivered"), "{reason}");
        assert_eq!(world.seen_by(&collaborator(), &task).await, expected(reason), "{reason}");
        // A new assignee does not see it either.
        let mut moved = world.stored(task.id).await;
        let read = moved.revision;
        (moved.assigned_to, moved.revision) = (Some(ada.id), read + 1);
        let also = taskbell_domain::ports::AtomicExtras::default();
        taskbell_domain::ports::TaskChanges::replace(&world.store, &moved, read, also)
            .await
            .expect("no store error");
        assert_eq!(world.seen_by(&ada, &task).await, expected("not_delivered"), "{reason}");
    }
}

/// A series of user 1 in a shared space that completes automatically, assigned to the collaborator.
async fn auto_completing_series(world: &World, ada: &User) -> Task {
    let mut draft = due_draft("Over and over", "2026-02-01T08:00:00Z", &[]);
    draft.recurrence = Some(Rule::parse("FREQ=DAILY").expect("a rule"));
    draft.auto_complete_after = Some(AutoComplete::parse("PT1M").expect("a duration"));
    let made = Task {
        space: space(1, ada).0.id,
        assigned_to: Some(collaborator().id),
        ..task(51, ada, draft)
    };
    taskbell_domain::ports::TaskCreation::create(&world.store, &made, None, None)
        .await
        .expect("no store error");
    made
}

#[tokio::test]
async fn a_series_pauses_while_its_creator_is_disabled() {
    let (world, ada, _) = World::seeded().await;
    let series = auto_completing_series(&world, &ada).await;
    let complete = async || {
        let timer = world.stored(series.id).await.timer().expect("a timer");
        world.clock.set(timer.at);
        world.handle(&Outbox::default(), timer).await.expect("the message is handled");
        timer.at
    };
    world.change_user(ada.id, |ada| ada.disabled_at = Some(now())).await;
    let mut last = now();
    for _ in 0..3 {
        let at = complete().await;
        let paused = world.stored(series.id).await;
        assert_eq!((paused.status, paused.next_occurrence), (Status::Pending, None));
        assert_eq!(paused.timer().expect("a timer").at, at + SignedDuration::from_hours(24));
        last = at;
    }
    world.change_user(ada.id, |ada| ada.disabled_at = None).await;
    assert_eq!(complete().await, last + SignedDuration::from_hours(24));
    let done = world.stored(series.id).await;
    assert_eq!(done.status, Status::Completed);
    let next = world.stored(done.next_occurrence.expect("the next one")).await;
    assert!(next.due_at > Some(last) && next.completion_postponed_until.is_none(), "{:?}", next.due_at);
}

#[tokio::test]
async fn an_inherited_assignment_counts_against_the_limit() {
    for by_hand in [false, true] {
        for (left, inherited) in [(1, Some(collaborator().id)), (0, None)] {
            let (world, ada, _) = World::seeded().await;
            let series = auto_completing_series(&world, &ada).await;
            world.leave(&ASSIGNMENTS, &RateLimitKey::user(ada.id), left).await;
            if by_hand {
                let done = world.send(&world.event("complete-task", &ada, &series).await).await;
                assert_eq!(done.status, 200, "{}", done.body);
            } else {
                let timer = series.timer().expect("a timer");
                world.clock.set(timer.at);
                world.handle(&Outbox::default(), timer).await.expect("the message is handled");
            }
            let done = world.store.task(series.id).await.expect("no store error").expect("the task");
            let next = world.stored(done.next_occurrence.expect("the next one")).await;
            assert_eq!(next.assigned_to, inherited, "{by_hand} {left}");
            let used = world.used(&ASSIGNMENTS, &RateLimitKey::user(ada.id)).await;
            assert_eq!(used, ASSIGNMENTS.max - left + 1);
        }
    }
}
