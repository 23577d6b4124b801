//! The start-up of every function: it reads the environment once, reports all configuration errors in one line, sets up
//! JSON logging, builds the required clients, and opens their connections to DynamoDB.

use std::{env, fmt, fs, num::NonZeroU32, panic, pin::Pin, str::FromStr, sync::Arc};

use taskbell_api::{
    endpoint::{Access, Endpoint, Programs, RequestLimit},
    http::{Callers, CursorKey, RateLimitGuard},
    keys::KeyRing,
    links::LinkKeys,
    mail::{Sender, SenderName},
    tokens::{Issuer, Verifier},
    workers::Pace,
};
use taskbell_aws::{
    ApiGatewayChannel, Connection, Credentials, SesMailer, SigningKeyParameter, SqsPushQueue,
    SqsTimerQueue, dynamodb::DynamoDb, roots,
};
use taskbell_domain::{
    clock::Clock,
    email::EmailAddress,
    ports::SigningKeyStore,
    quota::Quota,
    rate_limit::RateLimit,
    registration::{Registration, RegistrationPolicy},
    user::OperatorSecondFactor,
};

use jiff::Timestamp;
pub use lambda_runtime::{Error, LambdaEvent};
use lambda_runtime::{Runtime, service_fn};
use serde::{Deserialize, Serialize};
#[doc(hidden)]
pub use taskbell_api::http::HttpResponse;
use taskbell_api::{http::HttpEvent, logging, trace::trace_id};
pub use taskbell_api::{
    http::{Invocation, NoGuard, respond},
    system::{SystemClock, SystemRandom},
};
use tracing::Instrument as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The environment of a function. Missing and invalid variables are collected, and [`Environment::ready`] reports all
/// of them.
pub struct Environment {
    connection: Connection,
    dynamodb: Option<DynamoDb>,
    problems: Vec<String>,
}

impl Environment {
    /// Sets up logging and reads the variables that every client needs.
    pub fn start() -> Self {
        let level = env::var("LOG_LEVEL").ok();
        let level = level.and_then(|name| tracing::Level::from_str(&name).ok());
        let mut problems = Vec::new();
        let mut required = |name| required(name, &mut problems);
        // Log to stderr: Lambda captures both streams, and the local runner waits for a line there.
        let level = level.unwrap_or(tracing::Level::INFO);
        logging::subscriber(level, required("STACK"), std::io::stderr).init();
        panic::set_hook(Box::new(log_panic));
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID"),
            required("AWS_SECRET_ACCESS_KEY"),
            optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let region = required("AWS_REGION");
        let roots = bundle().map_err(|problem| problems.push(problem)).unwrap_or_default();
        let connection = Connection::new(region, credentials, optional("AWS_ENDPOINT_URL"), roots);
        Self { connection, dynamodb: None, problems }
    }

    /// The value of a variable. If it is missing, records a problem and returns an empty string.
    pub fn required(&mut self, name: &'static str) -> String {
        required(name, &mut self.problems)
    }

