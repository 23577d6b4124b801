//! No request causes a server error: for every function of the API, events with arbitrary values in everything that a
//! caller controls.

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use taskbell_test::template::resources;
use tokio::runtime::{Builder, Runtime};

use crate::{
    functions::name_of,
    support::{Event, World},
};

/// The number of events for each function.
const CASES: u32 = 48;

/// A placeholder for a lone surrogate, which JSON can express and a Rust string cannot contain.
const SURROGATE: &str = "LONE-SURROGATE";

/// Texts that are difficult for parsers.
const ODD: &[&str] = &[
    "",
    " ",
    "\"a\"",
    "<x>",
    "%",
    "%zz",
    "%ff%fe",
    "%00",
    "\0",
    "\r\n",
    "foo bar",
    "a=b=c",
    "&&",
    "=&=",
    "[]",
    "{}",
    "null",
    "-1",
    "1e999",
    "99999999999999999999",
    "..",
    "../..",
    "W/\"1\"",
    "*",
    "\"",
    "\\",
    "é",
    "\u{202e}",
    "𝕏",
    "\u{fdfa}",
    "=?utf-8?Q?=0D=0A?=",
    SURROGATE,
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(ODD).prop_map(str::to_owned),
        "[ -~]{0,24}",
        ".{0,24}",
        vec(any::<u8>(), 0..24)
            .prop_map(|bytes| bytes.iter().map(|byte| format!("%{byte:02x}")).collect()),
    ]
}

/// An arbitrary value for a part of an event.
#[derive(Debug, Clone)]
enum Mutation {
    Header(String, String),
    Query(String),
    Parameter(String),
    Cookie(String),
    Body(String, bool),
    /// A member of the JSON body that the function expects, by its number.
    Member(usize, Value),
}

const HEADERS: &[&str] = &[
    "accept",
    "authorization",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "user-agent",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Query parameters of the lists.
const PARAMETERS: &[&str] = &[
    "assigned_to",
    "category",
    "cursor",
    "days",
    "due",
    "due_after",
    "due_before",
    "email",
    "limit",
    "name",
    "overdue",
    "priority",
    "q",
    "sort",
    "space",
    "status",
    "tag",
];

fn change() -> impl Strategy<Value = Mutation> {
    let value = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        vec(text(), 0..3).prop_map(Value::from),
        text().prop_map(|name| json!({ name: [null, {}] })),
        Just(Value::Null),
    ];
    prop_oneof![
        (select(HEADERS), text()).prop_map(|(name, value)| Mutation::Header(name.to_owned(), value)),
        (text(), text()).prop_map(|(name, value)| Mutation::Header(name, value)),
        text().prop_map(Mutation::Query),
        vec((select(PARAMETERS), text()), 1..3).prop_map(|some| {
            let pairs: Vec<_> = some.iter().map(|(name, value)| format!("{name}={value}")).collect();
            Mutation::Query(pairs.join("&"))
        }),
        text().prop_map(Mutation::Parameter),
        text().prop_map(Mutation::Cookie),
        (text(), any::<bool>()).prop_map(|(text, base64)| Mutation::Body(text, base64)),
        (any::<usize>(), value).prop_map(|(index, value)| Mutation::Member(index, value)),
    ]
}

fn changed(event: &Event, changes: &[Mutation]) -> String {
    let mut json = event.json.clone();
    for change in changes {
        match change {
            Mutation::Header(name, value) => json["headers"][name] = json!(value),
            Mutation::Query(query) => json["rawQueryString"] = json!(query),
            Mutation::Cookie(cookie) => json["cookies"] = json!([cookie]),
            Mutation::Parameter(value) => {
                let known = json["pathParameters"].as_object_mut();
                known.into_iter().flatten().for_each(|(_, parameter)| *parameter = json!(value));
            }
            Mutation::Body(text, base64) => {
                json["body"] = json!(text);
                json["isBase64Encoded"] = json!(base64);
            }
            Mutation::Member(index, value) => {
                let body =
                    json["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
                let Some(mut body) = body else { continue };
                let members = body.as_object_mut().into_iter().flatten();
                let count = members.count().max(1);
                let member = body.as_object_mut().into_iter().flatten().nth(index % count);
                member.into_iter().for_each(|(_, member)| *member = value.clone());
                json["body"] = json!(body.to_string());
            }
        }
    }
    json.to_string().replace(SURROGATE, "\\ud800")
}

/// The functions of the API, from the template.
fn functions() -> Vec<String> {
    let served = resources("AWS::Serverless::Function")
        .into_iter()
        .filter(|(_, function)| function["Properties"]["Events"].to_string().contains("HttpApi"));
    served.map(|(id, _)| name_of(&id)).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn no_request_causes_a_server_error() {
    let functions = functions();
    assert!(functions.len() > 40, "{functions:?}");
    let runtime = runtime();
    for (number, function) in functions.iter().enumerate() {
        let (world, ada, task) = runtime.block_on(World::seeded());
        let seed = [u8::try_from(number).expect("few functions"); 32];
        let mut runner = TestRunner::new_with_rng(
            Config { cases: CASES, failure_persistence: None, ..Config::default() },
            TestRng::from_seed(RngAlgorithm::ChaCha, &seed),
        );
        let result = runner.run(&vec(change(), 1..5), |changes| {
            let event = runtime.block_on(world.event(function, &ada, &task));
            let status = runtime.block_on(world.send_text(function, &changed(&event, &changes))).status;
            prop_assert!((200..500).contains(&status), "{status}");
            Ok(())
        });
        result.unwrap_or_else(|failure| panic!("{function}: {failure}"));
    }
}

#[tokio::test]
async fn queries_and_headers_that_are_invalid_in_a_uri_are_accepted() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("get-health", &ada, &task).await;
    for query in ["q=\"a\"", "q=<x>", "q=a b", "q={}", "q=^`|", "%", "q=é", "q=\u{0}"] {
        assert_eq!(world.send(&event.clone().query(query)).await.status, 200, "{query}");
    }
    for name in ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "host"] {
        for value in ["foo bar", "", ":", "a/b", "http://", "[::1", "99999999", "é"] {
            let answer = world.send(&event.clone().header(name, value)).await;
            assert_eq!(answer.status, 200, "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn lone_surrogates_and_invalid_base64_are_malformed_requests() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await;
    let odd = changed(&event, &[Mutation::Query(SURROGATE.to_owned())]);
    let answer = world.send_text("create-task", &odd).await;
    assert_eq!((answer.status, answer.code()), (400, "malformed_request"));
    let odd = changed(&event, &[Mutation::Body("not base64!".to_owned(), true)]);
    let answer = world.send_text("create-task", &odd).await;
    assert_eq!((answer.status, answer.code()), (400, "malformed_request"));
}

#[tokio::test]
async fn a_base64_body_is_read_like_a_text_body() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("create-task", &ada, &task).await;
    // {"title": "Wind"}
    let odd = changed(&event, &[Mutation::Body("eyJ0aXRsZSI6ICJXaW5kIn0=".to_owned(), true)]);
    let answer = world.send_text("create-task", &odd).await;
    assert_eq!((answer.status, &answer.body["title"]), (201, &json!("Wind")));
}
