//! Dispatcher and worker together: each reminder is sent once.

use futures_util::future::join;
use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{
    mail::{MailContext, Sender, SenderName},
    workers::{
        Pace, dispatch_due_timers,
        send_reminders::{DeliveryError, Worker, handle_batch},
    },
};
use taskbell_domain::{
    clock::Clock,
    delivery::{DeliveryStatus, MAX_ATTEMPTS, Reason, UNCERTAIN_WAIT},
    email::EmailAddress,
    ports::{MailError, Mailer, ProfileChanges, Replaced},
    task::Task,
    timer::{Timer, TimerTarget},
    user::{MailKind, User, UserPatch},
};
use taskbell_test::{
    MemoryStore, Outbox,
    contract::Store,
    fixtures::{due_draft, instant},
};
use taskbell_test_aws::Server;

use crate::support::{World, link_keys};

/// The due time of [`due_in_90_seconds`].
pub(crate) const DUE: &str = "2026-03-01T08:01:30Z";

pub(crate) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub(crate) fn mail_context() -> MailContext {
    let address = EmailAddress::parse("taskbell@example.com").expect("an address");
    let name = SenderName::parse("Taskbell").expect("a name");
    let sender = Sender { address, name, reply_to: None };
    MailContext { sender, api_url: "https://api.example.com".to_owned(), link_keys: link_keys() }
}

/// A task of user 1 with a reminder at [`DUE`].
pub(crate) async fn due_in_90_seconds<S: Store>(world: &World<S>) -> (User, Task) {
    let ada = world.register(1).await;
    let task = world.create(1, &ada, due_draft("Ring", DUE, &["PT0S"])).await;
    (ada, task)
}

impl<S: Store> World<S> {
    /// Runs the dispatcher. Returns the number of queued timers.
    pub(crate) async fn dispatch(&self) -> usize {
        let deadline = self.clock.now() + minutes(1);
        let dispatched =
            dispatch_due_timers::handle(&self.store, &self.queue, &self.clock, deadline).await;
        dispatched.expect("nothing fails here")
    }

    pub(crate) async fn handle(&self, mailer: &impl Mailer, timer: Timer) -> Result<(), DeliveryError> {
        let (mail, deadline) = (&mail_context(), self.clock.now() + minutes(1));
        let worker = Worker {
            store: &self.store,
            queue: &self.queue,
            mailer,
            clock: &self.clock,
            random: &self.random,
            mail,
            pace: &Pace::unlimited(),
            deadline,
        };
        worker.handle(&serde_json::to_string(&timer).expect("JSON")).await
    }

    /// Handles all messages in the queue, which must be due. Returns their number.
    pub(crate) async fn deliver(&self, mailer: &impl Mailer) -> usize {
        let timers = self.queue.take();
        for timer in &timers {
            assert!(timer.at <= self.clock.now(), "SQS would not deliver it before its time");
            self.handle(mailer, *timer).await.expect("the message is handled");
        }
        timers.len()
    }

    /// Handles messages until the queue is empty.
    pub(crate) async fn deliver_all(&self, mailer: &impl Mailer) {
        for _ in 0..100 {
            if self.deliver(mailer).await == 0 {
                return;
            }
        }
        panic!("the queue never becomes empty");
    }

    /// Runs the dispatcher, advances the clock by a minute, and handles the messages that are due.
    pub(crate) async fn tick(&self, mailer: &impl Mailer) {
        self.dispatch().await;
        self.clock.advance(minutes(1));
        let timers = self.queue.take();
        let (due, later): (Vec<_>, Vec<_>) = timers.into_iter().partition(|t| t.at <= self.clock.now());
        for timer in due {
            self.handle(mailer, timer).await.expect("the message is handled");
        }
        for timer in later {
            taskbell_domain::ports::TimerQueue::enqueue(&self.queue, &[timer], timer.at)
                .await
                .expect("queued");
        }
    }

    pub(crate) async fn reminder(&self, task: &Task) -> (DeliveryStatus, Option<Reason>, u32) {
        let task = self.stored(task.id).await;
        let reminder = &task.reminders[0];
        (reminder.delivery.status, reminder.delivery.reason, reminder.delivery.attempts)
    }
}

async fn check_sent_once_with_repeated_dispatch_runs<S: Store>(world: &World<S>) {
    let (_, task) = due_in_90_seconds(world).await;
    let outbox = Outbox::default();
    assert_eq!(world.dispatch().await, 1);
    assert_eq!(world.dispatch().await, 0, "it is postponed");
    world.clock.set(instant(DUE));
    assert_eq!(world.deliver(&outbox).await, 1);
    assert_eq!(outbox.sent().len(), 1);
    for _ in 0..15 {
        world.tick(&outbox).await;
    }
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
}

