//! Many simultaneous reminders, through dispatcher and worker on DynamoDB. `make scale` measures with more.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use taskbell_api::workers::{
    Pace,
    send_reminders::{Worker, handle_batch},
};
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    clock::Clock,
    delivery::DeliveryStatus,
    ports::{Created, TaskCreation, TaskReads},
    rate_limit::OWN_MAILS,
    timer::Timer,
    user::User,
};
use taskbell_test::{
    Outbox,
    fixtures::{due_draft, now, task},
    template::properties,
};
use taskbell_test_aws::Server;

use crate::{
    budget::AT_ONCE,
    meter::{Cost, Meter},
    reminders::mail_context,
    support::World,
};

/// The number of concurrent workers (`ReminderConcurrency`), as in docs/scale.md.
const WORKERS: usize = 5;

fn number_from(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Stores tasks with a reminder this many seconds after the start, in turns for each owner.
async fn store_tasks(store: &DynamoDb, owners: &[User], fire_times: impl Iterator<Item = (u64, u64)>) {
    stream::iter(fire_times)
        .for_each_concurrent(AT_ONCE, async |(number, seconds)| {
            let due = now() + SignedDuration::from_secs(i64::try_from(seconds).expect("soon"));
            let owner = &owners[number as usize % owners.len()];
            let made = task(number, owner, due_draft("Ring", &due.to_string(), &["PT0S"]));
            assert_eq!(store.create(&made, None, None).await.expect("no store error"), Created::Stored);
        })
        .await;
}

/// The cost and duration of handling messages.
#[derive(Default)]
struct Work {
    cost: Cost,
    duration: Duration,
    /// The longest time from the time at which all reminders of a batch were due until the last was sent.
    longest: Duration,
}

/// Lets workers handle messages, in batches of the size in the template.
async fn handle_all(
    world: &World<DynamoDb>,
    outbox: &Outbox,
    meter: &Meter,
    messages: Vec<Timer>,
    work: &mut Work,
) {
    meter.read();
    let started = Instant::now();
    let mail = &mail_context();
    let deadline = world.clock.now() + SignedDuration::from_mins(10);
    let batch = properties("SendRemindersMapping")["BatchSize"].as_u64().expect("a number");
    stream::iter(messages.chunks(usize::try_from(batch).expect("small")))
        .for_each_concurrent(WORKERS, async |batch| {
            let mut event = SqsEvent::default();
            for timer in batch {
                let mut message = SqsMessage::default();
                message.body = Some(serde_json::to_string(timer).expect("JSON"));
                event.records.push(message);
            }
            let World { store, queue, clock, random, .. } = world;
            let worker = Worker {
                store,
                queue,
                mailer: outbox,
                clock,
                random,
                mail,
                pace: &Pace::unlimited(),
                deadline,
            };
            let response = handle_batch(&worker, event).await;
            assert!(response.batch_item_failures.is_empty(), "nothing fails here");
        })
        .await;
    let took = started.elapsed();
    work.cost += meter.read();
    work.duration += took;
    work.longest = work.longest.max(took);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reminder_of_a_peak_is_sent_once() {
    let (count, spread) = (number_from("REMINDERS", 300), number_from("SPREAD", 1));
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    // No reader gets more mails than their daily limit.
    let readers = 1 + count / u64::from(OWN_MAILS.max);
    let mut owners = Vec::new();
    for number in 1..=readers {
        owners.push(world.register(number).await);
    }
    let first = 300;
    let fire_times = (0..count).map(|number| (number + 1, first + number * spread / count));
    store_tasks(&server.store(server.client()), &owners, fire_times).await;

    let outbox = Outbox::default();
    let (mut dispatches, mut work) = (Work::default(), Work::default());
    let mut waiting: Vec<Timer> = Vec::new();
    let end = now() + SignedDuration::from_secs(i64::try_from(first + spread + 60).expect("soon"));
    while world.clock.now() < end {
        meter.read();
        let started = Instant::now();
        world.dispatch().await;
        dispatches.duration += started.elapsed();
        dispatches.cost += meter.read();
        waiting.extend(world.queue.take());
        world.clock.advance(SignedDuration::from_mins(1));
        let (due, later) = waiting.into_iter().partition(|timer| timer.at <= world.clock.now());
        waiting = later;
        handle_all(&world, &outbox, &meter, due, &mut work).await;
    }

    let sent = outbox.sent();
    let reminders: BTreeSet<_> = sent.iter().map(|mail| mail.tags.reminder).collect();
    assert_eq!((sent.len() as u64, reminders.len() as u64), (count, count), "each once");
    for number in [1, count / 2, count] {
        let id = task(number, &owners[0], due_draft("Ring", &now().to_string(), &[])).id;
        let stored = world.store.task(id).await.expect("no store error").expect("the task");
        assert_eq!(stored.reminders[0].delivery.status, DeliveryStatus::Sent);
    }
    let calls = |cost: Cost| cost.calls as f64 / count as f64;
    let (dispatch, send) = (calls(dispatches.cost), calls(work.cost));
    println!("| {count} reminders within {spread} s | calls | reads | writes |\n|---|---|---|---|");
    for (what, cost) in [("dispatch", dispatches.cost), ("send", work.cost)] {
        let (reads, writes) = (cost.reads / count as f64, cost.writes / count as f64);
        println!("| to {what} one | {:.2} | {reads:.1} | {writes:.1} |", calls(cost));
    }
    println!(
        "dispatched in {:.1} s, sent in {:.1} s, {:.0} a second, the last {:.1} s late",
        dispatches.duration.as_secs_f64(),
        work.duration.as_secs_f64(),
        count as f64 / work.duration.as_secs_f64(),
        work.longest.as_secs_f64(),
    );
    // Read the task, claim it, read the recipient, record the result.
    assert!(send <= 4.0, "{send} calls to send one");
    assert!(dispatch <= 1.0 + 16.0 * 8.0 / count as f64, "{dispatch} calls to dispatch one");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_an_empty_dispatch_run_does_not_depend_on_the_stored_tasks() {
    let count = number_from("STORED", 1_000);
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    meter.read();
    let measured = async || {
        let started = Instant::now();
        assert_eq!(world.dispatch().await, 0);
        (meter.read(), started.elapsed())
    };
    let (empty, _) = measured().await;
    // Spread over a year, from tomorrow on.
    let fire_times = (0..count).map(|number| (number + 1, 86_400 + number * 31_536_000 / count));
    store_tasks(&server.store(server.client()), &[ada], fire_times).await;
    let (full, took) = measured().await;
    println!(
        "| a dispatch run that finds nothing | {} | {:.1} | {:.1} |",
        full.calls, full.reads, full.writes
    );
    println!("with {count} tasks stored, in {took:?}");
    // So many calls at once do not all begin before the first ends.
    assert_eq!(Cost { steps: empty.steps, ..full }, empty);
}
