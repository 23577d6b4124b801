//! Who may do what, as one table: every route and every operation of a batch, for every kind of caller.

mod programs;
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use taskbell_test::{
    fixtures::{draft, task},
    template::resources,
};

use self::scene::{Caller, SECRETS, Scene};
use crate::{
    functions::name_of,
    support::{Answer, World},
};

const TABLE: &str = include_str!("authorization/table.txt");

/// One line of the table.
struct Row {
    method: String,
    path: String,
    case: String,
    /// The function that the template gives the route to.
    function: String,
    /// One for each of [`Caller::ALL`].
    expected: Vec<Expected>,
}

struct Expected {
    status: u16,
    /// Whether something is another afterwards.
    changes: bool,
}

/// The function of each route, by method and path.
fn routes() -> BTreeMap<(String, String), String> {
    let mut routes = BTreeMap::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_object().cloned().unwrap_or_default();
        for event in events.values().filter(|event| event["Type"] == "HttpApi") {
            let text = |name: &str| event["Properties"][name].as_str().expect("a text").to_owned();
            routes.insert((text("Method"), text("Path")), name_of(&id));
        }
    }
    routes
}

fn table() -> Vec<Row> {
    let routes = routes();
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let mut word = || words.next().unwrap_or_else(|| panic!("it ends early: {line}"));
            let (method, path, case) = (word(), word(), word());
            let function = routes.get(&(method.clone(), path.clone())).cloned();
            let function = function.unwrap_or_else(|| panic!("the template has no {method} {path}"));
            let expected: Vec<_> = words.map(|word| Expected::parse(&word, &method)).collect();
            assert_eq!(expected.len(), Caller::ALL.len(), "{line}");
            Row { method, path, case, function, expected }
        })
        .collect()
}

impl Row {
    /// The status that the caller of a column is to get.
    fn expected_status(&self, column: usize) -> u16 {
        self.expected[column].status
    }
}

impl Expected {
    fn parse(word: &str, method: &str) -> Self {
        let status = word.trim_end_matches(['=', '+']).parse().expect("a status");
        let acts = status < 300 && method != "GET" && !word.ends_with('=');
        Self { status, changes: acts || word.ends_with('+') }
    }
}

/// The status of the answer; in a batch, that of its one operation.
fn status(answer: &Answer) -> u16 {
    match answer.body["results"][0]["status"].as_u64() {
        Some(status) => u16::try_from(status).expect("a status"),
        None => answer.status,
    }
}

/// What is wrong with the answer to one caller, and whether something has changed.
async fn differences(scene: &Scene, row: &Row, expected: &Expected) -> (Vec<String>, bool) {
    let caller = scene.caller;
    let event = scene.event(row).await;
    let before = scene.world.store.contents();
    let answer = scene.world.send(&event).await;
    let changed = scene.world.store.contents() != before;
    let text = answer.body.to_string();
    let status = status(&answer);
    let mut wrong = Vec::new();
    if row.method == "GET" && row.path.starts_with("/v1/") {
        let mut head = event.clone();
        head.json["requestContext"]["http"]["method"] = "HEAD".into();
        let head = scene.world.send(&head).await;
        if head.status != answer.status {
            wrong.push(format!("HEAD: {} instead of {}", head.status, answer.status));
        }
    }
    if status != expected.status {
        wrong.push(format!("{status} instead of {}: {text}", expected.status));
    }
    if changed != expected.changes {
        wrong.push(if changed { "something has changed" } else { "nothing has changed" }.to_owned());
    }
    if status == 403 && caller == Caller::Blocked && answer.code() != "account_disabled" {
        wrong.push(format!("it is not for the disabled account: {text}"));
    }
    // The examples of the OpenAPI document were recorded in a space of this name.
    let is_document = answer.body["openapi"].is_string();
    let disclosed = SECRETS.iter().filter(|secret| !is_document && text.contains(**secret));
    if status >= 400 || !caller.is_member() {
        wrong.extend(disclosed.map(|secret| format!("it discloses {secret:?}: {text}")));
    }
    (wrong, changed)
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let (rows, mut wrong) = (table(), Vec::new());
    for (column, caller) in Caller::ALL.into_iter().enumerate() {
        let mut unchanged: Option<Scene> = None;
        for row in &rows {
            let scene = match unchanged.take().filter(|scene| scene.function == row.function) {
                Some(scene) => scene,
                None => Scene::new(&row.function, caller).await,
            };
            let (differences, changed) = differences(&scene, row, &row.expected[column]).await;
            let Row { method, path, case, .. } = row;
            let named = |difference| format!("{method} {path} ({case}), {caller:?}: {difference}");
            wrong.extend(differences.into_iter().map(named));
            unchanged = (!changed).then_some(scene);
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_route_of_the_template_is_in_the_table() {
    let rows: BTreeSet<_> = table().into_iter().map(|row| (row.method, row.path)).collect();
    // Every line of GET is tried with HEAD, too.
    let line = |method: &str| if method == "HEAD" { "GET" } else { method }.to_owned();
    let missing =
        routes().into_keys().filter(|(method, path)| !rows.contains(&(line(method), path.clone())));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "the table has no line for {missing:?}");
}

#[tokio::test]
async fn every_operation_of_a_batch_is_in_the_table() {
    let (world, ada, _) = World::seeded().await;
    let event = world.event("batch-tasks", &ada, &task(1, &ada, draft("any"))).await;
    let answer = world.send(&event.body(&json!({ "operations": [{ "op": "unknown" }] }))).await;
    let error = &answer.body["results"][0]["problem"]["errors"][0];
    let message = error["message"].as_str().expect("a message");
    let known = message.strip_prefix("It must be one of ").and_then(|rest| rest.strip_suffix('.'));
    let known: BTreeSet<_> = known.expect("the operations").split(", ").collect();
    let rows: Vec<_> = table().into_iter().filter(|row| row.function == "batch-tasks").collect();
    let tested: BTreeSet<_> = rows.iter().filter_map(|row| row.case.split(':').next()).collect();
    assert_eq!(tested, known);
}
