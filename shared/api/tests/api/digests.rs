//! The daily digest, from the profile to the mail.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use taskbell_api::links::LinkAction;
use taskbell_domain::{
    clock::Clock,
    delivery::{DeliveryStatus, Reason},
    notification::NotificationKind,
    ports::{ProfileChanges, Replaced, SpaceChanges, TaskCreation},
    space::Role,
    task::Task,
    timer::{Timer, TimerTarget},
    user::{MailKind, User},
    zone::Zone,
};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{draft, due_draft, instant, space, task},
};
use taskbell_test_aws::Server;

use crate::{
    meter::Meter,
    support::{Answer, World, collaborator, link_keys},
};

async fn change(
    world: &World<MemoryStore>,
    user: &User,
    task: &Task,
    patch: &serde_json::Value,
) -> Answer {
    world.send(&world.event("update-profile", user, task).await.body(patch)).await
}

/// Runs the dispatcher once a minute until a time.
async fn run_until(world: &World<MemoryStore>, outbox: &Outbox, until: &str) {
    let until: Timestamp = instant(until);
    while world.clock.now() < until {
        world.tick(outbox).await;
    }
}

/// All digests: their day, status and reason.
fn digests(world: &World<MemoryStore>) -> Vec<(String, DeliveryStatus, Option<Reason>)> {
    let data = world.store.data();
    let notifications = data.notifications.values().map(|(notification, _)| notification);
    let digests = notifications.filter_map(|notification| match &notification.kind {
        NotificationKind::Digest { day, .. } => {
            Some((day.to_string(), notification.delivery.status, notification.delivery.reason))
        }
        _ => None,
    });
    let mut digests: Vec<_> = digests.collect();
    digests.sort_by(|one, other| one.0.cmp(&other.0));
    digests
}

fn texts(outbox: &Outbox) -> Vec<String> {
    let sent = outbox.sent();
    let text = |message: Vec<u8>| String::from_utf8(message).expect("ASCII").replace("=\r\n", "");
    sent.into_iter().map(|mail| text(mail.message)).collect()
}

#[tokio::test]
async fn a_daily_digest_lists_overdue_tasks_and_those_due_today_and_in_seven_days() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    // User 1 lives in Berlin, an hour ahead of UTC.
    let first = world.create(1, &ada, due_draft("Long ago", "2026-02-01T10:00Z", &[])).await;
    world.create(2, &ada, due_draft("Yesterday", "2026-03-01", &[])).await;
    world.create(3, &ada, due_draft("At midnight", "2026-03-02T22:59:59Z", &[])).await;
    world.create(4, &ada, due_draft("Tomorrow", "2026-03-02T23:00:00Z", &[])).await;
    world.create(5, &ada, due_draft("On the seventh day", "2026-03-09", &[])).await;
    world.create(6, &ada, due_draft("Too far away", "2026-03-10", &[])).await;
    world.create(7, &ada, draft("Some day")).await;
    let done = world.create(8, &ada, due_draft("Done long ago", "2026-02-01T10:00Z", &[])).await;
    world.send(&world.event("complete-task", &ada, &done).await).await;
    // Digests are off by default.
    let outbox = Outbox::default();
    run_until(&world, &outbox, "2026-03-02T07:00:00Z").await;
    assert_eq!((texts(&outbox), digests(&world)), (Vec::new(), Vec::new()));
    let answer =
        change(&world, &ada, &first, &json!({"mail": {"digest": true}, "digest_hour": 9})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(
        (&answer.body["mail"]["digest"], &answer.body["digest_hour"]),
        (&json!(true), &json!(9))
    );
    run_until(&world, &outbox, "2026-03-02T07:59:00Z").await;
    assert_eq!(texts(&outbox), Vec::<String>::new(), "not before 9:00");
    run_until(&world, &outbox, "2026-03-02T08:30:00Z").await;
    let mails = texts(&outbox);
    assert_eq!(mails.len(), 1);
    let subject = "Subject: Monday, 2 March: 2 overdue, 1 due today, 2 in the next seven days";
    assert!(mails[0].replace("\r\n\t", " ").replace("\r\n ", " ").contains(subject), "{}", mails[0]);
    assert!(
        mails[0].contains("List-Id: Taskbell digest <digest.taskbell.example.com>"),
        "{}",
        mails[0]
    );
    let text = mails[0].split("text/html").next().expect("the text");
    let parts: Vec<_> = text.split("Due today").collect();
    let (overdue, rest) = (parts[0], parts[1]);
    let (today, week) = rest.split_once("In the next seven days").expect("the week");
    let has = |part: &str| {
        let all = [
            "Long ago",
            "Yesterday",
            "At midnight",
            "Tomorrow",
            "On the seventh day",
            "Too far",
            "Some day",
            "Done",
        ];
        all.into_iter().filter(|title| part.contains(title)).collect::<Vec<_>>()
    };
    assert_eq!((has(overdue), has(today)), (vec!["Long ago", "Yesterday"], vec!["At midnight"]));
    assert_eq!(has(week), ["Tomorrow", "On the seventh day"]);
    run_until(&world, &outbox, "2026-03-04T12:00:00Z").await;
    assert_eq!(texts(&outbox).len(), 3, "one a day");
    let days: Vec<_> = digests(&world).into_iter().map(|(day, ..)| day).collect();
    assert_eq!(days, ["2026-03-02", "2026-03-03", "2026-03-04"]);
}

