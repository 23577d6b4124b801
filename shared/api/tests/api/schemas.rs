//! The bounds in the schemas of requests are those that the handlers enforce: what is at a bound is accepted, what is
//! beyond it is refused, for every field of every request.

mod probes;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::openapi::document;
use taskbell_domain::{
    delivery::Reason,
    recurrence::RecurrenceFrom,
    space::Role,
    task::{Completion, Priority, Status},
    user::{AccountRole, SuppressionReason},
};

use crate::support::{Answer, World};
use probes::{ANY_CODE, Probe, Probes};

/// Codes of values that are acceptable, and do not go with the other fields.
const RELATIONS: &[&str] = &["needs_recurrence"];

/// Operation, field and probe that are not judged, and why.
const SKIPPED: &[(&str, &str, &str, &str)] = &[
    ("snooze-task", "until", "beyond null", "the error names `for`, one of the two that must be there"),
    ("update-profile", "default_reminders[0].before", "left out", "the error names the whole reminder"),
];

/// What an answer says about a field: its errors there, by code.
fn errors_at(problem: &Value, field: &str) -> Vec<String> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    // That of the body as a whole is an error of any field.
    let is_there = |found: &str| found == field || field.is_empty();
    let found = errors.filter(|error| is_there(error["field"].as_str().expect("a field")));
    found.map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
}

fn check(probe: &Probe, status: u64, problem: &Value) -> Result<(), String> {
    let found = errors_at(problem, &probe.field);
    let holds = match probe.verdict {
        // Also 422 without errors says nothing about a field: an Idempotency-Key was used before.
        Ok(()) if status == 422 && problem["errors"].is_null() => false,
        Ok(()) => {
            found.iter().all(|code| RELATIONS.contains(&code.as_str()))
                && ![400, 413, 415, 429, 500, 503].contains(&status)
        }
        Err(ANY_CODE) => status == 422 && !found.is_empty(),
        Err(code) => status == 422 && found.iter().any(|found| found == code),
    };
    let Probe { field, what, verdict, .. } = probe;
    holds.then_some(()).ok_or_else(|| format!("{field}: {what}: {verdict:?}, but {status} {problem}"))
}

/// `create-task` of `createTask`.
fn function_of(operation: &str) -> String {
    let dashed =
        |c: char| if c.is_uppercase() { format!("-{}", c.to_lowercase()) } else { c.to_string() };
    operation.chars().map(dashed).collect()
}

#[tokio::test]
async fn requests_are_accepted_at_the_bounds_of_their_schemas_and_refused_beyond_them() {
    let document = document();
    let (mut failures, mut sent, mut met) = (Vec::new(), 0, BTreeSet::new());
    for (_, operations) in document["paths"].as_object().expect("paths") {
        for (_, operation) in operations.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            let id = function_of(operation["operationId"].as_str().expect("an id"));
            let id = id.as_str();
            let (world, ada, task) = World::seeded().await;
            let event = world.event(id, &ada, &task).await;
            let body: Value =
                serde_json::from_str(event.json["body"].as_str().expect("a body")).expect("JSON");
            let mut requests = vec![(body.clone(), Probes::of(&document, schema), false)];
            if id == "batch-tasks" {
                let batch = &document["components"]["schemas"]["BatchOperation"];
                for (op, reference) in batch["discriminator"]["mapping"].as_object().expect("a mapping")
                {
                    let all = body["operations"].as_array().expect("operations");
                    let one = all.iter().find(|one| one["op"] == json!(op)).expect("one of each kind");
                    let probes = Probes::of(&document, &json!({ "$ref": reference }));
                    requests.push((one.clone(), probes, true));
                }
            }
            for (body, probes, is_operation) in requests {
                met.extend(probes.met);
                for (place, probe) in &probes.all {
                    // So that no limit on requests is reached.
                    world.clock.advance(SignedDuration::from_hours(1));
                    let changed = place.set(&body, probe.value.as_ref());
                    let changed =
                        if is_operation { json!({ "operations": [changed] }) } else { changed };
                    let event = world.event(id, &ada, &task).await.body(&changed);
                    let event = event.without_header("idempotency-key");
                    let answer: Answer = world.send(&event).await;
                    let result = if is_operation { &answer.body["results"][0] } else { &Value::Null };
                    let status = result["status"].as_u64().unwrap_or(answer.status.into());
                    let problem = if is_operation { &result["problem"] } else { &answer.body };
                    sent += 1;
                    let skipped = SKIPPED.iter().any(|(of, field, what, _)| {
                        (*of, *field, *what) == (id, probe.field.as_str(), probe.what)
                    });
                    let failure = check(probe, status, problem).err().filter(|_| !skipped);
                    failures.extend(failure.map(|why| format!("{id}: {why}")));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {sent}:\n{}", failures.len(), failures.join("\n"));
    for what in [
        "maxLength",
        "minLength",
        "maximum",
        "minimum",
        "maxItems",
        "minItems",
        "null",
        "no match of the pattern",
    ] {
        assert!(met.contains(what), "{what} is not met");
    }
    assert!(sent > 500, "{sent}");
}

#[test]
fn everything_is_described_and_closed() {
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        let is_closed = schema["type"] != "object" || schema["additionalProperties"] == json!(false);
        missing.extend((!is_closed).then(|| format!("{name} is open")));
        missing.extend((!schema["description"].is_string()).then(|| name.clone()));
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            missing.extend((!schema["description"].is_string()).then(|| format!("{name}.{field}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

macro_rules! reasons {
    ($($reason:ident),+) => {{
        // A reason that is not in the list does not compile.
        let is_listed = |reason: Reason| match reason { $(Reason::$reason => true),+ };
        [$(Reason::$reason),+].into_iter().filter(|reason| is_listed(*reason)).collect::<Vec<_>>()
    }};
}

#[test]
fn the_values_of_enums_are_those_of_the_domain() {
    let reasons = reasons!(
        PastWhenSet,
        TaskCompleted,
        TooOld,
        MailOff,
        Unverified,
        Bounced,
        Complained,
        Snoozed,
        NoRecipient,
        AccountDisabled,
        Refused,
        Replaced,
        NoAccess,
        NothingDue,
        TooManyMails,
        NotDelivered
    );
    let document = document();
    let words = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    assert_eq!(words("TaskStatus"), json!(Status::ALL));
    assert_eq!(words("TaskPriority"), json!(Priority::ALL));
    assert_eq!(words("SpaceRole"), json!(Role::ALL));
    assert_eq!(words("AccountRole"), json!(AccountRole::ALL));
    assert_eq!(words("RecurrenceFrom"), json!(RecurrenceFrom::ALL));
    assert_eq!(words("CompletedBy"), json!(Completion::ALL));
    assert_eq!(words("SuppressionReason"), json!(SuppressionReason::ALL));
    assert_eq!(words("DeliveryReason"), json!(reasons));
}
