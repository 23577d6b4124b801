//! A trace goes on in what a function calls, and its id is in the log lines.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// The headers of a request, with names in lower case. The first line is under the empty name.
type Headers = BTreeMap<String, String>;

fn read(reader: &mut impl BufRead) -> Option<Headers> {
    let mut headers = Headers::new();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 0) && line != "\r\n" {
        match line.split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => headers.insert(String::new(), line.trim().to_owned()),
        };
        line.clear();
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    headers.contains_key("").then_some(headers)
}

/// The runtime API and AWS in one server: one event with a trace, a timer that is due in every shard, and empty answers.
fn server() -> (SocketAddr, mpsc::Receiver<Headers>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || serve(connection, &sender));
        }
    });
    (address, received)
}

fn serve(mut connection: TcpStream, requests: &mpsc::Sender<Headers>) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    while let Some(headers) = read(&mut reader) {
        let body = match headers.get("x-amz-target").map(String::as_str) {
            Some("DynamoDB_20120810.Query") => {
                r#"{"Count":1,"ScannedCount":1,"Items":[{"timer_key":{"S":"2026-03-01T08:00:00Z#tsk_01KJM0WS80000000000000000A"}}]}"#
            }
            Some("AmazonSQS.SendMessageBatch") => r#"{"Successful":[],"Failed":[]}"#,
            _ => "{}",
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: 1\r\n\
             lambda-runtime-deadline-ms: 4102444800000\r\nlambda-runtime-invoked-function-arn: a\r\n\
             lambda-runtime-trace-id: {TRACE}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        requests.send(headers).ok()?;
        connection.write_all((head + body).as_bytes()).ok()?;
    }
    None
}

#[test]
fn a_message_is_sent_with_the_trace_of_the_function_that_sends_it() {
    let (address, requests) = server();
    let programs = Path::new(env!("CARGO_BIN_EXE_get-health")).parent().expect("a folder");
    let mut child = Command::new(programs.join("dispatch-due-timers"))
        .env_clear()
        .envs([
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_REGION", "us-east-1"),
            ("ACCOUNTS_TABLE", "a"),
            ("TASKS_TABLE", "t"),
            ("STACK", "taskbell"),
            ("LOG_LEVEL", "info"),
            ("AWS_LAMBDA_FUNCTION_NAME", "dispatch-due-timers"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ])
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("REMINDER_QUEUE_URL", format!("http://{address}/queue"))
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let sent = loop {
        let request = requests.recv_timeout(Duration::from_secs(60)).expect("a message is sent");
        if request.get("x-amz-target").is_some_and(|target| target == "AmazonSQS.SendMessageBatch") {
            break request;
        }
    };
    // SQS keeps it with the message, and passes it to the function that receives the message.
    assert_eq!(sent.get("x-amzn-trace-id").map(String::as_str), Some(TRACE));
    let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let line = stderr.lines().map_while(Result::ok).find(|line| line.contains("dispatch run finished"));
    let line = line.expect("a line about the run");
    assert!(line.contains(r#""trace_id":"1-5759e988-bd862e3fe1be46a994272793""#), "{line}");
    child.kill().expect("the process runs");
    child.wait().expect("it ends");
}