#[tokio::test]
async fn a_digest_includes_assigned_tasks_only_of_the_readers_spaces() {
    let (world, ada, _) = World::seeded().await;
    let collaborator = collaborator();
    let shared = space(1, &ada).0;
    let mut theirs = due_draft("Ours", "2026-03-02T10:00Z", &[]);
    theirs.assigned_to = Some(collaborator.id);
    let mut made = task(60, &ada, theirs);
    made.space = shared.id;
    world.store.create(&made, None, None).await.expect("one");
    assert_eq!(
        change(&world, &collaborator, &made, &json!({"mail": {"digest": true}})).await.status,
        200
    );
    let outbox = Outbox::default();
    world.queue.take();
    run_until(&world, &outbox, "2026-03-02T06:30:00Z").await;
    let with_ours = |mails: Vec<String>| mails.into_iter().filter(|mail| mail.contains("Ours")).count();
    assert_eq!(with_ours(texts(&outbox)), 1);
    let mail = texts(&outbox).into_iter().find(|mail| mail.contains("Ours")).expect("one");
    assert!(mail.contains("Today, 11:00, in Space 1") && mail.contains("Complete: https://"), "{mail}");
    // A former member no longer gets it, even while the index still shows it.
    world.store.data().members.remove(&(shared.id, collaborator.id));
    run_until(&world, &outbox, "2026-03-03T06:30:00Z").await;
    assert_eq!(with_ours(texts(&outbox)), 1);
    let last = digests(&world).pop().expect("one");
    assert_eq!(last, ("2026-03-03".to_owned(), DeliveryStatus::Skipped, Some(Reason::NothingDue)));
}

#[tokio::test]
async fn no_digest_is_sent_when_nothing_is_due_or_digests_are_off() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let task = world.create(1, &ada, draft("Some day")).await;
    let outbox = Outbox::default();
    change(&world, &ada, &task, &json!({"mail": {"digest": true}, "digest_hour": 12})).await;
    run_until(&world, &outbox, "2026-03-01T12:00:00Z").await;
    let skipped = ("2026-03-01".to_owned(), DeliveryStatus::Skipped, Some(Reason::NothingDue));
    assert_eq!((digests(&world), outbox.sent().len()), (vec![skipped.clone()], 0));
    world.create(2, &ada, due_draft("Soon", "2026-03-03", &[])).await;
    let post = world.event("unsubscribe", &ada, &task).await;
    let link = LinkAction::Unsubscribe(MailKind::Digest);
    let token = link_keys().token(&ada, link, None, world.clock.now());
    assert_eq!(world.send(&post.path("token", &token)).await.status, 200);
    run_until(&world, &outbox, "2026-03-03T12:00:00Z").await;
    assert_eq!((digests(&world), outbox.sent().len()), (vec![skipped], 0), "digests are off");
    // On, off, and on again for a later hour of the same day: one digest.
    let turn = async |on: bool, hour: u8, until: &str| {
        change(&world, &ada, &task, &json!({"mail": {"digest": on}, "digest_hour": hour})).await;
        run_until(&world, &outbox, until).await;
        (outbox.sent().len(), digests(&world).len())
    };
    assert_eq!(turn(true, 15, "2026-03-03T14:30:00Z").await, (1, 2));
    assert_eq!(turn(false, 15, "2026-03-03T15:00:00Z").await, (1, 2));
    assert_eq!(turn(true, 18, "2026-03-03T18:30:00Z").await, (1, 2), "this day already has a digest");
    assert_eq!(turn(true, 18, "2026-03-04T18:30:00Z").await, (2, 3));
    for bad in [json!(24), json!(-1), json!(7.5), json!("7"), json!(null)] {
        let answer = change(&world, &ada, &task, &json!({ "digest_hour": bad })).await;
        assert_eq!((answer.status, answer.errors()[0].0), (422, "digest_hour"), "{bad}");
    }
}

#[tokio::test]
async fn a_digest_delayed_until_the_next_day_is_not_sent() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let task = world.create(1, &ada, due_draft("Soon", "2026-03-03", &[])).await;
    let outbox = Outbox::default();
    change(&world, &ada, &task, &json!({"mail": {"digest": true}, "digest_hour": 12})).await;
    // No dispatch run until the night to the fourth. The digest of the third is less than a day late, but its day is over.
    world.clock.advance(SignedDuration::from_hours(68));
    run_until(&world, &outbox, "2026-03-04T21:00:00Z").await;
    let results = digests(&world);
    let too_old = (DeliveryStatus::Skipped, Some(Reason::TooOld));
    let expected =
        [("01", too_old), ("02", too_old), ("03", too_old), ("04", (DeliveryStatus::Sent, None))];
    let expected = expected.map(|(day, (status, reason))| (format!("2026-03-{day}"), status, reason));
    assert_eq!(results, expected);
    assert_eq!(outbox.sent().len(), 1);
}

