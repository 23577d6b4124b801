//! All tasks of a large space are exported, imported by somebody else, and exported again (`make transfer TASKS=10000`).

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    checklist::ChecklistItem,
    id::{ItemId, SpaceId},
    ports::{Comments as _, TaskCreation as _},
    quota::Quota,
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    reminder::ReminderSpec,
    space::Space,
    task::{ImportOrigin, Priority, Status, Task, TaskPatch},
    text::{Category, Description, ItemTitle, Tag},
    user::User,
};
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, comment, draft, due_draft, instant, now, task},
};
use taskbell_test_aws::Server;

use super::{World, any, csv, expected, lines};
use crate::{
    budget::AT_ONCE,
    meter::{Cost, Meter},
    support::collaborator,
};

/// The number of tasks in the space.
fn tasks() -> u64 {
    std::env::var("TASKS").ok().and_then(|number| number.parse().ok()).unwrap_or(200)
}

const TITLES: [&str; 5] = [
    "Wind the clock",
    "Glocke l\u{e4}uten",
    "\u{9418}\u{3092}\u{9cf4}\u{3089}\u{3059}",
    "\u{1f514} Ring",
    "=SUM(A1)",
];

/// A task in which each field has one of several values, in many combinations.
fn varied(number: u64, owner: &User, space: &Space) -> Task {
    let (day, random) = (1 + number % 28, SeededRandom::new(number + 7));
    let is_every = |count: u64| number.is_multiple_of(count);
    let title = format!("{} {number}", TITLES[number as usize % 5]);
    let mut made = match number % 4 {
        0 => draft(&title),
        1 => due_draft(&title, &format!("2026-04-{day:02}"), &["P1D"]),
        2 => due_draft(&title, &format!("2026-02-{day:02}T09:30:00Z"), &["PT0S", "PT30M"]),
        _ => due_draft(&title, &format!("2026-05-{day:02}T09:00[America/New_York]"), &["PT1H", "P7D"]),
    };
    made.priority = Priority::ALL[(number / 4) as usize % 4];
    if is_every(3) {
        let text = format!("Line {number}\n\t\"quoted\", \\ and \u{e9}\u{9418}\u{1f514}\r\n- end");
        made.description = Description::parse(&text).expect("a text");
    }
    if is_every(2) {
        let categories = ["Tower", "\u{5854}", "=1+1"];
        made.category = Some(Category::parse(categories[number as usize % 3]).expect("a category"));
    }
    let tags = ["bell", "w\u{f6}chentlich", "a,b"];
    made.tags = tags[..number as usize % 4].iter().map(|tag| Tag::parse(tag).expect("a tag")).collect();
    if !is_every(4) && is_every(5) {
        let rules = ["FREQ=WEEKLY;COUNT=10", "FREQ=MONTHLY", "FREQ=DAILY;UNTIL=20300101T000000Z"];
        made.recurrence = Some(Rule::parse(rules[number as usize % 3]).expect("a rule"));
        made.recurrence_from =
            (number % 3 == 1).then_some(RecurrenceFrom::ALL[number as usize / 2 % 2]);
    }
    if is_every(7) {
        made.auto_complete_after = Some(AutoComplete::parse("P30D").expect("a duration"));
    }
    if is_every(6) {
        let at = ReminderSpec::parse_at("2026-06-01T08:00[Asia/Tokyo]").expect("a time");
        made.reminders.get_or_insert_default().push(at);
    }
    made.assigned_to = is_every(9).then(|| collaborator().id);
    let mut made = task(10_000 + number, owner, made);
    made.space = space.id;
    made.checklist = (0..number % 4)
        .map(|item| ChecklistItem {
            id: ItemId::generate(&ManualClock::at(NOW), &SeededRandom::new(number * 10 + item)),
            title: ItemTitle::parse(&format!("Step {item} \u{2713}")).expect("a title"),
            done: item % 2 == 0,
        })
        .collect();
    if number % 10 == 5 && made.recurrence.is_some() {
        made.skip(now(), &random).expect("it recurs");
    }
    match number % 11 {
        0 => {
            let until = instant("2026-07-01T08:00:00Z");
            made.snooze(until, now(), &random).expect("it is open");
        }
        1..=4 => {
            made.created_at =
                now() - SignedDuration::from_hours(24 * i64::try_from(number % 700).expect("days"));
            let next = made.apply(TaskPatch::status(Status::Completed), None, now(), &random);
            drop(next.expect("a patch"));
        }
        5 => made.status = Status::InProgress,
        _ => {}
    }
    made
}

/// What a step has cost.
#[derive(Default)]
struct Step {
    requests: usize,
    cost: Cost,
    time: Duration,
}

impl Step {
    fn row(&self, what: &str, tasks: u64) {
        let Cost { calls, reads, writes, .. } = self.cost;
        let per_task = (reads + writes) / tasks as f64;
        let seconds = self.time.as_secs_f64();
        println!(
            "| {what} | {} | {calls} | {reads:.0} | {writes:.0} | {per_task:.1} | {seconds:.0} s |",
            self.requests
        );
    }
}