async fn check_sent_once_with_a_lost_message<S: Store>(world: &World<S>) {
    let (_, task) = due_in_90_seconds(world).await;
    let outbox = Outbox::default();
    assert_eq!(world.dispatch().await, 1);
    world.queue.take(); // the message is lost
    for _ in 0..20 {
        world.tick(&outbox).await;
    }
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
    let message = String::from_utf8(outbox.sent()[0].message.clone()).expect("UTF-8");
    assert!(message.contains("This reminder is late"), "{message}");
}

#[tokio::test]
async fn a_reminder_is_sent_once_if_the_dispatcher_runs_repeatedly() {
    check_sent_once_with_repeated_dispatch_runs(&World::on(MemoryStore::default())).await;
}

#[tokio::test]
async fn a_reminder_is_sent_once_on_dynamodb() {
    let server = Server::start().await;
    check_sent_once_with_repeated_dispatch_runs(&World::on(server.store(server.client()))).await;
}

#[tokio::test]
async fn a_reminder_is_sent_although_its_message_is_lost() {
    check_sent_once_with_a_lost_message(&World::on(MemoryStore::default())).await;
}

#[tokio::test]
async fn a_reminder_is_sent_although_its_message_is_lost_on_dynamodb() {
    let server = Server::start().await;
    check_sent_once_with_a_lost_message(&World::on(server.store(server.client()))).await;
}

#[tokio::test]
async fn two_workers_with_the_same_message_send_one_mail() {
    // On DynamoDB each call waits, so that both read the task before either writes it.
    let server = Server::start().await;
    let world = World::on(server.store(server.client()));
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    world.clock.set(instant(DUE));
    let timer = task.timer().expect("a timer");
    let (one, other) = join(world.handle(&outbox, timer), world.handle(&outbox, timer)).await;
    one.and(other).expect("both messages are handled");
    assert_eq!(outbox.sent().len(), 1);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
}

#[tokio::test]
async fn a_message_that_arrives_early_is_requeued_until_its_time() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let (outbox, timer) = (Outbox::default(), task.timer().expect("a timer"));
    world.handle(&outbox, timer).await.expect("the message is handled");
    assert_eq!((outbox.sent().len(), world.queue.take()), (0, vec![timer]));
}

#[tokio::test]
async fn the_worker_enqueues_the_next_reminder_of_a_task_if_it_is_soon() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let due = "2026-03-01T08:02:00Z";
    let task = world.create(1, &ada, due_draft("Ring", due, &["PT1M", "PT0S"])).await;
    let outbox = Outbox::default();
    world.clock.set(instant("2026-03-01T08:01:00Z"));
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(world.queue.take(), [Timer { at: instant(due), target: TimerTarget::Task(task.id) }]);
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_for_a_task_that_was_completed_moved_or_deleted() {
    for change in ["complete", "move", "delete"] {
        let world = World::on(MemoryStore::default());
        let (ada, task) = due_in_90_seconds(&world).await;
        world.dispatch().await;
        let (name, body) = match change {
            "complete" => ("complete-task", json!({})),
            "move" => ("update-task", json!({"due": "2026-03-09T09:00:00Z"})),
            _ => ("delete-task", json!({})),
        };
        let answer = world.send(&world.event(name, &ada, &task).await.body(&body)).await;
        assert!(answer.status < 300, "{change}");
        let outbox = Outbox::default();
        world.clock.set(instant(DUE));
        world.deliver(&outbox).await;
        for _ in 0..15 {
            world.tick(&outbox).await;
        }
        assert_eq!(outbox.sent().len(), 0, "{change}");
    }
}

#[tokio::test]
async fn a_reminder_is_skipped_as_mail_off_if_the_user_turned_mail_off() {
    let world = World::on(MemoryStore::default());
    let (mut ada, task) = due_in_90_seconds(&world).await;
    ada.apply(
        UserPatch { mail: vec![(MailKind::Reminders, false)], ..UserPatch::default() },
        world.clock.now(),
    );
    assert_eq!(
        world.store.replace_user(&ada, 1, None).await.expect("no store error"),
        Replaced::Stored
    );
    let outbox = Outbox::default();
    world.clock.set(instant(DUE));
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(outbox.sent().len(), 0);
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Skipped, Some(Reason::MailOff), 0));
    let log = world.send(&world.event("list-task-reminders", &ada, &task).await).await.body;
    assert_eq!(log["items"][0]["reason"], "mail_off");
}

