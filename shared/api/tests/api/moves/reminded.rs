//! Reminders and series of tasks that move.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    clock::Clock as _,
    delivery::{DeliveryStatus, Reason},
    id::SpaceId,
    ports::{Mail, MailError, Mailer, TaskCreation as _},
    recurrence::{AutoComplete, Rule},
    task::{Completion, Status, Task},
};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{due_draft, now, task, user},
};

use super::shared;
use crate::{
    reminders::{DUE, due_in_90_seconds},
    support::{World, collaborator},
};

/// Moves the task while its mail is being sent.
struct Mover<'a> {
    world: &'a World,
    task: Task,
    to: SpaceId,
    outbox: Outbox,
}

impl Mailer for Mover<'_> {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let moved = self.world.move_to_space(&user(1), &self.task, self.to).await;
        assert_eq!(moved.status, 200, "{}", moved.body);
        self.outbox.send(mail).await
    }
}

#[tokio::test]
async fn a_reminder_that_is_claimed_while_its_task_moves_is_sent_once() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    world.share(&ada).await;
    world.dispatch().await;
    world.queue.take();
    world.clock.set(DUE.parse().expect("a time"));
    let outbox = Outbox::default();
    let mover = Mover { world: &world, task: task.clone(), to: shared(), outbox };
    world.handle(&mover, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(world.stored(task.id).await.space, shared());
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
    for _ in 0..20 {
        world.tick(&mover.outbox).await;
    }
    let sent = mover.outbox.sent();
    let is_reminder =
        |mail: &&Mail| String::from_utf8_lossy(&mail.message).contains("Subject: Reminder");
    assert_eq!(sent.iter().filter(is_reminder).count(), 1);
}

#[tokio::test]
async fn a_reminder_goes_to_who_may_read_the_task_where_it_is() {
    let eve = collaborator();
    for (assigned, to_personal, recipient) in [
        (false, false, "user1@example.com"),
        (true, false, "user900@example.com"),
        // Nobody else can read it there.
        (false, true, "user900@example.com"),
        (true, true, "user900@example.com"),
    ] {
        let world = World::on(MemoryStore::default());
        let ada = world.register(1).await;
        world.share(&ada).await;
        let mut draft = due_draft("Ring", DUE, &["PT0S"]);
        draft.assigned_to = assigned.then_some(eve.id);
        let mut made = task(5, &ada, draft);
        if to_personal {
            made.space = shared();
        }
        world.store.create(&made, None, None).await.expect("an answer");
        let (by, to) = match to_personal {
            true => (&eve, SpaceId::personal(eve.id)),
            false => (&ada, shared()),
        };
        let moved = world.move_to_space(by, &made, to).await;
        // An assignment in a personal space is no longer possible; this one was stored.
        assert_eq!((moved.status, &moved.body["space"]), (200, &json!(to)), "{}", moved.body);
        let outbox = Outbox::default();
        world.clock.set(DUE.parse().expect("a time"));
        world.queue.take();
        world.handle(&outbox, made.timer().expect("a timer")).await.expect("it is handled");
        let sent = outbox.sent();
        let to: Vec<_> = sent.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(to, [recipient], "{assigned} {to_personal}");
    }
}

#[tokio::test]
async fn what_became_of_a_mail_to_someone_else_stays_private_after_a_move() {
    let (world, ada, _) = World::seeded().await;
    let mut made = task(5, &ada, due_draft("Ring", DUE, &["PT0S"]));
    made.space = shared();
    made.assigned_to = Some(collaborator().id);
    let delivery = &mut made.reminders[0].delivery;
    delivery.end(DeliveryStatus::Skipped, Some(Reason::MailOff));
    delivery.recipient = Some(collaborator().id);
    world.store.create(&made, None, None).await.expect("an answer");
    let log = async || world.as_user("list-task-reminders", &ada, &made).await.body["items"][0].clone();
    assert_eq!(log().await["reason"], "not_delivered");
    assert_eq!(world.move_to_space(&ada, &made, SpaceId::personal(ada.id)).await.status, 200);
    assert_eq!(log().await["reason"], "not_delivered");
}

#[tokio::test]
async fn a_series_goes_on_in_the_space_to_which_it_has_moved() {
    let (world, ada, _) = World::seeded().await;
    for by_timer in [false, true] {
        let mut draft = due_draft("Wind the clock", "2026-03-01T08:30:00Z", &["PT0S"]);
        draft.recurrence = Some(Rule::parse("FREQ=DAILY;COUNT=9").expect("a rule"));
        draft.auto_complete_after = AutoComplete::parse("PT1H").ok().filter(|_| by_timer);
        let made = world.create(if by_timer { 6 } else { 5 }, &ada, draft).await;
        let skipped = world.as_user("skip-task", &ada, &made).await;
        assert_eq!((skipped.status, &skipped.body["occurrence"]), (200, &json!(2)));
        let moved = world.move_to_space(&ada, &made, shared()).await.body;
        assert_eq!((&moved["occurrence"], &moved["due"]), (&json!(2), &skipped.body["due"]));
        if by_timer {
            world.clock.set(now() + SignedDuration::from_hours(26));
            let timer = world.stored(made.id).await.timer().expect("a timer");
            assert!(timer.at <= world.clock.now());
            world.handle(&Outbox::default(), timer).await.expect("it is handled");
        } else {
            assert_eq!(world.as_user("complete-task", &ada, &made).await.status, 200);
        }
        let done = world.stored(made.id).await;
        assert_eq!(done.status, Status::Completed);
        let by = if by_timer { Completion::Timer } else { Completion::Person };
        assert_eq!(done.completed_by, Some(by));
        let next = world.stored(done.next_occurrence.expect("the next one")).await;
        let number = next.recurrence.as_ref().map(|series| series.number);
        assert_eq!((next.space, number), (shared(), Some(3)));
        // The completed occurrence can move by itself.
        assert_eq!(world.move_to_space(&ada, &done, made.space).await.status, 200);
        assert_eq!(world.stored(next.id).await.space, shared());
    }
}
