//! The delivery of reminders, step by step and under random schedules of crashes.

use jiff::SignedDuration;
use proptest::prelude::*;
use taskbell_domain::{
    delivery::{
        Begun, DeliveryStatus, LEASE, MAX_ATTEMPTS, MAX_LATENESS, Outcome, Reason, UNCERTAIN_WAIT,
    },
    task::{Claim, Status, Step, Task, TaskPatch},
    timer::{Timer, TimerTarget},
};
use taskbell_test::{
    SeededRandom,
    fixtures::{due_draft, instant, now, task, user},
};

fn rng() -> SeededRandom {
    SeededRandom::new(3)
}

/// A task with one reminder, due at [`now`].
fn due_now() -> Task {
    task(1, &user(1), due_draft("t", "2026-03-01T08:00:00Z", &["PT0S"]))
}

fn claim(task: &mut Task, at: jiff::Timestamp) -> Claim {
    match task.begin_delivery(at, &rng()) {
        Step::Send(claim) => claim,
        other => panic!("expected a claim, got {other:?}"),
    }
}

fn status(task: &Task) -> DeliveryStatus {
    task.reminders[0].delivery.status
}

fn accepted() -> Outcome {
    Outcome::Accepted("m-1".to_owned())
}

fn complete(task: &mut Task) {
    let patch = TaskPatch { status: Some(Status::Completed), ..TaskPatch::default() };
    task.apply(patch, None, now(), &SeededRandom::new(1)).expect("a valid patch");
}

#[test]
fn no_reminder_is_sent_before_its_time() {
    let mut early = due_now();
    assert_eq!(early.begin_delivery(now() - SignedDuration::from_secs(1), &rng()), Step::Idle);
    assert_eq!(early, due_now());
}

#[test]
fn a_claimed_reminder_is_sent_once() {
    let mut claimed = due_now();
    let held = claim(&mut claimed, now());
    assert_eq!(claimed.begin_delivery(now(), &rng()), Step::Idle, "another worker has claimed it");
    assert_eq!(claimed.timer().expect("the lease").at, now() + LEASE);
    assert!(claimed.finish_delivery(held, &accepted(), now()));
    assert_eq!((status(&claimed), claimed.timer()), (DeliveryStatus::Sent, None));
    assert_eq!(claimed.reminders[0].delivery.message_id.as_deref(), Some("m-1"));
    assert!(!claimed.finish_delivery(held, &accepted(), now()), "the outcome is recorded once");
}

#[test]
fn a_reminder_whose_worker_crashed_is_uncertain_and_is_sent_again_later() {
    let mut lost = due_now();
    let first = claim(&mut lost, now());
    let lease_end = now() + LEASE;
    let ended = lost.begin_delivery(lease_end, &rng());
    assert!(matches!(ended, Step::Recorded(_, Begun::Uncertain)), "{ended:?}");
    assert_eq!(status(&lost), DeliveryStatus::Uncertain);
    assert_eq!(lost.begin_delivery(lease_end, &rng()), Step::Idle);
    let second = claim(&mut lost, lease_end + UNCERTAIN_WAIT);
    assert!(second.fence > first.fence);
    assert!(!lost.finish_delivery(first, &accepted(), now()), "the first claim no longer holds");
    assert!(lost.finish_delivery(second, &accepted(), now()));
    assert_eq!((status(&lost), lost.reminders[0].delivery.attempts), (DeliveryStatus::Sent, 2));
}

#[test]
fn a_late_outcome_resolves_an_uncertain_reminder() {
    let mut slow = due_now();
    let held = claim(&mut slow, now());
    slow.begin_delivery(now() + LEASE, &rng());
    assert!(slow.finish_delivery(held, &accepted(), now() + LEASE));
    assert_eq!((status(&slow), slow.timer()), (DeliveryStatus::Sent, None));
}

#[test]
fn a_refused_reminder_is_retried_with_backoff_and_then_fails() {
    let mut refused = due_now();
    let mut at = now();
    let mut waits = Vec::new();
    for _ in 1..MAX_ATTEMPTS {
        let held = claim(&mut refused, at);
        assert!(refused.finish_delivery(held, &Outcome::Refused, at));
        let next = refused.timer().expect("another attempt").at;
        waits.push(next.duration_since(at).as_secs());
        at = next;
    }
    let jitter = i64::from(refused.id.jitter_seed());
    assert!((1..32).contains(&jitter), "the task has jitter");
    assert_eq!(waits, [30, 60, 120, 240].map(|wait| wait + jitter));
    let held = claim(&mut refused, at);
    refused.finish_delivery(held, &Outcome::Refused, at);
    assert_eq!((status(&refused), refused.timer()), (DeliveryStatus::Failed, None));
    assert_eq!(refused.reminders[0].delivery.reason, Some(Reason::Refused));
}

