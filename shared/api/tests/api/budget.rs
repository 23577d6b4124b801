//! What each operation costs: calls and capacity units of DynamoDB, at 10,000 tasks in the space, each of
//! about 0.8 KB with its keys. Reads of indexes are eventually consistent and cost half.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
            },
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    delivery::Feedback,
    ports::{Comments as _, Created, ProfileChanges as _, Replaced, StatisticsUpdates, TaskCreation},
    quota::Quota,
    recurrence::Rule,
    statistics::{Contribution, Counts},
    task::{Priority, Status, Task},
    text::{Category, Tag},
    user::User,
};
use taskbell_test::{
    Outbox,
    fixtures::{comment, due_draft, now, task},
    template::resources,
};

use crate::{dynamodb_server::Server, functions::name_of, support::World};

/// Calls and capacity units since it was last read. StatisticsUpdates requests against their limit goes on beside the
/// work, and is counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) calls: usize,
    pub(crate) reads: f64,
    pub(crate) writes: f64,
    counting: f64,
}

impl Cost {
    /// Units of both kinds together.
    pub(crate) fn units(self) -> f64 {
        self.reads + self.writes
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.reads += other.reads;
        self.writes += other.writes;
        self.counting += other.counting;
    }
}

/// Asks every call for its capacity, and adds up what is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Cost>>);

/// Marks a call that counts a request.
#[derive(Debug)]
struct Uncharged;

impl Storable for Uncharged {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_ref::<UpdateItemInput>()
            && let Some(AttributeValue::S(partition)) = input.key().and_then(|key| key.get("pk"))
            && partition.starts_with("LIMIT#")
        {
            bag.interceptor_state().store_put(Uncharged);
        }
        let mut known = false;
        macro_rules! ask {
            ($($input:ty)*) => {
                $(if let Some(input) = context.input_mut().downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                    known = true;
                })*
            };
        }
        ask!(GetItemInput QueryInput BatchGetItemInput);
        ask!(PutItemInput UpdateItemInput DeleteItemInput TransactWriteItemsInput BatchWriteItemInput);
        assert!(known, "an operation without a budget");
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let mut cost = self.0.lock().expect("not poisoned");
        if bag.load::<Uncharged>().is_some() {
            let output = output.downcast_ref::<UpdateItemOutput>();
            cost.counting += output.map_or(0.0, |output| units(&output.consumed_capacity));
            return Ok(());
        }
        cost.calls += 1;
        macro_rules! add {
            ($kind:ident: $($output:ty)*) => {
                $(if let Some(output) = output.downcast_ref::<$output>() {
                    cost.$kind += units(&output.consumed_capacity);
                })*
            };
        }
        add!(reads: GetItemOutput QueryOutput BatchGetItemOutput);
        add!(writes: PutItemOutput UpdateItemOutput DeleteItemOutput TransactWriteItemsOutput BatchWriteItemOutput);
        Ok(())
    }
}

/// One operation answers with one figure, or with one for each table.
trait Figures {
    fn figures(&self) -> Vec<&ConsumedCapacity>;
}

impl Figures for Option<ConsumedCapacity> {
    fn figures(&self) -> Vec<&ConsumedCapacity> {
        self.iter().collect()
    }
}

impl Figures for Option<Vec<ConsumedCapacity>> {
    fn figures(&self) -> Vec<&ConsumedCapacity> {
        self.iter().flatten().collect()
    }
}

fn units(consumed: &impl Figures) -> f64 {
    consumed.figures().iter().filter_map(|figure| figure.capacity_units).sum()
}

impl Meter {
    pub(crate) fn on(&self, client: &Client) -> Client {
        let config = client.config().to_builder().interceptor(self.clone()).build();
        Client::from_conf(config)
    }

