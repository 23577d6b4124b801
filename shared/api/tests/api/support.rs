//! The API without the cloud: every handler on the in-memory store, driven by the files in `events/`.

use std::collections::BTreeMap;

use lambda_http::{Body, Response};
use serde_json::{Value, json};
use taskbell_api::{
    handlers::{auth, health, me, tasks},
    http::respond,
    passwords,
    tokens::{Identity, Issuer, SigningKey, Verifier},
};
use taskbell_domain::{
    clock::Clock,
    credential::{Credential, RefreshToken, SESSION_LIFETIME, Session},
    id::{SessionId, TaskId},
    ports::Created,
    task::{Task, TaskDraft},
    text::Description,
    user::User,
};
use taskbell_test::{
    ManualClock, Memory, QueueFake, SeededRandom,
    contract::Store,
    fixtures::{NOW, due_draft, task, user},
    template::project,
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const STACK: &str = "taskbell/test";

/// Everything a handler can reach.
pub(crate) struct World<S = Memory> {
    pub(crate) store: S,
    pub(crate) queue: QueueFake,
    pub(crate) clock: ManualClock,
    pub(crate) random: SeededRandom,
    pub(crate) issuer: Issuer,
    pub(crate) verifier: Verifier,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    /// The code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// `(field, code)` of every error in a problem.
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .map(|e| (e["field"].as_str().unwrap_or(""), e["code"].as_str().unwrap_or("")))
            .collect()
    }
}

/// An event of `events/`, to be changed and sent.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) function: String,
    pub(crate) json: Value,
}

impl Event {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.json["headers"][name] = json!(value);
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.json["headers"].as_object_mut().expect("headers").remove(name);
        self
    }

    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.json["body"] = json!(body.to_string());
        self
    }

    pub(crate) fn raw_body(mut self, body: &str) -> Self {
        self.json["body"] = json!(body);
        self
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        self.json["rawQueryString"] = json!(query);
        self
    }

    pub(crate) fn path(mut self, name: &str, value: &str) -> Self {
        self.json["pathParameters"][name] = json!(value);
        self
    }
}

impl World {
    /// A world in which user 1 is registered and has one task.
    pub(crate) async fn inhabited() -> (Self, User, Task) {
        let world = Self::on(Memory::default());
        let ada = world.register(1).await;
        let mut draft = due_draft("Ring", "2026-03-02T09:00:00Z", &["PT1H"]);
        draft.description = Description::parse("Thrice.").expect("a text");
        let task = world.create(1, &ada, draft).await;
        (world, ada, task)
    }
}

impl<S: Store> World<S> {
    pub(crate) fn on(store: S) -> Self {
        let key = SigningKey::generate().expect("a key");
        Self {
            store,
            queue: QueueFake::default(),
            clock: ManualClock::at(NOW),
            random: SeededRandom::new(42),
            verifier: Verifier::new(STACK, &key.public_key()).expect("a verifier"),
            issuer: Issuer::new(STACK.to_owned(), &key),
        }
    }

    pub(crate) async fn register(&self, number: u64) -> User {
        let user = user(number);
        let password_hash = passwords::hash(PASSWORD, &self.random).expect("a hash");
        let credential = Credential { user: user.id, password_hash };
        self.store.register(&user, &credential).await.expect("an answer");
        user
    }

    pub(crate) async fn create(&self, number: u64, owner: &User, draft: TaskDraft) -> Task {
        let task = task(number, owner, draft);
        let made = self.store.create(&task, None, self.clock.now()).await.expect("an answer");
        assert_eq!(made, Created::Done);
        task
    }

    pub(crate) async fn stored(&self, id: TaskId) -> Task {
        self.store.task(id).await.expect("an answer").expect("the task is there")
    }

    pub(crate) fn session(&self) -> SessionId {
        SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(77))
    }

    pub(crate) fn access_token(&self, user: &User) -> String {
        let identity = Identity { user: user.id, session: self.session() };
        self.issuer.issue(identity, self.clock.now(), &self.random).expect("a token")
    }

    pub(crate) async fn refresh_token(&self, user: &User) -> String {
        let token = RefreshToken::generate(user.id, self.session(), &self.random);
        let expires_at = self.clock.now() + SESSION_LIFETIME;
        let session =
            Session { id: token.session, user: user.id, token_hash: token.hash(), expires_at };
        self.store.open_session(&session).await.expect("an answer");
        token.to_text()
    }

    /// The event file of a function, filled in for a user and a task.
    pub(crate) async fn event(&self, function: &str, user: &User, task: &Task) -> Event {
        let path = project().join("events").join(format!("{function}.json"));
        let mut text = std::fs::read_to_string(&path).expect("an event file");
        for (name, value) in [
            ("ACCESS_TOKEN", self.access_token(user)),
            ("REFRESH_TOKEN", self.refresh_token(user).await),
            ("EMAIL", user.email.as_str().to_owned()),
            ("TASK_ID", task.id.to_string()),
            ("UNSUBSCRIBE_TOKEN", me::unsubscribe::link_token(user)),
        ] {
            text = text.replace(&format!("{{{{{name}}}}}"), &value);
        }
        Event { function: function.to_owned(), json: serde_json::from_str(&text).expect("JSON") }
    }

    /// Sends an event to the handler of its function, as the function itself does.
    pub(crate) async fn send(&self, event: &Event) -> Answer {
        let Self { store, queue, clock, random, issuer, verifier } = self;
        let request =
            lambda_http::request::from_str(&event.json.to_string()).expect("an HTTP API event");
        let response: Response<Body> = respond(request, async |call| match event.function.as_str() {
            "register-user" => auth::register::handle(call, store, clock, random).await,
            "log-in" => auth::log_in::handle(call, store, issuer, clock, random).await,
            "refresh-session" => auth::refresh::handle(call, store, issuer, clock, random).await,
            "log-out" => auth::log_out::handle(call, store, verifier, clock).await,
            "get-profile" => me::get::handle(call, store, verifier, clock).await,
            "update-profile" => me::update::handle(call, store, verifier, clock).await,
            "unsubscribe" => me::unsubscribe::handle(call, store, clock).await,
            "create-task" => tasks::create::handle(call, store, queue, verifier, clock, random).await,
            "list-tasks" => tasks::list::handle(call, store, verifier, clock).await,
            "get-task" => tasks::get::handle(call, store, verifier, clock).await,
            "update-task" => tasks::update::handle(call, store, queue, verifier, clock, random).await,
            "delete-task" => tasks::delete::handle(call, store, verifier, clock).await,
            "complete-task" => tasks::complete::handle(call, store, verifier, clock, random).await,
            "reopen-task" => tasks::reopen::handle(call, store, queue, verifier, clock, random).await,
            "list-task-reminders" => tasks::reminders::handle(call, store, verifier, clock).await,
            "get-health" => health::get::handle(call).await,
            other => panic!("{other} is no function of the API"),
        })
        .await;
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()));
        let body = match response.body() {
            Body::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => Value::Null,
        };
        Answer { status: response.status().as_u16(), headers: headers.collect(), body }
    }
}