#[tokio::test]
async fn a_lost_response_makes_a_reminder_uncertain_and_it_is_sent_again_after_five_minutes() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    outbox.fail_next(MailError::Unknown("timeout".to_owned()));
    world.clock.set(instant(DUE));
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Uncertain, None, 1));
    let again = world.stored(task.id).await.timer().expect("a timer");
    assert_eq!(again.at, instant(DUE) + UNCERTAIN_WAIT);
    world.clock.set(again.at);
    world.handle(&outbox, again).await.expect("the message is handled");
    assert_eq!(outbox.sent().len(), 2, "this is how a reminder can be sent twice");
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 2));
}

#[tokio::test]
async fn a_refused_mail_is_retried_and_finally_fails() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    for _ in 0..MAX_ATTEMPTS {
        outbox.fail_next(MailError::Refused("MessageRejected".to_owned()));
    }
    let mut timers = 0;
    while let Some(timer) = world.stored(task.id).await.timer() {
        assert!(timers < 100, "it does not end");
        world.clock.set(timer.at);
        world.handle(&outbox, timer).await.expect("the message is handled");
        timers += 1;
    }
    assert_eq!((timers, outbox.sent().len()), (MAX_ATTEMPTS, 0));
    let failed = (DeliveryStatus::Failed, Some(Reason::Refused), MAX_ATTEMPTS);
    assert_eq!(world.reminder(&task).await, failed);
}

#[tokio::test]
async fn an_invalid_message_does_not_fail_its_batch() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let mut event = world.event("send-reminders", &ada, &task).await.json;
    let good = event["Records"][0].clone();
    let bodies =
        [json!("{}"), json!("not JSON"), json!(null), good["body"].clone(), json!("{\"at\":1}")];
    event["Records"] = bodies
        .into_iter()
        .enumerate()
        .map(|(index, body)| {
            let mut record = good.clone();
            record["messageId"] = json!(format!("m{index}"));
            record["body"] = body;
            record
        })
        .collect();
    let (outbox, mail, deadline) = (Outbox::default(), mail_context(), world.clock.now() + minutes(1));
    let (store, queue, clock) = (&world.store, &world.queue, &world.clock);
    let random = &world.random;
    let worker = Worker {
        store,
        queue,
        mailer: &outbox,
        clock,
        random,
        mail: &mail,
        pace: &Pace::unlimited(),
        deadline,
    };
    let answer = handle_batch(&worker, serde_json::from_value(event).expect("an SQS event")).await;
    let failed: Vec<_> =
        answer.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
    assert_eq!(failed, ["m0", "m1", "m2", "m4"]);
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn a_throttled_mail_waits_and_is_finally_sent() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    for _ in 0..3 * MAX_ATTEMPTS {
        outbox.fail_next(MailError::Deferred("Throttling".to_owned()));
    }
    let mut waits = 0;
    while let Some(timer) = world.stored(task.id).await.timer() {
        assert!(waits < 100, "it does not end");
        world.clock.set(timer.at);
        world.handle(&outbox, timer).await.expect("the message is handled");
        waits += 1;
    }
    assert_eq!((waits, outbox.sent().len()), (3 * MAX_ATTEMPTS + 1, 1));
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
}

#[tokio::test]
async fn no_delivery_starts_without_time_to_finish() {
    let world = World::on(MemoryStore::default());
    let (_, task) = due_in_90_seconds(&world).await;
    world.clock.set(instant(DUE));
    let (outbox, mail) = (Outbox::default(), mail_context());
    let (store, queue, clock) = (&world.store, &world.queue, &world.clock);
    let random = &world.random;
    let deadline = world.clock.now() + SignedDuration::from_secs(19);
    let worker = Worker {
        store,
        queue,
        mailer: &outbox,
        clock,
        random,
        mail: &mail,
        pace: &Pace::unlimited(),
        deadline,
    };
    let message = serde_json::to_string(&task.timer().expect("a timer")).expect("JSON");
    assert!(matches!(worker.handle(&message).await, Err(DeliveryError::OutOfTime)));
    assert_eq!((world.stored(task.id).await, outbox.sent().len()), (task, 0));
}

#[tokio::test]
async fn a_timer_that_the_queue_refuses_is_found_by_the_next_dispatch_run() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    let other = world.create(2, &ada, due_draft("Ring too", DUE, &["PT0S"])).await;
    world.queue.refuse(Some(TimerTarget::Task(task.id)));
    assert_eq!(world.dispatch().await, 1);
    let queued: Vec<_> = world.queue.take().iter().map(|timer| timer.target).collect();
    assert_eq!(queued, [TimerTarget::Task(other.id)]);
    world.queue.refuse(None);
    assert_eq!(world.dispatch().await, 1, "a refused timer is not postponed");
}
