//! Each role of the template allows exactly the DynamoDB calls of its function, leading keys included, which the local
//! cloud does not check. Every function is called on all its paths, and again while conditions and batches fail.

mod deletions;
mod live;
mod policy;
mod prepare;
mod recorder;
mod scenes;
mod second_factors;
mod transfer;

use std::collections::BTreeSet;

use serde_json::Value;
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::registration::Registration;
use taskbell_test::template::{resources, statements};
use taskbell_test_aws::Server;

use self::{
    policy::{grants, names_one_kind, refused, unused},
    recorder::{Failures, Recorder, Wanted},
};
use crate::{functions::name_of, support::World};

/// Actions, or actions on one resource, that no handler or worker uses here, and who uses them.
const USED_ELSEWHERE: &[(&str, &str)] = &[
    ("dynamodb:DescribeStream", "Lambda, which reads the stream with the role of the function"),
    ("dynamodb:GetRecords", "Lambda, as above"),
    ("dynamodb:GetShardIterator", "Lambda, as above"),
    ("dynamodb:ListStreams", "Lambda, as above"),
    ("sqs:ReceiveMessage", "Lambda, which reads the queue with the role of the function"),
    ("sqs:DeleteMessage", "Lambda, as above"),
    ("sqs:GetQueueAttributes", "Lambda, as above"),
    ("sqs:SendMessage on StreamDeadLetterQueue", "Lambda, for discarded records of the stream"),
    ("execute-api:ManageConnections", "the channel, which is a fake in these tests"),
    ("ses:SendRawEmail", "the mailer, which is a fake in these tests"),
    ("ssm:GetParameter", "main, which reads the signing key at start; create-signing-key"),
    ("ssm:PutParameter", "create-signing-key"),
    ("ssm:DeleteParameter", "create-signing-key"),
];

/// A world on DynamoDB whose calls are recorded and can be made to fail.
struct Stage {
    world: World<DynamoDb>,
    recorder: Recorder,
    failures: Failures,
    _server: Server,
}

impl Stage {
    async fn new() -> Self {
        let (recorder, failures, server) =
            (Recorder::default(), Failures::default(), Server::start().await);
        let client = recorder.on(&failures.on(&server.client()));
        let mut world = World::on(server.store(client));
        // The sixteenth read is added to the rate limit in the store.
        world.checked_before = 15;
        world.registration = Registration::Invited;
        Self { world, recorder, failures, _server: server }
    }

    /// The calls since the last reading, including messages to the queue.
    fn calls(&self) -> BTreeSet<Wanted> {
        let mut calls: BTreeSet<_> = self.recorder.take().into_iter().collect();
        if !self.world.queue.take().is_empty() {
            calls.insert(queueing("ReminderQueue"));
        }
        if !self.world.pushes.take().is_empty() {
            calls.insert(queueing("PushQueue"));
        }
        calls
    }
}

fn queueing(queue: &str) -> Wanted {
    let keys = BTreeSet::from([String::new()]);
    Wanted { place: queue.to_owned(), action: "sqs:SendMessage", keys }
}

/// An item is read with GetItem or BatchGetItem, depending on what else is read at that moment, so a role needs both.
fn with_both_reads(calls: &BTreeSet<Wanted>) -> BTreeSet<Wanted> {
    const READS: [&str; 2] = ["dynamodb:GetItem", "dynamodb:BatchGetItem"];
    let both = calls.iter().filter(|call| READS.contains(&call.action)).flat_map(|call| {
        READS.map(|action| Wanted { place: call.place.clone(), action, keys: call.keys.clone() })
    });
    calls.iter().cloned().chain(both).collect()
}

/// The calls, and for each table one call that reads everything that any of them reads.
fn with_joined_reads(calls: &BTreeSet<Wanted>) -> BTreeSet<Wanted> {
    let mut joined = calls.clone();
    for place in calls.iter().map(|call| &call.place) {
        let reads = calls.iter().filter(|call| {
            call.place == *place && ["dynamodb:GetItem", "dynamodb:BatchGetItem"].contains(&call.action)
        });
        let keys: BTreeSet<_> = reads.flat_map(|call| call.keys.clone()).collect();
        if !keys.is_empty() {
            joined.insert(Wanted { place: place.clone(), action: "dynamodb:BatchGetItem", keys });
        }
    }
    joined
}

/// Compares the role of a function with its calls. Adds the differences and the exceptions that were needed.
fn compare(
    id: &str,
    role: &[Value],
    calls: &BTreeSet<Wanted>,
    wrong: &mut BTreeSet<String>,
    needed: &mut BTreeSet<String>,
) {
    let calls = &with_both_reads(calls);
    let queues = |wanted: &Wanted| wanted.action.starts_with("sqs:");
    let to_tables = calls.iter().filter(|wanted| !queues(wanted)).cloned().collect();
    wrong.extend(refused(id, role, &to_tables));
    for grant in unused(grants(role), calls) {
        let whole = format!("{} on {}", grant.action, grant.place);
        let exception = USED_ELSEWHERE.iter().find(|(used, _)| *used == grant.action || *used == whole);
        if let Some((used, _)) = exception {
            needed.insert((*used).to_owned());
        } else {
            let pattern = grant.pattern.unwrap_or_default();
            wrong.insert(format!("{id} never uses {} on {} {pattern}", grant.action, grant.place));
        }
    }
}

#[tokio::test]
async fn each_role_allows_exactly_what_its_function_uses() {
    let (mut wrong, mut needed, mut checked) = (BTreeSet::new(), BTreeSet::new(), 0);
    let workers = scenes::workers().await;
    for (id, template) in resources("AWS::Serverless::Function") {
        let function = name_of(&id);
        let events = template["Properties"]["Events"].to_string();
        let calls = match workers.get(function.as_str()) {
            // They handle messages at the same time, so whatever they read of a table can be one call.
            Some(calls) if ["send-reminders", "push-changes"].contains(&&*function) => {
                with_joined_reads(calls)
            }
            Some(calls) => calls.clone(),
            None if function == "finish-deletions" => {
                let calls = [false, true].map(deletions::worker);
                let [first, second] =
                    futures_util::future::join_all(calls).await.try_into().expect("two");
                first.union(&second).cloned().collect()
            }
            None if events.contains("HttpApi") => scenes::of_the_api(&function).await,
            None => BTreeSet::new(),
        };
        checked += calls.len();
        compare(&id, &statements(&template), &calls, &mut wrong, &mut needed);
    }
    assert_eq!(wrong, BTreeSet::new());
    let listed = USED_ELSEWHERE.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(needed, listed, "an exception is not needed");
    assert!(checked > 200, "{checked}");
}

#[test]
fn each_leading_key_pattern_matches_one_kind_of_item() {
    for pattern in ["*", "", "#*", "U*", "COUNT*", "USER", "USER#*x", "USER#?", "US*R#*", "U#*S#*"] {
        assert_eq!(names_one_kind(pattern), pattern == "USER", "{pattern}");
    }
    let roles = resources("AWS::Serverless::Function");
    let patterns = roles.values().flat_map(|role| grants(&statements(role)));
    let patterns: BTreeSet<_> = patterns.filter_map(|grant| grant.pattern).collect();
    assert!(patterns.len() > 10, "{patterns:?}");
    for pattern in patterns {
        assert!(names_one_kind(&pattern), "{pattern}");
    }
}
