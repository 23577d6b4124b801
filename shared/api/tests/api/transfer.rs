//! Export and import.

mod csv;
mod expected;
mod exported;
mod foreign;
mod hostile;
mod maximum;
mod whole;

use serde_json::{Value, json};
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    id::SpaceId,
    ports::TaskReads as _,
    quota::Quota,
    recurrence::{AutoComplete, Rule},
    space::Role,
    task::{Status, Task, TaskPatch},
    text::{Category, Description, Tag},
    user::User,
};
use taskbell_test::{
    MemoryStore, SeededRandom,
    contract::Store,
    fixtures::{comment, draft, due_draft, instant, now, space, task},
};
use taskbell_test_aws::Server;

use crate::support::{Answer, World, collaborator};

/// Lines of JSON.
pub(super) fn parsed(text: &Value) -> Vec<Value> {
    let lines = text.as_str().expect("lines").lines();
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

fn any(user: &User) -> Task {
    task(1, user, draft("any"))
}

impl<S: Store> World<S> {
    /// All pages of an export, each as text.
    async fn export(&self, by: &User, more: &str) -> Vec<String> {
        let (mut pages, mut query) = (Vec::new(), more.to_owned());
        loop {
            let event = self.event("export-data", by, &any(by)).await.query(&query);
            let answer = self.send(&event).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            // A page with one line is JSON.
            let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
            let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
            assert_eq!(last["type"], "page");
            pages.push(text);
            assert!(pages.len() < 500, "it does not end");
            match last["next_cursor"].as_str() {
                Some(cursor) => query = format!("{more}&cursor={cursor}"),
                None => return pages,
            }
        }
    }

    /// Imports lines.
    pub(super) async fn import(&self, by: &User, query: &str, body: &str) -> Answer {
        let mut event = self.event("import-data", by, &any(by)).await.query(query);
        event.json["body"] = json!(body);
        self.send(&event).await
    }
}

pub(super) fn lines(pages: &[String]) -> Vec<Value> {
    pages.iter().flat_map(|page| parsed(&json!(page))).collect()
}

/// The tasks of a space and their comments.
fn of_space(all: &[Value], space: SpaceId) -> Vec<&Value> {
    all.iter().filter(|line| line["space"] == json!(space) && line["id"].is_string()).collect()
}

/// A task with every field, one that is completed, and one that is the last of its series.
async fn fill<S: Store>(world: &World<S>, ada: &User) {
    let mut full = due_draft("Full", "2026-04-02T09:00[America/New_York]", &["PT1H", "P1D"]);
    full.description = Description::parse("Two\nlines: \"quoted\", ünïcode").expect("a text");
    full.category = Some(Category::parse("Tower").expect("a category"));
    full.tags = vec![Tag::parse("bell").expect("a tag"), Tag::parse("weekly").expect("a tag")];
    full.recurrence = Some(Rule::parse("FREQ=WEEKLY;COUNT=5").expect("a rule"));
    full.auto_complete_after = Some(AutoComplete::parse("P1D").expect("a duration"));
    let mut full = task(21, ada, full);
    full.skip(now(), &SeededRandom::new(3)).expect("it recurs");
    full.snooze(instant("2026-04-08T20:00:00Z"), now(), &SeededRandom::new(4)).expect("it is open");
    let mut done = task(22, ada, due_draft("Done", "2026-02-20", &["PT0S"]));
    let patch = TaskPatch::status(Status::Completed);
    done.apply(patch, None, instant("2026-02-28T08:00:00Z"), &SeededRandom::new(5)).expect("a patch");
    done.created_at = instant("2026-02-01T08:00:00Z");
    let mut last = due_draft("Last", "2026-03-09T09:00:00Z", &[]);
    last.recurrence = Some(Rule::parse("FREQ=DAILY;COUNT=2").expect("a rule"));
    let mut last = task(23, ada, last);
    last.skip(now(), &SeededRandom::new(6)).expect("it recurs");
    last.due =
        Some("2026-03-11T10:00:00Z".parse().map(taskbell_domain::due::Due::Instant).expect("a time"));
    last.due_at = "2026-03-11T10:00:00Z".parse().ok();
    let mut past = task(24, ada, due_draft("Past", "2026-02-01T09:00:00Z", &["PT1H"]));
    past.reminders[0].delivery.end(DeliveryStatus::Sent, None);
    for made in [&full, &done, &last, &past] {
        world.store.create(made, None, None).await.expect("an answer");
    }
    let event = world.event("update-task", ada, &full).await.without_header("if-match");
    let list = json!({ "checklist": [{ "title": "Rope" }, { "title": "Oil", "done": true }] });
    assert_eq!(world.send(&event.body(&list)).await.status, 200);
    world.store.add_comment(&comment(31, &full, ada), None).await.expect("an answer");
    world.store.add_comment(&comment(32, &full, &collaborator()), None).await.expect("an answer");
}

/// A task line without what an import does not keep: ids, the assignee, the creator and what counts changes.
fn kept(line: &Value) -> Value {
    let mut line = line.clone();
    let fields = line.as_object_mut().expect("an object");
    for name in [
        "id",
        "space",
        "next_occurrence",
        "assigned_to",
        "created_by",
        "version",
        "updated_at",
        "moved_at",
    ] {
        fields.remove(name);
    }
    // It counts from the last change.
    fields.remove("auto_complete_at");
    for reminder in line["reminders"].as_array_mut().expect("reminders") {
        reminder.as_object_mut().expect("an object").remove("id");
    }
    line
}

#[tokio::test]
async fn what_is_exported_can_be_imported_field_by_field() {
    let server = Server::start().await;
    let (dynamodb, memory) = (server.store(server.client()), MemoryStore::default());
    check_round_trip(World::on(memory)).await;
    check_round_trip(World::on(dynamodb)).await;
}

async fn check_round_trip<S: Store>(world: World<S>) {
    let (ada, mine) = world.seed().await;
    fill(&world, &ada).await;
    let pages = world.export(&ada, "limit=100").await;
    let all = lines(&pages);
    assert_eq!((&all[0]["type"], &all[0]["format"]), (&json!("export"), &json!(1)));
    assert_eq!((&all[1]["type"], &all[1]["email"]), (&json!("profile"), &json!(ada.email)));
    assert_eq!(of_type(&all, "export").len(), 1);
    let before: Vec<_> = of_space(&all, mine.space).into_iter().cloned().collect();
    assert_eq!(of_type(&before, "task").len(), 5);

    // Into the account of someone else.
    let bob = world.register(2).await;
    let imported = world.import(&bob, &format!("from={}", mine.space), &pages.concat()).await;
    assert_eq!((imported.status, &imported.body["failed"]), (200, &json!(0)), "{}", imported.body);
    assert_eq!(imported.body["created"], json!(before.len()));
    let after = lines(&world.export(&bob, "limit=100").await);
    let after = of_space(&after, SpaceId::personal(bob.id));
    let tasks = |lines: &[&Value]| -> Vec<Value> {
        let mut all: Vec<_> =
            lines.iter().filter(|line| line["type"] == "task").map(|line| kept(line)).collect();
        all.sort_by_key(|line| line["title"].to_string());
        all
    };
    assert_eq!(tasks(&after), tasks(&before.iter().collect::<Vec<_>>()));
    let texts: Vec<_> = after.iter().filter(|line| line["type"] == "comment").collect();
    assert_eq!(texts.len(), 3);
    for text in texts {
        assert_eq!((&text["author"], &text["author_name"]), (&json!(bob.id), &json!("User 2")));
        let text = text["text"].as_str().expect("a text");
        // The collaborator is no member of the personal space, so there is no name.
        let by = [("Comment 1", "User 1"), ("Comment 31", "User 1"), ("Comment 32", "usr_")];
        let (_, author) = by.into_iter().find(|(end, _)| text.ends_with(end)).expect("a comment");
        assert!(text.starts_with(author) && text.contains(", 2026-03-01T08:00:00Z:\n"), "{text}");
    }
    // No reminder of the past is sent.
    let ids = imported.body["results"].as_array().expect("results").iter();
    for id in ids.filter_map(|result| result["id"].as_str()).filter(|id| id.starts_with("tsk_")) {
        let stored = world.stored(id.parse().expect("an id")).await;
        assert!(stored.timer().is_none_or(|timer| timer.at > now()), "{stored:?}");
        if stored.title.as_str() == "Full" {
            let reasons: Vec<_> = stored.reminders.iter().map(|one| one.delivery.reason).collect();
            assert_eq!(reasons, [None, Some(Reason::Snoozed), None], "an hour, a day, the snooze");
        }
        if stored.title.as_str() == "Past" {
            let delivery = &stored.reminders[0].delivery;
            assert_eq!(delivery.reason, Some(Reason::PastWhenSet));
        }
    }

    // Again: nothing is created twice.
    let again = world.import(&bob, &format!("from={}", mine.space), &pages.concat()).await;
    assert_eq!(
        (&again.body["created"], &again.body["failed"]),
        (&json!(0), &json!(0)),
        "{}",
        again.body
    );
    assert_eq!(again.body["exists"], json!(before.len()));
    let unchanged = lines(&world.export(&bob, "limit=100").await);
    assert_eq!(of_space(&unchanged, SpaceId::personal(bob.id)), after);
}

#[tokio::test]
async fn a_series_goes_on_where_it_was_when_it_was_exported() {
    let (world, ada, mine) = World::seeded().await;
    fill(&world, &ada).await;
    let pages = world.export(&ada, "limit=100").await.concat();
    let bob = world.register(2).await;
    let imported = world.import(&bob, &format!("from={}", mine.space), &pages).await;
    assert_eq!(imported.status, 200, "{}", imported.body);
    let all = lines(&world.export(&bob, "").await);
    let of = |title: &str| all.iter().find(|line| line["title"] == title).expect("the task").clone();
    let complete = async |title: &str| {
        let event = world.event("complete-task", &bob, &any(&bob)).await;
        let event = event.path("task_id", of(title)["id"].as_str().expect("an id"));
        let done = world.send(&event.without_header("if-match")).await.body;
        match done["next_occurrence"].as_str() {
            Some(next) => Some(world.stored(next.parse().expect("an id")).await),
            None => None,
        }
    };
    assert_eq!(complete("Last").await, None, "it was the last one");
    let next = complete("Full").await.expect("the third of five");
    assert_eq!(next.recurrence.expect("a series").number, 3);
    assert_eq!(next.due.expect("a due time").to_string(), "2026-04-16T09:00:00[America/New_York]");
}

#[tokio::test]
async fn an_import_is_refused_where_the_caller_may_not_create_tasks() {
    let (world, ada, _) = World::seeded().await;
    let viewer = world.member(12, Role::Viewer).await;
    let stranger = world.register(13).await;
    let body = world.event("import-data", &ada, &any(&ada)).await.json["body"].clone();
    let body = body.as_str().expect("lines");
    let to = format!("space={}", space(1, &ada).0.id);
    for (user, status) in [(&viewer, 403), (&stranger, 404), (&collaborator(), 200)] {
        assert_eq!(world.import(user, &to, body).await.status, status);
    }
    // The same lines of another user are other tasks.
    let theirs = world.import(&ada, &to, body).await;
    assert_eq!(theirs.body["created"], 2, "{}", theirs.body);
}

#[tokio::test]
async fn a_dry_run_says_what_an_import_would_do_and_writes_nothing() {
    let (world, ada, mine) = World::seeded().await;
    fill(&world, &ada).await;
    let body = world.export(&ada, "limit=100").await.concat() + "nonsense\n";
    let bob = world.register(2).await;
    let before = world.store.contents();
    let query = format!("from={}", mine.space);
    let dry = world.import(&bob, &format!("{query}&dry_run=true"), &body).await;
    assert_eq!((dry.status, &dry.body["dry_run"]), (200, &json!(true)), "{}", dry.body);
    assert!(world.store.contents() == before);
    let mut done = world.import(&bob, &format!("{query}&dry_run=false"), &body).await.body;
    done["dry_run"] = json!(true);
    assert_eq!(dry.body, done);
}

#[tokio::test]
async fn an_import_keeps_to_quotas_and_rate_limits() {
    let (mut world, ada, _) = World::seeded().await;
    let line = |number: usize| {
        json!({
            "type": "task", "id": format!("tsk_01JQ0000000000000000{number:06}"), "space": "spc_01JQ0000000000000000000001",
            "title": "One", "time_zone": "UTC", "created_at": "2026-02-01T08:00:00Z",
        })
        .to_string()
    };
    let many = |numbers: std::ops::Range<usize>| numbers.map(line).collect::<Vec<_>>().join("\n");
    let refused = world.import(&ada, "", &many(0..101)).await;
    assert_eq!((refused.status, refused.errors()), (422, vec![("body", "too_many")]));
    // The personal space has one task in its counters.
    world.quota = Quota { tasks: 4, reminders: 10 };
    let answer = world.import(&ada, "", &many(0..5)).await;
    assert_eq!(
        (&answer.body["created"], &answer.body["failed"]),
        (&json!(3), &json!(2)),
        "{}",
        answer.body
    );
    let codes: Vec<_> = answer.body["results"].as_array().expect("results").iter().collect();
    assert_eq!(codes[4]["errors"][0]["code"], "too_many_tasks");
    world.quota.tasks = 100_000;
    for round in 1..=9 {
        let answer = world.import(&ada, "", &many(round * 100..round * 100 + 100)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let before = world.store.contents();
    let limited = world.import(&ada, "", &many(2_000..2_100)).await;
    assert_eq!((limited.status, limited.code()), (429, "too_many_requests"));
    assert!(world.store.contents() == before);
    assert!(world.store.task(any(&ada).id).await.expect("an answer").is_some());
}

#[tokio::test]
async fn an_imported_task_that_has_moved_is_not_imported_again_and_gets_no_comments() {
    let (world, ada, _) = World::seeded().await;
    let body = world.event("import-data", &ada, &any(&ada)).await.json["body"].clone();
    let body = body.as_str().expect("lines");
    let (first, note) = body.trim_end().split_once('\n').expect("a task and a comment");
    let imported = world.import(&ada, "", first).await;
    let id = imported.body["results"][0]["id"].as_str().expect("an id").parse().expect("an id");
    let stored = world.stored(id).await;
    assert_eq!(world.move_to_space(&ada, &stored, space(1, &ada).0.id).await.status, 200);
    let before = world.store.contents();
    let again = world.import(&ada, "", &format!("{first}\n{note}")).await.body;
    let [of_task, of_note] = [0, 1].map(|index| again["results"][index].clone());
    assert_eq!((&of_task["status"], &of_task["id"]), (&json!("exists"), &json!(id)), "{again}");
    assert_eq!(of_note["errors"][0]["code"], "unknown_task", "{again}");
    assert!(world.store.contents() == before);
}