    /// The parsed value of a variable. If it is missing or invalid, records a problem and returns `None`.
    pub fn checked<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.required(name);
        if value.is_empty() {
            return None;
        }
        check(&value).map_err(|error| self.problems.push(format!("{name} is invalid ({error})"))).ok()
    }

    /// The two tables.
    pub fn dynamodb(&mut self) -> DynamoDb {
        let (accounts, tasks) = (self.required("ACCOUNTS_TABLE"), self.required("TASKS_TABLE"));
        let store = DynamoDb::new(self.connection.dynamodb(), accounts, tasks);
        self.dynamodb.insert(store).clone()
    }

    /// The queue of `send-reminders`.
    pub fn reminder_queue(&mut self) -> SqsTimerQueue {
        SqsTimerQueue::new(self.connection.sqs(), self.required("REMINDER_QUEUE_URL"))
    }

    /// The queue of `push-changes`.
    pub fn push_queue(&mut self) -> SqsPushQueue {
        SqsPushQueue::new(self.connection.sqs(), self.required("PUSH_QUEUE_URL"))
    }

    /// The live connections.
    pub fn live_channel(&mut self) -> ApiGatewayChannel {
        let endpoint = self.required("LIVE_ENDPOINT");
        ApiGatewayChannel::new(self.connection.live(endpoint))
    }

    /// The authentication and the rate limit of an endpoint. Inlined, so that functions for public endpoints contain no
    /// token verification.
    #[inline(always)]
    pub fn callers(&mut self, endpoint: Endpoint) -> Option<(Callers, RateLimit)> {
        let callers = match endpoint.access {
            Access::Public => Some(Callers::Public),
            Access::User(_) | Access::Operator => self.users(endpoint.access.programs()),
        };
        let limit = match endpoint.rate_limit {
            RequestLimit::Fixed(limit) => Some(limit),
            RequestLimit::Variable(name, limit) => self.number(name).map(limit),
            RequestLimit::None => {
                self.problems.push(format!("{} has no rate limit", endpoint.name));
                None
            }
        };
        callers.zip(limit)
    }

    fn users(&mut self, programs: Programs) -> Option<Callers> {
        let issuer = self.required("TOKEN_ISSUER");
        let verifier = self.checked("TOKEN_PUBLIC_KEYS", |keys| Verifier::new(&issuer, keys));
        verifier.map(|verifier| Callers::Users(Arc::new(verifier), programs))
    }

    /// The sending rate of one worker.
    pub fn pace(&mut self) -> Option<Pace> {
        let (rate, workers) = (self.number("MAILS_PER_SECOND"), self.number("REMINDER_CONCURRENCY"));
        let pace = Pace::new(rate?, workers?);
        if pace.is_none() {
            self.problems.push("REMINDER_CONCURRENCY exceeds five times MAILS_PER_SECOND".to_owned());
        }
        pace.map(|pace| pace.staggered(SystemClock.instant(), &SystemRandom))
    }

    /// The keys that sign links in mails.
    pub fn link_keys(&mut self) -> Option<LinkKeys> {
        self.checked("LINK_KEYS", LinkKeys::parse)
    }

    /// The key that signs cursors.
    pub fn cursor_key(&mut self) -> Option<CursorKey> {
        self.checked("CURSOR_KEY", CursorKey::parse)
    }

    /// The operator address of the stack, if it is configured.
    pub fn operator(&mut self) -> Option<EmailAddress> {
        self.optional_address("OPERATOR_ADDRESS").flatten()
    }

    /// Who may register.
    pub fn registration_policy(&mut self) -> Option<RegistrationPolicy> {
        let operator = self.operator();
        let registration = self.checked("REGISTRATION", |text| {
            Registration::parse(text).map_err(|violation| violation.message)
        });
        registration.map(|registration| RegistrationPolicy { registration, operator })
    }

    /// Whether operators need a second factor.
    pub fn operator_second_factor(&mut self) -> Option<OperatorSecondFactor> {
        self.checked("OPERATOR_SECOND_FACTOR", |text| {
            OperatorSecondFactor::parse(text).map_err(|violation| violation.message)
        })
    }

    /// The limits of tasks and reminders per space.
    pub fn quota(&mut self) -> Option<Quota> {
        let (tasks, reminders) = (self.number("TASKS_PER_SPACE"), self.number("REMINDERS_PER_SPACE"));
        Some(Quota { tasks: tasks?, reminders: reminders? })
    }

    /// The value of a variable that must be a positive number.
    pub fn number(&mut self, name: &'static str) -> Option<u32> {
        let number = self.checked(name, NonZeroU32::from_str);
        number.map(NonZeroU32::get)
    }

    /// The parameter that stores the private key.
    pub fn signing_key(&mut self) -> SigningKeyParameter {
        SigningKeyParameter::new(self.connection.ssm(), self.required("SIGNING_KEY_PARAMETER"))
    }

    /// The mail client with its sender.
    pub fn mailer(&mut self) -> Option<(SesMailer, Sender)> {
        let configuration_set = self.required("CONFIGURATION_SET");
        let name = self.checked("SENDER_NAME", SenderName::parse);
        let reply_to = self.optional_address("REPLY_TO_ADDRESS");
        let address = self.address("SENDER_ADDRESS");
        let sender = Sender { address: address?, name: name?, reply_to: reply_to? };
        let address = sender.address.as_str().to_owned();
        Some((SesMailer::new(self.connection.ses(), address, configuration_set), sender))
    }

    fn address(&mut self, name: &'static str) -> Option<EmailAddress> {
        self.checked(name, |text| EmailAddress::parse(text).map_err(|violation| violation.message))
    }

    /// An optional email address. `None` if the variable is invalid.
    fn optional_address(&mut self, name: &'static str) -> Option<Option<EmailAddress>> {
        match optional(name) {
            Some(_) => self.address(name).map(Some),
            None => Some(None),
        }
    }

    /// Returns the clients, with open connections to DynamoDB, if there are no problems.
    ///
    /// # Errors
    /// One line that names every missing or invalid variable.
    pub async fn ready<T>(self, clients: Option<T>) -> Result<T, Error> {
        let Some(clients) = clients.filter(|_| self.problems.is_empty()) else {
            // Lambda logs the error that main returns.
            return Err(format!("cannot start: {}", self.problems.join(", ")).into());
        };
        if let Some(store) = self.dynamodb {
            store.warm_up().await;
        }
        Ok(clients)
    }
}

