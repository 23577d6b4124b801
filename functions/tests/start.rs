//! The start of functions: connections are opened first, and invalid or missing variables are reported in one line.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use taskbell_test::template::resources;

/// The folder with the binaries of this package.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_get-health")).parent().expect("a folder")
}

/// Runs a function with only these variables. It must exit with an error. Returns its stderr.
fn refusal(function: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(programs().join(function))
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the program starts");
    assert!(!output.status.success(), "{function} must not start");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// The variables of a function of the API.
const VARIABLES: [(&str, &str); 9] = [
    ("AWS_ACCESS_KEY_ID", "x"),
    ("AWS_SECRET_ACCESS_KEY", "x"),
    ("AWS_REGION", "us-east-1"),
    ("ACCOUNTS_TABLE", "a"),
    ("TASKS_TABLE", "t"),
    ("TOKEN_ISSUER", "i"),
    ("STACK", "taskbell"),
    ("REQUESTS_PER_MINUTE", "600"),
    ("TOKEN_PUBLIC_KEYS", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo@0"), // RFC 8037, appendix A.2
];

/// `get-task` as Lambda starts it, with DynamoDB at this address.
fn start(dynamodb: SocketAddr, runtime: SocketAddr) -> KillOnDrop {
    let child = Command::new(programs().join("get-task"))
        .env_clear()
        .envs(VARIABLES)
        .env("AWS_ENDPOINT_URL", format!("http://{dynamodb}"))
        .env("AWS_LAMBDA_RUNTIME_API", runtime.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "get-task")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .stderr(Stdio::piped())
        .spawn();
    KillOnDrop(child.expect("the program starts"))
}

/// A process that is killed on drop.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that reports the first line of each connection and sends a fixed response.
fn server(
    requests: mpsc::Sender<(&'static str, String)>,
    name: &'static str,
    answer: &'static str,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming().flatten() {
            let mut connection: TcpStream = connection;
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
            let _ = connection.write_all(answer.as_bytes());
            open.push(connection);
            if requests.send((name, line)).is_err() {
                break;
            }
        }
    });
    address
}

#[test]
fn a_function_opens_two_connections_to_dynamodb_before_its_first_event() {
    let (requests, events) = mpsc::channel();
    let healthy = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nhealthy";
    let dynamodb = server(requests.clone(), "dynamodb", healthy);
    let runtime = server(requests, "runtime", "");
    let _child = start(dynamodb, runtime);
    let next = || events.recv_timeout(Duration::from_secs(60)).expect("the next request");
    let warm_up = ("dynamodb", "GET / HTTP/1.1".to_owned());
    assert_eq!(next(), warm_up);
    assert_eq!(next(), warm_up);
    assert_eq!(next(), ("runtime", "GET /2018-06-01/runtime/invocation/next HTTP/1.1".to_owned()));
}

#[test]
fn a_function_starts_and_logs_a_line_if_dynamodb_is_unreachable() {
    let (requests, events) = mpsc::channel();
    let runtime = server(requests, "runtime", "");
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let mut child = start(unused, runtime);
    events.recv_timeout(Duration::from_secs(60)).expect("it requests an event");
    child.0.kill().expect("the process runs");
    let mut printed = String::new();
    child.0.stderr.take().expect("it is piped").read_to_string(&mut printed).expect("UTF-8");
    assert!(printed.contains("DynamoDB cannot be reached at start"), "{printed}");
    assert!(!printed.contains(&unused.to_string()), "{printed}");
}

#[test]
fn every_function_reports_all_missing_variables_in_one_line() {
    let template = resources("AWS::Serverless::Function");
    for (id, function) in &template {
        let code = function["Properties"]["CodeUri"].as_str().expect("a folder");
        let name = code.trim_end_matches('/').rsplit('/').next().expect("a name");
        let printed = refusal(name, &[]);
        assert_eq!(printed.lines().count(), 1, "{id}: {printed}");
        let own =
            function["Properties"]["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
        // A stack need not name an operator, nor an address for replies.
        let optional = ["OPERATOR_ADDRESS", "REPLY_TO_ADDRESS"];
        let needed = own.keys().map(String::as_str).filter(|name| !optional.contains(name));
        for variable in needed.chain(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"]) {
            assert!(printed.contains(&format!("{variable} is not set")), "{id}: {printed}");
        }
    }
}

#[test]
fn an_invalid_variable_is_reported_with_its_reason() {
    let mut variables = VARIABLES;
    variables[8] = ("TOKEN_PUBLIC_KEYS", "not a key");
    let printed = refusal("get-task", &variables);
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(printed.contains("TOKEN_PUBLIC_KEYS is invalid"), "{printed}");
    assert!(!printed.contains("not set"), "{printed}");
}

#[test]
fn a_cursor_key_of_the_wrong_length_is_reported() {
    let key = [("CURSOR_KEY", "11qYAYKxCrfVS_7TyWQHOg")];
    let variables: Vec<_> = VARIABLES.into_iter().chain(key).collect();
    let printed = refusal("list-tasks", &variables);
    assert!(printed.contains("CURSOR_KEY is invalid (expected 32 bytes in base64url)"), "{printed}");
}

#[test]
fn a_sender_that_would_add_a_header_is_named_with_the_reason() {
    for (variable, value, reason) in [
        ("SENDER_NAME", "Taskbell\r\nBcc: eve@example.com", "use one line without control characters"),
        ("SENDER_NAME", " ", "use 1 to 64 characters"),
        (
            "REPLY_TO_ADDRESS",
            "help@example.com\r\nBcc: eve@example.com",
            "Give an address such as name@example.com.",
        ),
        (
            "REPLY_TO_ADDRESS",
            "help@example.com, eve@example.com",
            "Give an address such as name@example.com.",
        ),
        ("SENDER_ADDRESS", "taskbell", "It has no @: give an address such as name@example.com."),
    ] {
        let variables: Vec<_> = VARIABLES.into_iter().chain([(variable, value)]).collect();
        let printed = refusal("send-reminders", &variables);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert!(printed.contains(&format!("{variable} is invalid ({reason}")), "{printed}");
    }
}

#[test]
fn a_ca_bundle_without_certificates_is_reported() {
    for (bundle, reason) in [("/nowhere/roots.pem", "No such file"), (file!(), "no certificate in")] {
        let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder").join(bundle);
        let bundle = bundle.to_str().expect("UTF-8");
        let variables: Vec<_> = VARIABLES.into_iter().chain([("AWS_CA_BUNDLE", bundle)]).collect();
        let printed = refusal("get-task", &variables);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert!(printed.contains("AWS_CA_BUNDLE is invalid"), "{printed}");
        assert!(printed.contains(reason), "{printed}");
    }
}
