//! The calls and DynamoDB capacity units of each operation, with 10,000 tasks of about 0.8 KB in the space. Reads of
//! indexes are eventually consistent and cost half.

mod follow_up;
mod live;

use std::fmt::Write as _;

use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use taskbell_api::workers::{finish_deletions, relay_changes, update_statistics};
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    delivery::Feedback,
    feed::{Place, Subject},
    ports::{Comments as _, Created, ProfileChanges as _, Replaced, TaskCreation},
    quota::Quota,
    recurrence::Rule,
    statistics::{Contribution, GroupCounters},
    task::{Priority, Status, Task},
    text::{Category, Tag},
    user::User,
};
use taskbell_test::{
    Outbox,
    contract::record_one,
    fixtures::{comment, due_draft, now, task},
    template::resources,
};
use taskbell_test_aws::Server;

use self::follow_up::{Stored, record};
use crate::{
    functions::name_of,
    meter::{Cost, Meter},
    support::World,
};

/// How many tasks are stored concurrently.
pub(crate) const AT_ONCE: usize = 32;

/// The number of tasks in the space (`make budget TASKS=100000` measures with more).
fn tasks() -> u64 {
    std::env::var("TASKS").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

/// A task of a typical space: most tasks are completed, and all attributes vary.
fn typical(number: u64, owner: &User) -> Task {
    let day = 1 + number * 13 % 28;
    let month = if number.is_multiple_of(3) { "02" } else { "04" };
    let mut made =
        due_draft("Look after the tower clock", &format!("2026-{month}-{day:02}"), &["PT30M"]);
    made.assigned_to = (number / 5).is_multiple_of(6).then_some(owner.id);
    made.status = [Status::Completed, Status::Completed, Status::Pending, Status::InProgress]
        [number as usize % 4];
    made.priority = Priority::ALL[(number / 4) as usize % 4];
    made.category = Some(
        Category::parse(["home", "work", "tower", "garden"][number as usize / 3 % 4]).expect("a text"),
    );
    made.tags = vec![Tag::parse(["a", "b", "c", "d", "e"][number as usize % 5]).expect("a tag")];
    let mut made = task(1_000 + number, owner, made);
    if made.status == Status::Completed {
        // Over two years.
        let days = i64::try_from(number % 730).expect("a number of days");
        made.completed_at = Some(made.created_at - SignedDuration::from_hours(24 * days));
    }
    made
}

async fn filled(server: &Server, owner: &User, count: u64) -> DynamoDb {
    let store = server.store(server.client());
    let tasks = stream::iter((0..count).map(|number| typical(number, owner)));
    tasks
        .for_each_concurrent(AT_ONCE, async |task| {
            let made = store.create(&task, None, None).await;
            assert_eq!(made.expect("no store error"), Created::Stored);
        })
        .await;
    let mut counts = GroupCounters::new();
    for number in 0..count {
        for (group, counters) in Contribution::of(&typical(number, owner)).counts {
            let sum = counts.entry(group).or_default();
            counters.iter().for_each(|(counter, many)| *sum.entry(*counter).or_default() += many);
        }
    }
    // As contributions of a few tasks, 50 groups each.
    let all: Vec<_> = counts.into_iter().collect();
    for (index, some) in all.chunks(50).enumerate() {
        let one = typical(1_000_000 + index as u64, owner);
        let counts = some.iter().cloned().collect();
        let contribution = Contribution { counts, ..Contribution::of(&one) };
        record_one(&store, &contribution).await.expect("no store error");
    }
    store
}

#[tokio::test]
async fn every_operation_stays_within_its_budget_with_many_tasks() {
    let server = Server::start().await;
    let meter = Meter::default();
    let mut world = World::on(server.store(meter.on(&server.client())));
    world.quota = Quota { tasks: u32::MAX, reminders: u32::MAX };
    let ada = world.register(1).await;
    filled(&server, &ada, tasks()).await;
    let known = typical(2, &ada);
    meter.read();

    world.send(&world.event("get-health", &ada, &known).await).await;
    meter.read(); // creating an event with a refresh token opens a session
    let stranger = world.event("get-task", &ada, &known).await.without_header("authorization");
    meter.read();
    assert_eq!(world.send(&stranger).await.status, 401);
    assert_eq!(meter.read(), Cost::default(), "a request without a token makes no call");

    println!("| operation at {} tasks | calls | reads | writes |\n|---|---|---|---|", tasks());
    let row = |what: &str, cost: Cost| {
        println!("| `{what}` | {} | {:.1} | {:.1} |", cost.calls, cost.reads, cost.writes);
    };
    let any = f64::INFINITY;
    for (function, calls, units) in [
        ("get-task", 1, 2.0),
        ("list-task-reminders", 1, 2.0),
        ("create-task", 2, any),
        ("update-task", 2, any),
        ("complete-task", 2, any),
        ("reopen-task", 2, any),
        // The account is read beside the task and its comments.
        ("delete-task", 3, any),
        ("list-tags", 2, 2.0),
        ("list-categories", 2, 2.0),
        ("get-stats", 3, 10.0),
    ] {
        let event = world.event(function, &ada, &known).await;
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(answer.status < 300, "{function}: {}", answer.body);
        assert!(cost.calls <= calls && cost.units() <= units, "{function}: {cost:?}");
        assert!(cost.calls > 0, "{function} is metered");
        let is_read = event.json["requestContext"]["http"]["method"] == "GET";
        assert_eq!(cost.counting, if is_read { 0.0 } else { 1.0 }, "{function}: the rate limit");
        assert!(!is_read || cost.writes == 0.0, "{function}: a read writes nothing");
        row(function, cost);
    }

    // The statistics of a completed task.
    let mut done = typical(3, &ada);
    let before = done.clone();
    (done.status, done.completed_at) = (Status::Completed, Some(done.updated_at));
    world.update_statistics(None, Some(&before)).await;
    meter.read();
    world.update_statistics(Some(&before), Some(&Task { version: done.version + 1, ..done })).await;
    let cost = meter.read();
    assert!(cost.calls <= 3, "counting: {cost:?}");
    row("update-statistics, a completion", cost);

    // In a shared space: one more call, and one for the assignee.
    let shared = world.share(&ada).await;
    let mut theirs = typical(tasks() + 2, &ada);
    theirs.space = shared.id;
    world.store.create(&theirs, None, None).await.expect("no store error");
    for (function, calls) in [
        ("get-task", 2),
        ("update-task", 3),
        ("complete-task", 3),
        ("reopen-task", 4),
        // The event moves it to the space that it is in.
        ("move-task", 3),
        ("delete-task", 4),
    ] {
        let event = world.event(function, &ada, &theirs).await.without_header("if-match");
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(answer.status < 300, "{function}: {}", answer.body);
        assert!(cost.calls > 0 && cost.calls <= calls, "{function} in a shared space: {cost:?}");
        row(&format!("{function} in a shared space"), cost);
    }

    println!(
        "\n| list at {} tasks | calls a page of 50 | reads | writes | pages | tasks |\n|---|---|---|---|---|---|",
        tasks()
    );
    for query in [
        "",
        "sort=-due",
        "sort=created",
        "sort=-created",
        "sort=priority",
        "sort=-priority",
        "status=pending",
        "status=completed&sort=-due",
        "priority=urgent",
        "status=pending&sort=-priority",
        "sort=updated",
        "sort=-title",
        "overdue=true",
        "assigned_to=me",
        "q=tower",
        "q=nowhere",
        "q=tower&status=pending&sort=-updated",
        "due_before=2026-04-10T00:00:00Z",
        "category=tower",
        "tag=c",
        "status=pending&category=home&tag=a",
    ] {
        let event = world.event("list-tasks", &ada, &known).await;
        let (mut pages, mut found, mut total, mut cursor) = (0, 0, Cost::default(), String::new());
        while pages < 20 {
            let page = event.clone().query(&format!("{query}&limit=50{cursor}"));
            meter.read();
            let answer = world.send(&page).await;
            let cost = meter.read();
            assert_eq!(answer.status, 200, "{query}: {}", answer.body);
            // The account is read beside the list.
            assert!(cost.calls <= 3, "{query}: {cost:?}");
            assert_eq!((cost.writes, cost.counting), (0.0, 0.0), "{query}: a read writes nothing");
            total += cost;
            (pages, found) = (pages + 1, found + answer.body["items"].as_array().map_or(0, Vec::len));
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let average = total.units() / f64::from(pages);
        // Assigned tasks are larger by the assignee and an index key.
        let max = if query.starts_with("assigned_to") { 11.0 } else { 10.0 };
        assert!(average > 0.0 && average <= max, "{query}: {average} read units a page");
        let calls = total.calls as f64 / f64::from(pages);
        let (reads, writes) = (total.reads / f64::from(pages), total.writes / f64::from(pages));
        println!("| `{query}` | {calls:.1} | {reads:.1} | {writes:.1} | {pages} | {found} |");
    }
}

fn row(rows: &mut String, what: &str, cost: Cost) {
    let Cost { calls, steps, reads, writes, counting } = cost;
    writeln!(rows, "| `{what}` | {calls} | {steps} | {reads:.1} | {writes:.1} | {counting:.1} |")
        .expect("a string accepts text");
}

/// The calls and steps, read units and write units of each function, and the units of counting the request, each in a
/// separate world.
/// The snapshot is the budget, and docs/cost.md is computed from it, except for the list.
#[tokio::test]
async fn each_function_keeps_to_its_calls_and_units() {
    let mut rows = String::new();
    let functions = resources("AWS::Serverless::Function").into_iter();
    let served = functions
        .filter(|(_, function)| function["Properties"]["Events"].to_string().contains("HttpApi"));
    for (id, _) in served {
        let function = name_of(&id);
        let server = Server::start().await;
        let meter = Meter::default();
        let world = World::on(server.store(meter.on(&server.client())));
        let (mut ada, _) = world.seed().await;
        let mut draft = due_draft("Look after the tower clock", "2026-04-02", &["PT30M"]);
        draft.category = Some(Category::parse("tower").expect("a text"));
        draft.tags = vec![Tag::parse("clock").expect("a tag")];
        match function.as_str() {
            "reopen-task" => draft.status = Status::Completed,
            "skip-task" => {
                draft.recurrence = Some(Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule"));
            }
            "verify-email" => {
                (ada.email_verified_at, ada.version) = (None, 2);
                let replaced = world.store.replace_user(&ada, 1, None).await;
                assert_eq!(replaced.expect("no store error"), Replaced::Stored);
            }
            _ => {}
        }
        let about = world.create(2, &ada, draft).await;
        world.update_statistics(None, Some(&about)).await;
        world.store.add_comment(&comment(1, &about, &ada), None).await.expect("no store error");
        // A change is later than the one before, so its task moves in the index by time of change.
        world.clock.advance(SignedDuration::from_mins(1));
        let event = world.event(&function, &ada, &about).await;
        let before = Stored::read(&server, &world).await;
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(answer.status < 300, "{function}: {}", answer.body);
        row(&mut rows, &function, cost);
        let after = Stored::read(&server, &world).await;
        let changes = after.tasks_since(&before);
        if !changes.is_empty() {
            meter.read();
            assert_eq!(update_statistics::handle(&world.store, changes).await, None);
            row(&mut rows, &format!("update-statistics, after {function}"), meter.read());
        }
        let changes = after.records_since(&before);
        if !changes.is_empty() {
            meter.read();
            assert_eq!(
                relay_changes::handle(&world.store, &world.pushes, &world.clock, changes).await,
                None
            );
            row(&mut rows, &format!("relay-changes, after {function}"), meter.read());
        }
    }

    // A reminder, from the index of timers to the SES events of its mail.
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    let fire_at = now() + SignedDuration::from_mins(10);
    let mut draft = due_draft("Ring", &fire_at.to_string(), &["PT0S"]);
    draft.category = Some(Category::parse("tower").expect("a text"));
    draft.tags = vec![Tag::parse("clock").expect("a tag")];
    let about = world.create(1, &ada, draft).await;
    world.update_statistics(None, Some(&about)).await;
    meter.read();
    assert_eq!(world.dispatch().await, 0);
    row(&mut rows, "dispatch-due-timers, when nothing is due", meter.read());
    world.clock.set(fire_at - SignedDuration::from_mins(1));
    assert_eq!(world.dispatch().await, 1);
    row(&mut rows, "dispatch-due-timers, when one is", meter.read());
    world.clock.set(fire_at);
    assert_eq!(world.deliver(&Outbox::default()).await, 1);
    row(&mut rows, "send-reminders, one", meter.read());
    for (what, feedback) in [("sending", None), ("delivery", Some(Feedback::Delivered))] {
        world.record_mail_event(&ada, &about, feedback, None).await;
        row(&mut rows, &format!("record-mail-events, a {what}"), meter.read());
    }
    let told = world.stored(about.id).await;
    meter.read();
    world.update_statistics(Some(&about), Some(&told)).await;
    row(&mut rows, "update-statistics, nothing that counts", meter.read());
    let mut done = told.clone();
    (done.status, done.completed_at, done.version) =
        (Status::Completed, Some(fire_at), told.version + 1);
    world.update_statistics(Some(&told), Some(&done)).await;
    row(&mut rows, "update-statistics, a completion", meter.read());
    // Ten tasks of one space that are completed at the same time, such as by a batch.
    let together: Vec<_> = (0..10)
        .map(|number| {
            let open = Task {
                id: task(100 + number, &ada, due_draft("Ring", "2026-04-02", &[])).id,
                ..told.clone()
            };
            let done = Task { id: open.id, ..done.clone() };
            (open, done)
        })
        .collect();
    for (open, _) in &together {
        world.update_statistics(None, Some(open)).await;
    }
    meter.read();
    let changes = together
        .into_iter()
        .enumerate()
        .map(|(number, (open, done))| (number.to_string(), Ok((Some(open), Some(done)))));
    assert_eq!(update_statistics::handle(&world.store, changes).await, None);
    row(&mut rows, "update-statistics, ten completions", meter.read());
    let place = Place::Space(told.space);
    let ten: Vec<_> = (0..10).map(|n| record(n, place, Subject::Task(told.id))).collect();
    meter.read();
    assert_eq!(relay_changes::handle(&world.store, &world.pushes, &world.clock, ten).await, None);
    row(&mut rows, "relay-changes, ten changes", meter.read());
    live::rows(&mut rows).await;
    meter.read();
    let ports = (&world.clock as &_, &world.random as &_);
    let deadline = fire_at + SignedDuration::from_secs(280);
    finish_deletions::handle(&world.store, &world.pushes, ports, deadline).await.expect("no error");
    row(&mut rows, "finish-deletions, when there is nothing to do", meter.read());
    insta::assert_snapshot!(rows);
}

#[tokio::test]
async fn the_cost_of_a_dispatch_run_without_due_timers_does_not_depend_on_the_stored_tasks() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    let mut costs = Vec::new();
    for stored in [0, 500] {
        filled(&server, &ada, stored).await;
        meter.read();
        let deadline = ada.created_at + SignedDuration::from_mins(1);
        let (store, queue, clock) = (&world.store, &world.queue, &world.clock);
        let queued =
            taskbell_api::workers::dispatch_due_timers::handle(store, queue, clock, deadline).await;
        assert_eq!(queued.expect("no store error"), 0);
        costs.push(meter.read());
    }
    assert_eq!(Cost { steps: costs[0].steps, ..costs[1] }, costs[0]);
    assert_eq!(costs[0].calls, 16);
}
