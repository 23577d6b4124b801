//! Every call that a function makes to DynamoDB is one that its role allows, leading keys included: the local cloud
//! does not check those. What one call asks for of a table must be allowed by one statement, all its keys together:
//! how IAM weighs the keys of a transaction one by one is not documented.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::BatchGetItemInput, batch_write_item::BatchWriteItemInput,
        delete_item::DeleteItemInput, get_item::GetItemInput, put_item::PutItemInput,
        query::QueryInput, transact_write_items::TransactWriteItemsInput, update_item::UpdateItemInput,
    },
    types::AttributeValue,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, context::BeforeSerializationInterceptorContextMut, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::{
    links::Deed,
    workers::{count_tasks, record_mail_events},
};
use taskbell_domain::{
    delivery::{Feedback, News},
    notice::{Content, Purpose},
    ports::{Notices, ProfileChanges, TaskCreation},
    reminder::Lead,
    timer::{Subject, Timer},
    user::{MailKind, MailSettings, StopReason, User},
};
use taskbell_test::{
    Outbox,
    fixtures::{due_draft, notice, now, space, task},
    template::resources,
};

use crate::{
    dynamodb_server::Server,
    functions::name_of,
    support::{World, invitation_of, mate},
};

type Attributes = std::collections::HashMap<String, AttributeValue>;

/// What one call asks for of one table, or index: its actions, and all leading keys that go along with them.
type Wanted = (String, BTreeSet<&'static str>, BTreeSet<String>);

/// Remembers what calls ask for.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Wanted>>>);

fn partition(item: Option<&Attributes>) -> String {
    let key = item.and_then(|item| item.get("pk")).and_then(|value| value.as_s().ok());
    key.expect("a partition key").clone()
}

/// The partition of a query: the value that the first condition on its key compares with.
fn queried(input: &QueryInput) -> String {
    let condition = input.key_condition_expression().expect("a condition");
    let name = condition.split("= ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a value");
    let values = input.expression_attribute_values().expect("values");
    values[name].as_s().expect("a text").clone()
}

#[dyn_dispatch_hint]
impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        let mut all: BTreeMap<String, (BTreeSet<&'static str>, BTreeSet<String>)> = BTreeMap::new();
        let mut add = |place: Option<&str>, action, key: String| {
            let wanted = all.entry(place.expect("a table").to_owned()).or_default();
            wanted.0.insert(action);
            wanted.1.insert(key);
        };
        if let Some(get) = input.downcast_ref::<GetItemInput>() {
            add(get.table_name(), "dynamodb:GetItem", partition(get.key()));
        } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
            add(put.table_name(), "dynamodb:PutItem", partition(put.item()));
        } else if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
            add(update.table_name(), "dynamodb:UpdateItem", partition(update.key()));
        } else if let Some(delete) = input.downcast_ref::<DeleteItemInput>() {
            add(delete.table_name(), "dynamodb:DeleteItem", partition(delete.key()));
        } else if let Some(query) = input.downcast_ref::<QueryInput>() {
            let place = match query.index_name() {
                Some(index) => format!("{}/index/{index}", query.table_name().expect("a table")),
                None => query.table_name().expect("a table").to_owned(),
            };
            add(Some(&place), "dynamodb:Query", queried(query));
        } else if let Some(batch) = input.downcast_ref::<BatchGetItemInput>() {
            for (table, wanted) in batch.request_items().expect("requests") {
                for key in wanted.keys() {
                    add(Some(table), "dynamodb:BatchGetItem", partition(Some(key)));
                }
            }
        } else if let Some(batch) = input.downcast_ref::<BatchWriteItemInput>() {
            for (table, requests) in batch.request_items().expect("requests") {
                for request in requests {
                    let key = request.delete_request().map(|delete| delete.key());
                    add(Some(table), "dynamodb:BatchWriteItem", partition(key));
                }
            }
        } else if let Some(transaction) = input.downcast_ref::<TransactWriteItemsInput>() {
            for action in transaction.transact_items() {
                if let Some(put) = action.put() {
                    add(Some(put.table_name()), "dynamodb:PutItem", partition(Some(put.item())));
                } else if let Some(update) = action.update() {
                    add(
                        Some(update.table_name()),
                        "dynamodb:UpdateItem",
                        partition(Some(update.key())),
                    );
                } else if let Some(delete) = action.delete() {
                    add(
                        Some(delete.table_name()),
                        "dynamodb:DeleteItem",
                        partition(Some(delete.key())),
                    );
                } else if let Some(check) = action.condition_check() {
                    let key = partition(Some(check.key()));
                    add(Some(check.table_name()), "dynamodb:ConditionCheckItem", key);
                }
            }
        } else {
            panic!("an operation that no role is checked for");
        }
        let mut recorded = self.0.lock().expect("not poisoned");
        recorded.extend(all.into_iter().map(|(place, (actions, keys))| (place, actions, keys)));
        Ok(())
    }
}

