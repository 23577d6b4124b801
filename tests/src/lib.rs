//! A client of a deployed Taskbell, for the end-to-end tests.
//!
//! `TASKBELL_URL` names the API; `TASKBELL_OPERATOR` the address of its operator; `TASKBELL_MAIL_URL`, where there is one, the list of sent mails that the
//! local cloud keeps; `TASKBELL_ADDRESSES` the addresses of test users, where `{}` is a number, if they are not to be of `example.com`;
//! `TASKBELL_TOKEN_URL`, where mails cannot be read, the server of the tokens that verify addresses.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The password of every test user.
pub const PASSWORD: &str = "correct horse battery staple";

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body: JSON, or a string, or null.
    pub body: Value,
}

impl Answer {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with make test"))
}

/// Sends a request to the API. If it exceeds the limit of clicks on links, which all tests share since they come from one IP
/// address, it is sent again when the response says.
pub fn send(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    loop {
        let answer = send_once(method, path, headers, body);
        if answer.status != 429 || !answer.header("ratelimit").starts_with("\"links\"") {
            return answer;
        }
        let seconds = answer.header("retry-after").parse().expect("seconds");
        thread::sleep(Duration::from_secs(seconds));
    }
}

fn send_once(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request =
        ureq::http::Request::builder().method(method).uri(variable("TASKBELL_URL") + path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => agent.run(request.body(body.to_owned()).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    }
    .expect("the API answers");
    let text = response.body_mut().read_to_string().expect("text");
    Answer {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect(),
        body: serde_json::from_str(&text)
            .unwrap_or_else(|_| if text.is_empty() { Value::Null } else { json!(text) }),
    }
}

/// A test user, separate for each test.
pub struct User {
    /// The email address.
    pub email: String,
    /// The tokens of the last log-in or refresh.
    pub tokens: Value,
}

static USERS: AtomicU32 = AtomicU32::new(0);

impl User {
    /// Registers, verifies the address and logs in.
    pub fn new() -> Self {
        let number = USERS.fetch_add(1, Ordering::Relaxed);
        let moment = Timestamp::now().as_nanosecond();
        let addresses =
            env::var("TASKBELL_ADDRESSES").unwrap_or_else(|_| "user.{}@example.com".to_owned());
        Self::with_address(addresses.replace("{}", &format!("{moment}.{number}")))
    }

    /// The operator of the stack (`TASKBELL_OPERATOR`): registers and becomes an operator with the mailed code.
    pub fn operator() -> Self {
        let operator = Self::with_address(variable("TASKBELL_OPERATOR"));
        if operator.tokens["user"]["role"] == "operator" {
            return operator;
        }
        assert_eq!(operator.post("/v1/me/operator", &json!({})).status, 202);
        let code = wait_for("the code", || {
            operator.mails().iter().find_map(|mail| {
                let mut lines = mail["BodyText"].as_str()?.lines().map(str::trim);
                lines.find(|line| line.len() == 59 && line.contains('.')).map(str::to_owned)
            })
        });
        let made = operator.post("/v1/me/operator", &json!({ "code": code }));
        assert_eq!((made.status, &made.body["role"]), (200, &json!("operator")), "{}", made.body);
        assert_eq!(operator.get("/v1/users").status, 401, "the access token was issued before");
        operator.refreshed()
    }

    /// The same user with refreshed tokens.
    fn refreshed(self) -> Self {
        let json = [("content-type", "application/json")];
        let token = json!({ "refresh_token": self.tokens["refresh_token"] }).to_string();
        let tokens = send("POST", "/v1/auth/refresh", &json, Some(&token));
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        Self { tokens: tokens.body, ..self }
    }

    /// Registers with an address, verifies it and logs in.
    pub fn with_address(email: String) -> Self {
        let account =
            json!({"email": email, "password": PASSWORD, "name": "Ada", "time_zone": "Europe/Berlin"});
        let json = [("content-type", "application/json")];
        let registered = send("POST", "/v1/auth/register", &json, Some(&account.to_string()));
        assert_eq!(registered.status, 202, "{}", registered.body);
        let user = Self { email, tokens: Value::Null };
        let log_in = || {
            let login = json!({"email": user.email, "password": PASSWORD}).to_string();
            send("POST", "/v1/auth/login", &json, Some(&login))
        };
        let mut tokens = log_in();
        // The operator of an existing stack is registered and verified already.
        if tokens.status == 401 {
            user.verify();
            tokens = log_in();
        }
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        Self { tokens: tokens.body, ..user }
    }

    /// Verifies the address with the token in its newest verification mail, or with one from `TASKBELL_TOKEN_URL` where mails
    /// cannot be read. The mail of a deleted account of the same address may be there already.
    fn verify(&self) {
        let token = || match env::var("TASKBELL_TOKEN_URL") {
            Ok(url) => {
                let mut answer = ureq::get(format!("{url}/{}", self.email)).call().expect("a token");
                Some(answer.body_mut().read_to_string().expect("text"))
            }
            Err(_) => {
                let mails = self.all_mails().into_iter().filter(is_verification);
                let newest = mails.max_by_key(|mail| mail["Timestamp"].as_f64().map(f64::to_bits))?;
                word_in(&newest, |word| word.contains(".verify.") && !word.contains('/'))
            }
        };
        let mut refused = None;
        wait_for("the verification", || {
            let token = token().filter(|token| refused.as_ref() != Some(token))?;
            let json = [("content-type", "application/json")];
            let body = json!({ "token": token }).to_string();
            match send("POST", "/v1/auth/verify-email", &json, Some(&body)).status {
                204 => Some(()),
                404 => {
                    refused = Some(token);
                    None
                }
                status => panic!("the verification is answered with {status}"),
            }
        });
    }

    /// Sends a request with the user's access token, further headers, and a JSON body unless it is null.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.tokens["access_token"].as_str().expect("a token"));
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        if body.is_null() {
            return send(method, path, &all, None);
        }
        all.push(("content-type", "application/json"));
        send(method, path, &all, Some(&body.to_string()))
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &Value::Null)
    }

    /// A POST.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body)
    }

    /// Opens a live connection.
    pub fn live(&self) -> Live {
        Live::open(&self.live_url()).expect("it is opened")
    }

    /// The URL of a live connection.
    pub fn live_url(&self) -> String {
        let opened = self.post("/v1/live", &Value::Null);
        assert_eq!(opened.status, 200, "{}", opened.body);
        opened.body["url"].as_str().expect("a URL").to_owned()
    }

    /// Creates a task. Returns the response body.
    pub fn create(&self, task: &Value) -> Value {
        let made = self.post("/v1/tasks", task);
        assert_eq!(made.status, 201, "{}", made.body);
        made.body
    }

    /// The mails sent to this user so far, except for the verification mail.
    pub fn mails(&self) -> Vec<Value> {
        self.all_mails().into_iter().filter(|mail| !is_verification(mail)).collect()
    }

    fn all_mails(&self) -> Vec<Value> {
        let mut answer = ureq::get(variable("TASKBELL_MAIL_URL")).call().expect("a mailbox");
        let all: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON");
        let accounts = all["messages"].as_object().expect("messages").values();
        let mails = accounts.flat_map(|mails| mails.as_array().cloned().unwrap_or_default());
        mails.filter(|mail| mail["To"].to_string().contains(&self.email)).collect()
    }
}

