//! The reminder protocol, step by step and under random schedules of crashes and races.

use jiff::SignedDuration;
use proptest::prelude::*;
use taskbell_domain::{
    delivery::{DeliveryStatus, LEASE, MAX_ATTEMPTS, MAX_LATENESS, Outcome, Reason, UNCERTAIN_WAIT},
    task::{Claim, Status, Step, Task, TaskPatch},
    timer::{Timer, TimerTarget},
};
use taskbell_test::{
    SeededRandom,
    fixtures::{due_draft, instant, now, task, user},
};

fn chance() -> SeededRandom {
    SeededRandom::new(3)
}

/// A task with one reminder, due at [`now`].
fn ringing() -> Task {
    task(1, &user(1), due_draft("t", "2026-03-01T08:00:00Z", &["PT0S"]))
}

fn claim(task: &mut Task, at: jiff::Timestamp) -> Claim {
    match task.begin_delivery(at, &chance()) {
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
fn nothing_rings_before_its_moment() {
    let mut early = ringing();
    assert_eq!(early.begin_delivery(now() - SignedDuration::from_secs(1), &chance()), Step::Idle);
    assert_eq!(early, ringing());
}

#[test]
fn a_claimed_reminder_is_sent_once_and_then_leaves_nothing_to_do() {
    let mut rung = ringing();
    let held = claim(&mut rung, now());
    assert_eq!(rung.begin_delivery(now(), &chance()), Step::Idle, "somebody else has it");
    assert_eq!(rung.timer().expect("the lease").at, now() + LEASE);
    assert!(rung.finish_delivery(held, &accepted(), now()));
    assert_eq!((status(&rung), rung.timer()), (DeliveryStatus::Sent, None));
    assert_eq!(rung.reminders[0].delivery.message_id.as_deref(), Some("m-1"));
    assert!(!rung.finish_delivery(held, &accepted(), now()), "recorded once");
}

#[test]
fn a_lost_worker_leaves_the_reminder_uncertain_and_it_is_sent_again_after_the_wait() {
    let mut lost = ringing();
    let first = claim(&mut lost, now());
    let lease_end = now() + LEASE;
    assert_eq!(lost.begin_delivery(lease_end, &chance()), Step::Recorded);
    assert_eq!(status(&lost), DeliveryStatus::Uncertain);
    assert_eq!(lost.begin_delivery(lease_end, &chance()), Step::Idle);
    let second = claim(&mut lost, lease_end + UNCERTAIN_WAIT);
    assert!(second.fence > first.fence);
    assert!(!lost.finish_delivery(first, &accepted(), now()), "the first claim no longer holds");
    assert!(lost.finish_delivery(second, &accepted(), now()));
    assert_eq!((status(&lost), lost.reminders[0].delivery.attempts), (DeliveryStatus::Sent, 2));
}

#[test]
fn late_news_resolves_an_uncertain_reminder() {
    let mut slow = ringing();
    let held = claim(&mut slow, now());
    slow.begin_delivery(now() + LEASE, &chance());
    assert!(slow.finish_delivery(held, &accepted(), now() + LEASE));
    assert_eq!((status(&slow), slow.timer()), (DeliveryStatus::Sent, None));
}

#[test]
fn a_refusal_is_tried_again_later_and_later_and_then_has_failed() {
    let mut refused = ringing();
    let mut at = now();
    let mut waits = Vec::new();
    for _ in 1..MAX_ATTEMPTS {
        let held = claim(&mut refused, at);
        assert!(refused.finish_delivery(held, &Outcome::Refused, at));
        let next = refused.timer().expect("another attempt").at;
        waits.push(next.duration_since(at).as_secs());
        at = next;
    }
    let apart = i64::from(refused.id.jitter_seed());
    assert!((1..32).contains(&apart), "a task that stands apart from others");
    assert_eq!(waits, [30, 60, 120, 240].map(|wait| wait + apart));
    let held = claim(&mut refused, at);
    refused.finish_delivery(held, &Outcome::Refused, at);
    assert_eq!((status(&refused), refused.timer()), (DeliveryStatus::Failed, None));
    assert_eq!(refused.reminders[0].delivery.reason, Some(Reason::Refused));
}

#[test]
fn a_reminder_a_day_late_is_sent_and_one_later_still_is_skipped() {
    let mut late = ringing();
    claim(&mut late, now() + MAX_LATENESS);
    let mut ancient = ringing();
    let beyond = now() + MAX_LATENESS + SignedDuration::from_secs(1);
    assert_eq!(ancient.begin_delivery(beyond, &chance()), Step::Recorded);
    assert_eq!((status(&ancient), ancient.timer()), (DeliveryStatus::Skipped, None));
    assert_eq!(ancient.reminders[0].delivery.reason, Some(Reason::TooOld));
}

#[test]
fn a_task_completed_while_its_reminder_is_being_sent_records_what_came_of_it() {
    for (outcome, expected) in [
        (accepted(), DeliveryStatus::Sent),
        (Outcome::Refused, DeliveryStatus::Skipped),
        (Outcome::Unknown, DeliveryStatus::Uncertain),
    ] {
        let mut done = ringing();
        let held = claim(&mut done, now());
        complete(&mut done);
        assert!(done.finish_delivery(held, &outcome, now()));
        assert_eq!((status(&done), done.timer()), (expected, None), "{outcome:?}");
    }
}

#[test]
fn a_delay_is_rounded_up_so_that_nothing_is_delivered_early() {
    let timer = Timer { at: instant("2026-03-01T08:00:10Z"), subject: TimerTarget::Task(ringing().id) };
    assert_eq!(timer.delay_seconds(now()), 10);
    assert_eq!(timer.delay_seconds(instant("2026-03-01T08:00:09.001Z")), 1);
    assert_eq!(timer.delay_seconds(instant("2026-03-01T09:00:00Z")), 0);
}

/// What a worker may do next in a random schedule.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A timer arrives, on time or late by so many seconds; the worker claims and then…
    Deliver(Fate),
    /// The task is completed.
    Complete,
    /// The clock moves.
    Wait(i64),
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Sends,
    CrashesBeforeSending,
    CrashesAfterSending,
    IsRefused,
    LosesTheAnswer,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        prop_oneof![
            Just(Fate::Sends),
            Just(Fate::CrashesBeforeSending),
            Just(Fate::CrashesAfterSending),
            Just(Fate::IsRefused),
            Just(Fate::LosesTheAnswer),
        ]
        .prop_map(Event::Deliver),
        Just(Event::Complete),
        (0..700_i64).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn it_is_sent_at_most_once_unless_uncertain_and_never_lost(
        events in proptest::collection::vec(event(), 0..40),
    ) {
        let mut task = ringing();
        let mut at = now();
        let (mut accepted_mails, mut doubtful, mut completed) = (0, 0, false);
        let mut deliver = |task: &mut Task, at: jiff::Timestamp, fate: Fate, completed: bool| {
            for round in 0.. {
                assert!(round < 100, "it has no end");
                let step = task.begin_delivery(at, &chance());
                if !matches!(step, Step::Send(_) | Step::Recorded) {
                    break;
                }
                let Step::Send(claim) = step else { continue };
                assert!(!completed, "nothing is sent for a completed task");
                assert!(claim.fire_at <= at, "nothing is sent early");
                let outcome = match fate {
                    Fate::CrashesBeforeSending => { doubtful += 1; continue }
                    Fate::CrashesAfterSending => { accepted_mails += 1; doubtful += 1; continue }
                    Fate::LosesTheAnswer => { accepted_mails += 1; doubtful += 1; Outcome::Unknown }
                    Fate::IsRefused => Outcome::Refused,
                    Fate::Sends => { accepted_mails += 1; accepted() }
                };
                task.finish_delivery(claim, &outcome, at);
            }
        };
        for event in events {
            match event {
                Event::Deliver(fate) => deliver(&mut task, at, fate, completed),
                Event::Complete => { complete(&mut task); completed = true; }
                Event::Wait(seconds) => at += SignedDuration::from_secs(seconds),
            }
        }
        // The sweep comes back until no timer is left.
        for _ in 0..20 {
            let Some(timer) = task.timer() else { break };
            at = at.max(timer.at);
            deliver(&mut task, at, Fate::Sends, completed);
        }
        prop_assert_eq!(task.timer(), None, "nothing is left waiting");
        prop_assert!(accepted_mails <= 1 + doubtful, "a second mail needs a doubt");
        match status(&task) {
            DeliveryStatus::Sent => prop_assert!(accepted_mails >= 1),
            DeliveryStatus::Uncertain => prop_assert!(doubtful > 0),
            DeliveryStatus::Skipped => prop_assert!(completed || task.reminders[0].delivery.reason == Some(Reason::TooOld)),
            DeliveryStatus::Failed => prop_assert!(task.reminders[0].delivery.attempts >= MAX_ATTEMPTS),
            other => prop_assert!(false, "left as {other:?}"),
        }
    }
}