/// Logs the location of a panic before the process ends. The message is omitted, because it may contain user data.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(at, "panicked");
}

/// The certificates in the file that `AWS_CA_BUNDLE` names, if it is set.
fn bundle() -> Result<Option<Vec<u8>>, String> {
    let Some(path) = optional("AWS_CA_BUNDLE") else { return Ok(None) };
    let wrong = |reason: &dyn fmt::Display| format!("AWS_CA_BUNDLE is invalid ({reason})");
    let pem = fs::read_to_string(&path).map_err(|error| wrong(&format!("{path}: {error}")))?;
    let roots = roots(&pem).ok_or_else(|| wrong(&format!("no certificate in {path}")))?;
    Ok(Some(roots))
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &'static str, problems: &mut Vec<String>) -> String {
    optional(name).unwrap_or_else(|| {
        problems.push(format!("{name} is not set"));
        String::new()
    })
}

/// A guard that uses the store of the function.
pub fn guard<'a>(
    store: &'a DynamoDb,
    callers: &'a Callers,
    limit: RateLimit,
) -> RateLimitGuard<'a, DynamoDb> {
    RateLimitGuard::new(store, callers, limit)
}

/// Serves API Gateway requests with a handler under a guard until Lambda ends the function. It is a macro because Rust
/// cannot express yet that the future of an async closure is `Send`.
#[macro_export]
macro_rules! serve {
    ($guard:expr, |$call:ident| $handler:expr) => {{
        let guard = $guard;
        let serve = |event, invocation| -> $crate::ResponseFuture<'_> {
            Box::pin($crate::respond(event, invocation, &guard, async |$call| $handler.await))
        };
        $crate::serve_requests(&serve).await
    }};
}

/// The future of a response.
#[doc(hidden)]
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = HttpResponse> + Send + 'a>>;

/// The runtime loop for `serve!`. It has one type, so that it is compiled once and not in every binary.
#[doc(hidden)]
#[inline(never)]
pub fn serve_requests<'a>(
    serve: &'a (dyn Fn(HttpEvent, Invocation<'static>) -> ResponseFuture<'a> + Sync),
) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>> {
    Box::pin(run(async |event: LambdaEvent<HttpEvent>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let invocation = Invocation { deadline, clock: &SystemClock, random: &SystemRandom };
        Ok(serve(event.payload, invocation).await)
    }))
}

/// Serves events until Lambda ends the function. All log lines of an invocation have the id of its trace.
///
/// # Errors
/// If the Lambda runtime API cannot be reached.
pub async fn run<E, R>(handle: impl AsyncFn(LambdaEvent<E>) -> Result<R, Error>) -> Result<(), Error>
where
    E: for<'de> Deserialize<'de>,
    R: Serialize,
{
    let handler = service_fn(async |event: LambdaEvent<E>| {
        let header = event.context.xray_trace_id.clone().unwrap_or_default();
        let span = tracing::info_span!("invocation", trace_id = trace_id(&header));
        handle(event).instrument(span).await
    });
    Runtime::new(handler).run().await
}

/// The issuer of access tokens. It reads the private keys once, before the first request. `public_keys` are the keys
/// that verify tokens in all functions.
///
/// # Errors
/// If the keys cannot be read or are invalid.
pub async fn issuer(
    name: String,
    key: &SigningKeyParameter,
    public_keys: &str,
) -> Result<Issuer, Error> {
    let keys =
        key.read().await?.ok_or("no signing key: see \"The signing key\" in docs/operations.md")?;
    let keys = KeyRing::parse(&keys)?;
    // A read just after a rotation can return the previous key ring, whose keys will soon be rejected.
    let newest = public_keys.split('@').next().unwrap_or_default();
    if !keys.public_keys().all().any(|(key, _)| key == newest) {
        return Err("the signing key does not match the public keys of the stack: see \"The signing key\" in docs/operations.md".into());
    }
    Ok(Issuer::new(name, &keys))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_place_but_not_its_words() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let before = panic::take_hook();
        panic::set_hook(Box::new(log_panic));
        tracing::subscriber::with_default(subscriber, || {
            panic::catch_unwind(|| panic!("ada@example.com")).unwrap_err();
        });
        panic::set_hook(before);
        let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(logged.contains("\"message\":\"panicked\""), "{logged}");
        assert!(logged.contains("\"level\":\"ERROR\""), "{logged}");
        assert!(logged.contains("functions/src/lib.rs:"), "{logged}");
        assert!(!logged.contains("ada"), "{logged}");
    }
}