/// A live connection.
pub struct Live {
    socket: tungstenite::WebSocket<tungstenite::stream::MaybeTlsStream<std::net::TcpStream>>,
    received: Vec<Value>,
}

impl Live {
    /// Opens the connection of a URL. `None` if it is refused.
    pub fn open(url: &str) -> Option<Self> {
        let (mut socket, _) = tungstenite::connect(url).ok()?;
        let stream = match socket.get_mut() {
            tungstenite::stream::MaybeTlsStream::Plain(stream) => stream,
            tungstenite::stream::MaybeTlsStream::Rustls(stream) => &mut stream.sock,
            _ => panic!("an unknown kind of stream"),
        };
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
        Some(Self { socket, received: Vec::new() })
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        self.socket.send(message.to_string().into()).expect("it is sent");
    }

    /// Reads for up to a fifth of a second. Returns whether the connection is open.
    fn read(&mut self) -> bool {
        match self.socket.read() {
            Ok(tungstenite::Message::Text(text)) => {
                self.received.push(serde_json::from_str(&text).expect("JSON"));
                true
            }
            Ok(tungstenite::Message::Close(_)) => false,
            Ok(_) => true,
            Err(tungstenite::Error::Io(error)) => {
                [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind())
            }
            Err(_) => false,
        }
    }

    /// Waits for a message of a type about an object.
    pub fn wait_for(&mut self, kind: &str, id: &Value) -> Value {
        wait_for(&format!("{kind} {id}"), || {
            self.read();
            self.received
                .iter()
                .find(|one| one["type"] == kind && (id.is_null() || one["id"] == *id))
                .cloned()
        })
    }

    /// Waits until the connection is closed. Returns all messages that it got.
    pub fn closed(mut self) -> Vec<Value> {
        wait_for("the end of the connection", || (!self.read()).then_some(()));
        self.received
    }
}

impl Default for User {
    fn default() -> Self {
        Self::new()
    }
}

fn is_verification(mail: &Value) -> bool {
    mail["Subject"] == "Confirm your email address"
}

/// The first word of a mail that matches.
pub fn word_in(mail: &Value, kind: impl Fn(&str) -> bool) -> Option<String> {
    let mut words = mail["BodyText"].as_str()?.split_whitespace();
    words.find(|word| kind(word)).map(str::to_owned)
}

/// The path of a task.
pub fn path_of(task: &Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().expect("an id"))
}

/// The instant this many seconds from now, in the format of the API.
pub fn in_seconds(seconds: i64) -> String {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a second");
    (now + SignedDuration::from_secs(seconds)).to_string()
}

/// How long a test waits for a condition. The longest wait that is intended, three dispatch runs, takes 3 minutes; the rest
/// leaves a busy machine its time.
pub const LIMIT: Duration = Duration::from_secs(300);

/// Waits until a condition returns a value, for at most [`LIMIT`].
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "timed out while waiting for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
