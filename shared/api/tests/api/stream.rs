//! Which writes wake `update-statistics` and `relay-changes`: the filters of the stream in the template, on items as they
//! are stored.
//! (The local cloud does not apply every rule of the filter as Lambda does.)

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use taskbell_domain::{delivery::Feedback, task::Task};
use taskbell_test::{
    Outbox,
    fixtures::{due_draft, now},
    template::properties,
};
use taskbell_test_aws::Server;

use crate::support::World;

/// Whether a record matches a pattern: every member of the pattern is present, and every value is one of those listed
/// ("Event filtering in Lambda", "Filter rule syntax").
fn matches(pattern: &Value, record: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, member)| matches(member, &record[name])),
        Value::Array(listed) => listed.iter().any(|one| match one["prefix"].as_str() {
            Some(prefix) => record.as_str().is_some_and(|text| text.starts_with(prefix)),
            None => one == record,
        }),
        _ => false,
    }
}

/// Whether a change of an item wakes `update-statistics`. A removed item has no new image.
fn wakes(event: &str, key: &Value, new_image: Option<&Value>) -> bool {
    wakes_by("UpdateStatisticsMapping", event, key, new_image)
}

/// Whether a change of an item wakes the function of a mapping.
fn wakes_by(mapping: &str, event: &str, key: &Value, new_image: Option<&Value>) -> bool {
    let mut change = Map::from_iter([("Keys".to_owned(), key.clone())]);
    change.extend(new_image.map(|image| ("NewImage".to_owned(), image.clone())));
    let record = json!({ "eventName": event, "dynamodb": change });
    let mapping = properties(mapping);
    let filters = mapping["FilterCriteria"]["Filters"].as_array().expect("filters");
    filters.iter().any(|filter| {
        let pattern = serde_json::from_str(filter["Pattern"].as_str().expect("a pattern"));
        matches(&pattern.expect("JSON"), &record)
    })
}

/// The key and the texts of a stored task.
async fn stored(client: &Client, task: &Task) -> (Value, Value) {
    let key = json!({ "pk": { "S": format!("TASK#{}", task.id.body()) }, "sk": { "S": "TASK" } });
    let mut get = client.get_item().table_name("TasksTable").consistent_read(true);
    for name in ["pk", "sk"] {
        get = get.key(name, AttributeValue::S(key[name]["S"].as_str().expect("a text").to_owned()));
    }
    let item = get.send().await.expect("an answer").item.expect("the task");
    let texts = item.into_iter().filter_map(|(name, value)| match value {
        AttributeValue::S(text) => Some((name, json!({ "S": text }))),
        _ => None,
    });
    (key, texts.collect())
}

#[tokio::test]
async fn edits_and_deletions_wake_statistics_and_deliveries_do_not() {
    let server = Server::start().await;
    let client = server.client();
    let world = World::on(server.store(client.clone()));
    let ada = world.register(1).await;
    let fire_at = now() + SignedDuration::from_mins(10);
    let task = world.create(1, &ada, due_draft("Ring", &fire_at.to_string(), &["PT0S"])).await;
    let modified = async || {
        let (key, image) = stored(&client, &task).await;
        wakes("MODIFY", &key, Some(&image))
    };
    let (key, image) = stored(&client, &task).await;
    assert!(wakes("INSERT", &key, Some(&image)), "a new task");
    world.clock.set(fire_at - SignedDuration::from_mins(1));
    assert_eq!(world.dispatch().await, 1);
    assert!(!modified().await, "a postponed timer");
    world.clock.set(fire_at);
    let outbox = Outbox::default();
    assert_eq!(world.deliver(&outbox).await, 1);
    assert!(!modified().await, "a sent reminder");
    world.record_mail_event(&ada, &task, Some(Feedback::Delivered), None).await;
    assert!(!modified().await, "an event of its mail");
    let complete = world.event("complete-task", &ada, &task).await.without_header("if-match");
    assert_eq!(world.send(&complete).await.status, 200);
    assert!(modified().await, "a completed task");
    assert!(wakes("REMOVE", &key, None), "a deleted task");

    let comment = json!({ "pk": key["pk"], "sk": { "S": "COMMENT#01JQ0000000000000000000001" } });
    for event in ["INSERT", "REMOVE"] {
        assert!(!wakes(event, &comment, Some(&json!({ "last_write": { "S": "edit" } }))), "a comment");
    }
}

#[tokio::test]
async fn a_task_that_completes_itself_wakes_statistics() {
    let server = Server::start().await;
    let client = server.client();
    let world = World::on(server.store(client.clone()));
    let ada = world.register(1).await;
    let mut draft = due_draft("Over", "2026-03-01T09:00:00Z", &[]);
    draft.auto_complete_after =
        Some(taskbell_domain::recurrence::AutoComplete::parse("PT5M").expect("a duration"));
    let task = world.create(1, &ada, draft).await;
    world.clock.set(now() + SignedDuration::from_mins(5));
    world.dispatch().await;
    let (key, image) = stored(&client, &task).await;
    assert!(!wakes("MODIFY", &key, Some(&image)), "a postponed timer");
    assert_eq!(world.deliver(&Outbox::default()).await, 1);
    let (key, image) = stored(&client, &task).await;
    assert!(wakes("MODIFY", &key, Some(&image)), "a completed task");
}

#[tokio::test]
async fn a_reminder_that_was_not_postponed_before_it_is_sent_does_not_wake_statistics() {
    let server = Server::start().await;
    let client = server.client();
    let world = World::on(server.store(client.clone()));
    let ada = world.register(1).await;
    let task = world.create(1, &ada, due_draft("Ring", &now().to_string(), &["PT0S"])).await;
    let outbox = Outbox::default();
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(outbox.sent().len(), 1);
    let (key, image) = stored(&client, &task).await;
    assert!(!wakes("MODIFY", &key, Some(&image)));
}

#[test]
fn changes_of_what_is_in_a_space_wake_the_feed_and_nothing_else_does() {
    let id = "01JQ0000000000000000000001";
    let wakes = |event: &str, (pk, sk): (&str, &str), last_write: Option<&str>| {
        let key = json!({ "pk": { "S": format!("{pk}#{id}") }, "sk": { "S": sk } });
        let image =
            last_write.map(|write| json!({ "last_write": { "S": write } })).unwrap_or(json!({}));
        let image = (event != "REMOVE").then_some(&image);
        wakes_by("RelayChangesMapping", event, &key, image)
    };
    let (comment, member) = (format!("COMMENT#{id}"), format!("MEMBER#{id}"));
    let (pointer, timed) = (format!("SPACE#{id}"), format!("REQUESTS#{id}"));
    for event in ["INSERT", "MODIFY", "REMOVE"] {
        assert!(wakes(event, ("TASK", "TASK"), Some("edit")), "{event} of a task");
        assert_eq!(wakes(event, ("TASK", "TASK"), Some("delivery")), event == "REMOVE", "{event}");
        for key in [("TASK", comment.as_str()), ("SPACE", "SPACE"), ("SPACE", &member)] {
            assert!(wakes(event, key, None), "{event} of {key:?}");
        }
        for key in [
            ("FEED", "HEAD"),
            ("FEED", "00000000000000000001"),
            ("TASK", "COMMENTS"),
            ("USER", &pointer),
            ("USER", "MEMBERSHIPS"),
            ("SPACE", "INVITATIONS"),
            ("COUNTS", "TASKS"),
            ("COUNTED", "COUNTED"),
            ("NOTICE", "NOTICE"),
            ("LIMIT", &timed),
        ] {
            assert!(!wakes(event, key, Some("edit")), "{event} of {key:?}");
        }
    }
}