impl Recorder {
    fn on(&self, client: &Client) -> Client {
        Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    fn take(&self) -> Vec<Wanted> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

/// The statements of a function's role: its own, and the one that all functions of the API share.
fn statements(function: &Value) -> Vec<Value> {
    let policies = function["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
    let shared = resources("AWS::IAM::ManagedPolicy");
    let documents = policies.iter().map(|policy| match policy["Ref"].as_str() {
        Some(name) => shared[name]["Properties"]["PolicyDocument"].clone(),
        None => policy.clone(),
    });
    documents.flat_map(|one| one["Statement"].as_array().cloned().expect("statements")).collect()
}

/// Whether a statement allows an action on a table, or an index, with all those leading keys.
fn allows(statement: &Value, place: &str, action: &str, keys: &BTreeSet<String>) -> bool {
    let resources: Vec<_> = match &statement["Resource"] {
        Value::Array(several) => several.iter().map(Value::to_string).collect(),
        one => vec![one.to_string()],
    };
    let named = |resource: &String| match place.split_once("/index/") {
        Some((table, index)) => {
            resource.contains(table) && resource.contains(&format!("index/{index}\""))
        }
        None => resource.contains(place) && !resource.contains("index/"),
    };
    let patterns = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let patterns: Vec<_> =
        patterns.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let known = |key: &String| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => key == pattern,
        })
    };
    let actions = statement["Action"].as_array().expect("actions");
    actions.iter().any(|one| one == action) && resources.iter().any(named) && keys.iter().all(known)
}

fn every_mail() -> MailSettings {
    let mut settings = MailSettings::default();
    MailKind::ALL.iter().for_each(|kind| settings.set(*kind, true));
    settings
}

/// Which of the calls no statement of the function's role allows.
fn refused(id: &str, statements: &[Value], calls: Vec<Wanted>) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for (place, actions, keys) in calls {
        for action in actions {
            let allowed = statements.iter().any(|one| allows(one, &place, action, &keys));
            let short = |key: &String| key.split('#').next().unwrap_or_default().to_owned();
            let keys: BTreeSet<_> = keys.iter().map(short).collect();
            refused
                .extend((!allowed).then(|| format!("{id} may not {action} on {place} with {keys:?}")));
        }
    }
    refused
}

#[tokio::test]
async fn every_call_of_a_function_is_allowed_by_one_statement_of_its_role() {
    let (mut checked, mut wrong) = (0, BTreeSet::new());
    for (id, template) in resources("AWS::Serverless::Function") {
        let (function, recorder) = (name_of(&id), Recorder::default());
        let events = template["Properties"]["Events"].to_string();
        if !events.contains("HttpApi") {
            continue;
        }
        let server = Server::start().await;
        let world = World::on(server.store(recorder.on(&server.client())));
        let (ada, task) = world.inhabit().await;
        let statements = statements(&template);
        let mut others: Vec<(Option<String>, Option<Value>)> = Vec::new();
        match function.as_str() {
            "run-action" => {
                let deeds = [Deed::Snooze(task.id, Lead::hours(1)), Deed::VerifyEmail];
                others.extend(deeds.map(|deed| (Some(world.link(&ada, deed)), None)));
            }
            "skip-task" => {
                let recurs = json!({ "recurrence": "FREQ=DAILY" });
                world.send(&world.event("update-task", &ada, &task).await.body(&recurs)).await;
            }
            "unsubscribe" => others.push((Some(invitation_of(&ada).0.to_text()), None)),
            "update-profile" => others.push((None, Some(json!({ "mail": { "digest": true } })))),
            _ => {}
        }
        // As it is, and a second time: with its idempotency key, or what it has changed; and then otherwise.
        let twice = [(None, None), (None, None)];
        for (number, (token, body)) in twice.into_iter().chain(others).enumerate() {
            let mut event = world.event(&function, &ada, &task).await;
            if let Some(token) = token {
                event = event.path("token", &token);
            }
            if let Some(body) = body {
                event = event.body(&body);
            }
            recorder.take();
            let answer = world.send(&event).await;
            assert!(answer.status < 300 || number == 1, "{id}, {number}: {}", answer.status);
            let calls = recorder.take();
            checked += calls.len();
            wrong.extend(refused(&id, &statements, calls));
        }
    }
    assert_eq!(wrong, BTreeSet::new());
    assert!(checked > 200, "{checked}");
}