    pub(crate) fn read(&self) -> Cost {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

/// How many tasks are stored at the same time, to be there sooner.
pub(crate) const AT_ONCE: usize = 32;

/// How many tasks there are in the space: `make budget TASKS=100000` measures with more.
fn tasks() -> u64 {
    std::env::var("TASKS").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

/// Task number `n` of a space that looks used: most are done, all sorts are there.
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
            assert_eq!(made.expect("an answer"), Created::Stored);
        })
        .await;
    let mut counts = Counts::new();
    for number in 0..count {
        for (group, numbers) in Contribution::of(&typical(number, owner)).counts {
            let sum = counts.entry(group).or_default();
            numbers.iter().for_each(|(number, many)| *sum.entry(*number).or_default() += many);
        }
    }
    // Contribution as if by one task, some numbers at a time.
    let all: Vec<_> = counts.into_iter().collect();
    for (index, some) in all.chunks(50).enumerate() {
        let one = typical(1_000_000 + index as u64, owner);
        let counts = some.iter().cloned().collect();
        let counted = Contribution { counts, ..Contribution::of(&one) };
        store.record_contribution(&counted).await.expect("an answer");
    }
    store
}

#[tokio::test]
async fn every_operation_keeps_its_budget_however_many_tasks_there_are() {
    let server = Server::start().await;
    let meter = Meter::default();
    let mut world = World::on(server.store(meter.on(&server.client())));
    world.quota = Quota { tasks: u32::MAX, reminders: u32::MAX };
    let ada = world.register(1).await;
    filled(&server, &ada, tasks()).await;
    let known = typical(2, &ada);
    meter.read();

    world.send(&world.event("get-health", &ada, &known).await).await;
    meter.read(); // the event of a refresh token opens a session
    let stranger = world.event("get-task", &ada, &known).await.without_header("authorization");
    meter.read();
    assert_eq!(world.send(&stranger).await.status, 401);
    assert_eq!(meter.read(), Cost::default(), "a request without a token costs nothing");

    println!("| operation at {} tasks | calls | reads | writes |\n|---|---|---|---|", tasks());
    let row = |what: &str, cost: Cost| {
        println!("| `{what}` | {} | {:.1} | {:.1} |", cost.calls, cost.reads, cost.writes);
    };
    let any = f64::INFINITY;
    for (function, calls, units) in [
        ("get-task", 1, 1.0),
        ("list-task-reminders", 1, 1.0),
        ("create-task", 2, any),
        ("update-task", 2, any),
        ("complete-task", 2, any),
        ("reopen-task", 2, any),
        ("delete-task", 2, any),
        ("list-tags", 1, 1.0),
        ("list-categories", 1, 1.0),
        ("get-stats", 3, 10.0),
    ] {
        let event = world.event(function, &ada, &known).await;
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(answer.status < 300, "{function}: {}", answer.body);
        assert!(cost.calls <= calls && cost.units() <= units, "{function}: {cost:?}");
        assert!(cost.calls > 0, "{function} is metered");
        assert_eq!(cost.counting, 1.0, "{function}: the limit of requests");
        row(function, cost);
    }

    // What the stream has counted for a task that was completed.
    let mut done = typical(3, &ada);
    let before = done.clone();
    (done.status, done.completed_at) = (Status::Completed, Some(done.updated_at));
    world.count(None, Some(&before)).await;
    meter.read();
    world.count(Some(&before), Some(&Task { version: done.version + 1, ..done })).await;
    let cost = meter.read();
    assert!(cost.calls <= 3, "counting: {cost:?}");
    row("update-statistics, a completion", cost);

    // In a shared space one call more, and one for whom it is assigned to.
    let shared = world.share(&ada).await;
    let mut theirs = typical(tasks() + 2, &ada);
    theirs.space = shared.id;
    world.store.create(&theirs, None, None).await.expect("an answer");
    for (function, calls) in [
        ("get-task", 2),
        ("update-task", 3),
        ("complete-task", 3),
        ("reopen-task", 4),
        ("delete-task", 3),
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
            // Which day it is for the caller is asked when a list begins, in their profile.
            let profile = usize::from(query == "overdue=true" && cursor.is_empty());
            assert!(cost.calls <= 2 + profile, "{query}: {cost:?}");
            total += cost;
            (pages, found) = (pages + 1, found + answer.body["items"].as_array().map_or(0, Vec::len));
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let average = total.units() / f64::from(pages);
        // What is assigned is larger by its assignee and by the key for the index of those.
        let most = if query.starts_with("assigned_to") { 11.0 } else { 10.0 };
        assert!(average > 0.0 && average <= most, "{query}: {average} read units a page");
        let calls = total.calls as f64 / f64::from(pages);
        let (reads, writes) = (total.reads / f64::from(pages), total.writes / f64::from(pages));
        println!("| `{query}` | {calls:.1} | {reads:.1} | {writes:.1} | {pages} | {found} |");
    }
}