#[test]
fn a_reminder_is_sent_up_to_a_day_late_and_then_skipped() {
    let mut late = due_now();
    claim(&mut late, now() + MAX_LATENESS);
    let mut too_old = due_now();
    let too_late = now() + MAX_LATENESS + SignedDuration::from_secs(1);
    let ended = too_old.begin_delivery(too_late, &rng());
    assert!(matches!(ended, Step::Recorded(_, Begun::TooOld)), "{ended:?}");
    assert_eq!((status(&too_old), too_old.timer()), (DeliveryStatus::Skipped, None));
    assert_eq!(too_old.reminders[0].delivery.reason, Some(Reason::TooOld));
}

#[test]
fn completing_a_task_while_its_reminder_is_sent_still_records_the_outcome() {
    for (outcome, expected) in [
        (accepted(), DeliveryStatus::Sent),
        (Outcome::Refused, DeliveryStatus::Skipped),
        (Outcome::Unknown, DeliveryStatus::Uncertain),
    ] {
        let mut done = due_now();
        let held = claim(&mut done, now());
        complete(&mut done);
        assert!(done.finish_delivery(held, &outcome, now()));
        assert_eq!((status(&done), done.timer()), (expected, None), "{outcome:?}");
    }
}

#[test]
fn a_delay_is_rounded_up_so_that_no_timer_fires_early() {
    let timer = Timer { at: instant("2026-03-01T08:00:10Z"), target: TimerTarget::Task(due_now().id) };
    assert_eq!(timer.delay_seconds(now()), 10);
    assert_eq!(timer.delay_seconds(instant("2026-03-01T08:00:09.001Z")), 1);
    assert_eq!(timer.delay_seconds(instant("2026-03-01T09:00:00Z")), 0);
}

/// An event of a random schedule.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A timer is delivered, and the attempt to send ends like this.
    Deliver(Attempt),
    /// The task is completed.
    Complete,
    /// Time passes, in seconds.
    Wait(i64),
}

#[derive(Debug, Clone, Copy)]
enum Attempt {
    Sends,
    CrashesBeforeSending,
    CrashesAfterSending,
    IsRefused,
    LosesTheResponse,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        prop_oneof![
            Just(Attempt::Sends),
            Just(Attempt::CrashesBeforeSending),
            Just(Attempt::CrashesAfterSending),
            Just(Attempt::IsRefused),
            Just(Attempt::LosesTheResponse),
        ]
        .prop_map(Event::Deliver),
        Just(Event::Complete),
        (0..700_i64).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn a_reminder_is_never_lost_and_sent_twice_only_if_uncertain(
        events in proptest::collection::vec(event(), 0..40),
    ) {
        let mut task = due_now();
        let mut at = now();
        let (mut accepted_mails, mut uncertain, mut completed) = (0, 0, false);
        let mut deliver = |task: &mut Task, at: jiff::Timestamp, attempt: Attempt, completed: bool| {
            for round in 0.. {
                assert!(round < 100, "there is no end");
                let step = task.begin_delivery(at, &rng());
                if !matches!(step, Step::Send(_) | Step::Recorded(..)) {
                    break;
                }
                let Step::Send(claim) = step else { continue };
                assert!(!completed, "nothing is sent for a completed task");
                assert!(claim.fire_at <= at, "nothing is sent early");
                let outcome = match attempt {
                    Attempt::CrashesBeforeSending => { uncertain += 1; continue }
                    Attempt::CrashesAfterSending => { accepted_mails += 1; uncertain += 1; continue }
                    Attempt::LosesTheResponse => { accepted_mails += 1; uncertain += 1; Outcome::Unknown }
                    Attempt::IsRefused => Outcome::Refused,
                    Attempt::Sends => { accepted_mails += 1; accepted() }
                };
                task.finish_delivery(claim, &outcome, at);
            }
        };
        for event in events {
            match event {
                Event::Deliver(attempt) => deliver(&mut task, at, attempt, completed),
                Event::Complete => { complete(&mut task); completed = true; }
                Event::Wait(seconds) => at += SignedDuration::from_secs(seconds),
            }
        }
        // Dispatch runs continue until no timer is left.
        for _ in 0..20 {
            let Some(timer) = task.timer() else { break };
            at = at.max(timer.at);
            deliver(&mut task, at, Attempt::Sends, completed);
        }
        prop_assert_eq!(task.timer(), None, "no timer is left");
        prop_assert!(accepted_mails <= 1 + uncertain, "a second mail is only sent after an uncertain attempt");
        match status(&task) {
            DeliveryStatus::Sent => prop_assert!(accepted_mails >= 1),
            DeliveryStatus::Uncertain => prop_assert!(uncertain > 0),
            DeliveryStatus::Skipped => prop_assert!(completed || task.reminders[0].delivery.reason == Some(Reason::TooOld)),
            DeliveryStatus::Failed => prop_assert!(task.reminders[0].delivery.attempts >= MAX_ATTEMPTS),
            other => prop_assert!(false, "the delivery has not ended: {other:?}"),
        }
    }
}