#[tokio::test]
async fn the_cost_of_a_digest_does_not_depend_on_the_number_of_tasks() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let mut ada = world.register(1).await;
    ada.mail.set(MailKind::Digest, true);
    ada.version = 2;
    let at = instant("2026-03-01T12:00:00Z");
    let timer = Timer { at, target: TimerTarget::Digest(ada.id) };
    assert_eq!(world.store.replace_user(&ada, 1, Some(timer)).await.expect("one"), Replaced::Stored);
    let collaborator = collaborator();
    world.register(900).await;
    let (mut shared, owner) = space(1, &collaborator);
    world.store.create_space(&shared, &owner, None, None).await.expect("no store error");
    world.join(&mut shared, &ada, Role::Member).await;
    let outbox = Outbox::default();
    world.dispatch().await;
    world.deliver_all(&outbox).await;
    let before = outbox.sent().len();
    let mut costs = Vec::new();
    for (day, tasks) in [(0, 0..150), (1, 150..600), (2, 600..601)] {
        let stored = 2 * tasks.end;
        for number in tasks {
            let due = format!("2026-02-{:02}", 1 + number % 28);
            world.create(number, &ada, due_draft("Long ago", &due, &[])).await;
            let due = format!("2026-03-{:02}", 3 + number % 4);
            world.create(1_000 + number, &ada, due_draft("Soon", &due, &[])).await;
        }
        if day == 2 {
            let mut theirs = due_draft("Ours", "2026-03-05", &[]);
            theirs.assigned_to = Some(ada.id);
            let made = Task { space: shared.id, ..task(5_000, &collaborator, theirs) };
            world.store.create(&made, None, None).await.expect("one");
        }
        world.clock.set(at + SignedDuration::from_hours(24 * day));
        meter.read();
        world.dispatch().await;
        let dispatch = meter.read();
        world.deliver_all(&outbox).await;
        let cost = meter.read();
        println!(
            "| a digest of {} tasks | {} | {:.1} | {:.1} |",
            stored, cost.calls, cost.reads, cost.writes
        );
        assert!(dispatch.calls <= 18, "{dispatch:?}");
        costs.push(cost);
    }
    assert_eq!(outbox.sent().len() - before, 3);
    // Three calls to create it and the next timer, four to send its notification, nine to read the due tasks.
    assert!(costs[..2].iter().all(|cost| cost.calls <= 16 && cost.units() <= 27.0), "{costs:?}");
    assert!(costs[1].units() <= costs[0].units() + 2.0, "{costs:?}");
    // Two more to check the membership in the spaces of assigned tasks.
    assert!(costs[2].calls <= 18 && costs[2].units() <= 33.0, "{costs:?}");
}

#[tokio::test]
async fn a_digest_shows_the_number_of_tasks_per_section() {
    let world = World::on(MemoryStore::default());
    let ada = world.register(1).await;
    let one = world.create(1, &ada, due_draft("Today", "2026-03-02", &[])).await;
    for number in 2..26 {
        world.create(number, &ada, due_draft("Today", "2026-03-02", &[])).await;
    }
    for number in 26..40 {
        world.create(number, &ada, due_draft("Week", "2026-03-05", &[])).await;
    }
    let outbox = Outbox::default();
    change(&world, &ada, &one, &json!({ "mail": { "digest": true } })).await;
    run_until(&world, &outbox, "2026-03-02T06:30:00Z").await;
    let mail = texts(&outbox).pop().expect("one").replace("\r\n\t", " ").replace("\r\n ", " ");
    assert!(mail.contains("Monday, 2 March: 20+ due today, 14 in the next seven days"), "{mail}");
    let text = mail.split("text/html").next().expect("the text");
    assert_eq!((text.matches("- Today").count(), text.matches("- Week").count()), (20, 14));
    assert_eq!(text.matches("- and more").count(), 1);
}

#[tokio::test]
async fn a_digest_lists_all_day_tasks_on_their_date_in_every_time_zone() {
    let world = World::on(MemoryStore::default());
    let mut ada = world.register(1).await;
    for (number, zone) in [(1, "Pacific/Honolulu"), (2, "Pacific/Auckland")] {
        ada.time_zone = Zone::parse(zone).expect("a zone");
        for (more, day) in ["2026-03-01", "2026-03-02", "2026-03-03"].into_iter().enumerate() {
            let draft = due_draft(&format!("From {zone} on {day}"), day, &[]);
            world.create(number * 10 + more as u64, &ada, draft).await;
        }
    }
    let task = world.create(40, &ada, draft("Some day")).await;
    let outbox = Outbox::default();
    change(&world, &ada, &task, &json!({ "mail": { "digest": true } })).await;
    run_until(&world, &outbox, "2026-03-02T06:30:00Z").await;
    let mail = texts(&outbox).pop().expect("one").replace("\r\n\t", " ").replace("\r\n ", " ");
    let expected = "Monday, 2 March: 2 overdue, 2 due today, 2 in the next seven days";
    assert!(mail.contains(expected), "{mail}");
}