fn row(rows: &mut String, what: &str, cost: Cost) {
    let Cost { calls, reads, writes, counting } = cost;
    writeln!(rows, "| `{what}` | {calls} | {reads:.1} | {writes:.1} | {counting:.1} |")
        .expect("it is written");
}

/// Calls, read units and write units of each function of the API and of what those behind it do, and the units that count
/// the request, each in a world of its own. The snapshot is the budget, and what docs/cost.md is computed from, but for the
/// list.
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
        let (mut ada, _) = world.inhabit().await;
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
                assert_eq!(replaced.expect("an answer"), Replaced::Stored);
            }
            _ => {}
        }
        let about = world.create(2, &ada, draft).await;
        world.count(None, Some(&about)).await;
        world.store.add_comment(&comment(1, &about, &ada), None).await.expect("an answer");
        let event = world.event(&function, &ada, &about).await;
        meter.read();
        let answer = world.send(&event).await;
        let cost = meter.read();
        assert!(answer.status < 300, "{function}: {}", answer.body);
        row(&mut rows, &function, cost);
    }

    // A reminder, from the index of timers to what SES tells of its mail.
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let ada = world.register(1).await;
    let rings = now() + SignedDuration::from_mins(10);
    let mut draft = due_draft("Ring", &rings.to_string(), &["PT0S"]);
    draft.category = Some(Category::parse("tower").expect("a text"));
    draft.tags = vec![Tag::parse("clock").expect("a tag")];
    let about = world.create(1, &ada, draft).await;
    world.count(None, Some(&about)).await;
    meter.read();
    assert_eq!(world.sweep().await, 0);
    row(&mut rows, "dispatch-due-timers, when nothing is due", meter.read());
    world.clock.set(rings - SignedDuration::from_mins(1));
    assert_eq!(world.sweep().await, 1);
    row(&mut rows, "dispatch-due-timers, when one is", meter.read());
    world.clock.set(rings);
    assert_eq!(world.deliver(&Outbox::default()).await, 1);
    row(&mut rows, "send-reminders, one", meter.read());
    for (what, feedback) in [("sending", None), ("delivery", Some(Feedback::Delivered))] {
        world.tell(&ada, &about, feedback, None).await;
        row(&mut rows, &format!("record-mail-events, a {what}"), meter.read());
    }
    let told = world.stored(about.id).await;
    meter.read();
    world.count(Some(&about), Some(&told)).await;
    row(&mut rows, "update-statistics, nothing that counts", meter.read());
    let mut done = told.clone();
    (done.status, done.completed_at, done.version) = (Status::Completed, Some(rings), told.version + 1);
    world.count(Some(&told), Some(&done)).await;
    row(&mut rows, "update-statistics, a completion", meter.read());
    insta::assert_snapshot!(rows);
}

#[tokio::test]
async fn a_sweep_with_nothing_due_costs_the_same_however_many_tasks_are_stored() {
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
        assert_eq!(queued.expect("an answer"), 0);
        costs.push(meter.read());
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].calls, 16);
}
