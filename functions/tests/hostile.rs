//! A function responds to every event, including those that API Gateway should not pass on.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// Lambda's runtime API ("Using the Lambda runtime API", Lambda developer guide): returns one event per
/// request and forwards what is posted for each.
fn runtime_api(events: Vec<String>) -> (SocketAddr, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (posted, received) = mpsc::channel();
    thread::spawn(move || {
        let mut events = events.into_iter();
        for connection in listener.incoming().flatten() {
            if serve(connection, &mut events, &posted).is_none() {
                break;
            }
        }
    });
    (address, received)
}

/// Answers the requests of one connection. `None` after the last event.
fn serve(
    mut connection: TcpStream,
    events: &mut impl Iterator<Item = String>,
    posted: &mpsc::Sender<(String, String)>,
) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    loop {
        let mut line = String::new();
        let mut length = 0;
        let mut request = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if request.is_empty() {
                request = line.trim().to_owned();
            }
            line.clear();
        }
        if request.is_empty() {
            return Some(());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = if request.starts_with("GET ") {
            let Some(event) = events.next() else {
                posted.send(("end".to_owned(), String::new())).ok()?;
                return None;
            };
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: 1\r\n\
                        lambda-runtime-deadline-ms: 4102444800000\r\nlambda-runtime-invoked-function-arn: a\r\n";
            format!("{head}content-length: {}\r\n\r\n{event}", event.len())
        } else {
            posted.send((request, String::from_utf8(body).ok()?)).ok()?;
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
        };
        connection.write_all(answer.as_bytes()).ok()?;
    }
}

/// A normal event with a change.
fn event(change: impl FnOnce(&mut Value)) -> String {
    let mut event = json!({
        "version": "2.0", "rawPath": "/v1/health", "rawQueryString": "",
        "headers": {"host": "api.example.com", "accept": "*/*"},
        "requestContext": {
            "requestId": "1", "routeKey": "GET /v1/health", "http": {"method": "GET", "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": false,
    });
    change(&mut event);
    event.to_string().replace("LONE-SURROGATE", "\\ud800")
}

/// Values that are valid or invalid in a URI, header or token.
fn odd_values() -> Vec<String> {
    let ascii = (0_u8..128).map(|byte| char::from(byte).to_string());
    let longer = [
        "q=\"a\"",
        "q=<x>",
        "foo bar",
        "%zz",
        "%ff",
        "[::1",
        "http://",
        "é",
        "\u{fffd}",
        "LONE-SURROGATE",
    ];
    ascii.chain(longer.map(str::to_owned)).chain([" ".repeat(10_000)]).collect()
}

#[test]
fn no_event_crashes_a_function_or_fails_its_invocation() {
    let mut events = Vec::new();
    for value in odd_values() {
        events.push(event(|event| event["rawQueryString"] = json!(value)));
        events.push(event(|event| event["rawPath"] = json!(value)));
        events.push(event(|event| event["cookies"] = json!([value])));
        events.push(event(|event| event["pathParameters"] = json!({ "task_id": value })));
        events.push(event(|event| event["requestContext"]["http"]["method"] = json!(value)));
        for header in
            ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "host", "authorization"]
        {
            events.push(event(|event| event["headers"][header] = json!(value)));
        }
        events.push(event(|event| event["headers"][&value] = json!("1")));
        events.push(event(|event| event["requestContext"]["requestId"] = json!(value)));
        events.push(event(|event| {
            event["body"] = json!(value);
            event["isBase64Encoded"] = json!(true);
        }));
    }
    events.extend(["{}", "null", "17", "[]", r#"{"headers": null}"#].map(str::to_owned));
    for function in ["get-health", "get-task"] {
        answers_all(function, events.clone());
    }
}

fn answers_all(function: &str, events: Vec<String>) {
    let (count, unused) = (events.len(), TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let dynamodb = unused.local_addr().expect("an address");
    drop(unused);
    let (runtime, received) = runtime_api(events.clone());
    let programs = Path::new(env!("CARGO_BIN_EXE_get-health")).parent().expect("a folder");
    let mut child = Command::new(programs.join(function))
        .env_clear()
        .envs([
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_REGION", "us-east-1"),
            ("ACCOUNTS_TABLE", "a"),
            ("TASKS_TABLE", "t"),
            ("TOKEN_ISSUER", "i"),
            ("STACK", "taskbell"),
            ("REQUESTS_PER_MINUTE", "600"),
            ("TOKEN_PUBLIC_KEYS", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo@0"), // RFC 8037, appendix A.2
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ])
        .env("AWS_ENDPOINT_URL", format!("http://{dynamodb}"))
        .env("AWS_LAMBDA_RUNTIME_API", runtime.to_string())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut answered = 0;
    loop {
        let next = received.recv_timeout(Duration::from_secs(60));
        let (request, body) = next.unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("{function} ended at {}", events[answered.min(count - 1)])
        });
        if request == "end" {
            break;
        }
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        assert!(
            request.contains("/response") && (200..500).contains(&status),
            "{function}: {request} {body}: {}",
            events[answered]
        );
        answered += 1;
    }
    child.kill().expect("the process runs");
    child.wait().expect("the process exits");
    assert_eq!(answered, count, "{function}");
}