/// The world with a meter.
struct Metered {
    world: World<DynamoDb>,
    meter: Meter,
}

impl Metered {
    async fn measured<T>(
        &self,
        work: impl Future<Output = T>,
        count: impl Fn(&T) -> usize,
    ) -> (T, Step) {
        self.meter.read();
        let start = Instant::now();
        let done = work.await;
        let step = Step { requests: count(&done), cost: self.meter.read(), time: start.elapsed() };
        (done, step)
    }

    /// Sends an import, and stops it when it has made so many calls, as a function that is ended does.
    async fn interrupted(&self, by: &User, query: &str, page: &str, calls: usize) {
        self.meter.read();
        let mut importing = pin!(self.world.import(by, query, page));
        poll_fn(|context| match importing.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending if self.meter.calls() >= calls => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        })
        .await;
    }

    /// Imports pages. Every fifth one is interrupted first. Returns the numbers of lines that were created, and that existed.
    async fn import_pages(
        &self,
        by: &User,
        from: SpaceId,
        pages: &[String],
        interrupt: bool,
    ) -> (u64, u64) {
        let (mut created, mut exist, query) = (0, 0, format!("from={from}"));
        for (number, page) in pages.iter().enumerate() {
            // A user may carry out 1,000 operations a minute.
            self.world.clock.advance(SignedDuration::from_secs(61));
            if interrupt && number % 5 == 0 {
                self.interrupted(by, &query, page, 60).await;
                self.world.clock.advance(SignedDuration::from_secs(61));
            }
            let answer = self.world.import(by, &query, page).await;
            assert_eq!((answer.status, &answer.body["failed"]), (200, &json!(0)), "{}", answer.body);
            created += answer.body["created"].as_u64().expect("a number");
            exist += answer.body["exists"].as_u64().expect("a number");
        }
        (created, exist)
    }
}

#[tokio::test]
async fn what_is_exported_from_a_large_space_is_the_same_after_an_import_into_another_account() {
    let (count, server, meter) = (tasks(), Server::start().await, Meter::default());
    let mut world = World::on(server.store(meter.on(&server.client())));
    world.quota = Quota { tasks: u32::MAX, reminders: u32::MAX };
    let ada = world.register(1).await;
    let space = world.share(&ada).await;
    stream::iter(0..count)
        .for_each_concurrent(AT_ONCE, async |number| {
            let made = varied(number, &ada, &space);
            world.store.create(&made, None, None).await.expect("an answer");
            for more in 0..(number % 8).saturating_sub(4) {
                let author = if more == 1 { &collaborator() } else { &ada };
                let one = comment(number * 10 + more, &made, author);
                world.store.add_comment(&one, None).await.expect("an answer");
            }
        })
        .await;
    let bob = world.register(2).await;
    let metered = Metered { world, meter };
    let world = &metered.world;

    let (pages, export) = metered.measured(world.export(&ada, "limit=100"), Vec::len).await;
    let before = lines(&pages);
    let of = |kind: &str| before.iter().filter(|line| line["type"] == kind).count() as u64;
    let (tasks, comments) = (of("task"), of("comment"));
    assert_eq!(tasks, count);
    let event = world.event("export-data", &ada, &any(&ada)).await;
    let (rows, csv) = metered.measured(csv::pages(world, &event, "&limit=100"), Vec::len).await;
    assert_eq!(csv::rows(&rows).len() as u64, count);

    let importing = metered.import_pages(&bob, space.id, &pages, false);
    let (done, import) = metered.measured(importing, |_| pages.len()).await;
    assert_eq!(done, (tasks + comments, 0));
    let importing = metered.import_pages(&bob, space.id, &pages, false);
    let (done, repeated) = metered.measured(importing, |_| pages.len()).await;
    assert_eq!(done, (0, tasks + comments));

    // A third user is interrupted.
    let eve = world.register(3).await;
    let (created, exist) = metered.import_pages(&eve, space.id, &pages, true).await;
    assert_eq!(created + exist, tasks + comments);
    assert!(exist > 0 && created > exist, "interrupted requests have stored {exist}");

    for importer in [&bob, &eve] {
        let target = SpaceId::personal(importer.id);
        let origin = ImportOrigin { importer: importer.id, target };
        let after = lines(&world.export(importer, "limit=100").await);
        let found = expected::stored(&after, &json!(target));
        let expected = expected::imported(&before, &json!(space.id), origin, importer);
        assert_eq!(found.len(), expected.len());
        for (id, expected) in &expected {
            assert_eq!(found.get(id), Some(expected));
        }
    }
    println!("{tasks} tasks and {comments} comments in {} pages", pages.len());
    println!("| step | requests | calls | read units | write units | units per task | time |");
    println!("|---|---|---|---|---|---|---|");
    export.row("export as lines", tasks);
    csv.row("export as CSV", tasks);
    import.row("import", tasks);
    repeated.row("import of the same again", tasks);
}