#[tokio::test]
async fn every_call_of_the_workers_is_allowed_by_one_statement_of_their_roles() {
    let functions: BTreeMap<_, _> = resources("AWS::Serverless::Function").into_iter().collect();
    let role = |id: &str| statements(&functions[id]);
    let (recorder, server) = (Recorder::default(), Server::start().await);
    let world = World::on(server.store(recorder.on(&server.client())));
    let (ada, _) = world.inhabit().await;
    let mate = mate();
    let shared = space(1, &ada).0;
    let rings = now() + SignedDuration::from_mins(1);
    let mut assigned = due_draft("Ring", &rings.to_string(), &["PT0S"]);
    assigned.assigned_to = Some(mate.id);
    let mut task = task(50, &ada, assigned);
    task.space = shared.id;
    world.store.create(&task, None, None).await.expect("an answer");
    let on = User { version: 2, mail: every_mail(), ..mate.clone() };
    let digest = Timer { at: rings, subject: Subject::Digest(mate.id) };
    world.store.replace_user(&on, 1, Some(digest)).await.expect("an answer");
    let contents = [
        Content::Assignment { to: mate.id, task: task.id, by: ada.id },
        Content::Verification { to: ada.id },
        Content::Code { to: ada.id, purpose: Purpose::Operator, secret_hash: None },
    ];
    for (number, content) in contents.into_iter().enumerate() {
        let made = notice(70 + number as u64, content);
        world.store.add_notice(&made, None).await.expect("an answer");
    }
    recorder.take();
    let outbox = Outbox::default();
    world.sweep().await;
    let dispatched = recorder.take();
    let mut wrong = refused("dispatcher", &role("DispatchDueTimersFunction"), dispatched);
    world.clock.set(rings);
    while world.deliver(&outbox).await > 0 {}
    let sent = outbox.sent();
    let subjects = sent.iter().map(|mail| {
        let message = String::from_utf8_lossy(&mail.message).into_owned();
        let subject = message.split("Subject: ").nth(1).and_then(|rest| rest.lines().next());
        subject.unwrap_or_default().to_owned()
    });
    let mut subjects: Vec<_> = subjects.collect();
    subjects.sort();
    let told = subjects.join("; ");
    let kinds = [
        "Reminder: ",
        "Assigned to you: ",
        "invites you",
        "Is this your",
        "operator code",
        "new password",
        "due today",
    ];
    for kind in kinds {
        assert!(told.contains(kind), "no mail of the kind {kind:?}: {told}");
    }
    wrong.extend(refused("worker", &role("SendRemindersFunction"), recorder.take()));
    for mail in sent {
        let news =
            News { message_id: "m".to_owned(), accepted_at: rings, feedback: Some(Feedback::Bounced) };
        let stops = Some(StopReason::Bounced);
        let told = record_mail_events::handle(&world.store, &mail.about, &news, stops, &world.clock);
        told.await.expect("it is recorded");
        wrong.extend(refused("recorder", &role("RecordMailEventsFunction"), recorder.take()));
    }
    let change = ("1".to_owned(), Ok((None, Some(task))));
    assert_eq!(count_tasks::handle(&world.store, [change]).await, None);
    wrong.extend(refused("counter", &role("CountTasksFunction"), recorder.take()));
    assert_eq!(wrong, BTreeSet::new());
}
