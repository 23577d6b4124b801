//! The services that the programs call: DynamoDB with a user's tasks, without or with TLS.

use std::{
    error::Error,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use aws_sdk_dynamodb::types::AttributeValue;
use http_body_util::{BodyExt, Either, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1 as client,
    server::conn::http1 as server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use taskbell_api::{keys::KeyRing, tokens::Issuer};
use taskbell_aws::dynamodb::{DynamoDb, keys};
use taskbell_domain::{
    invitation::INVITATION_LIFETIME,
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::{Comments as _, Notifications as _, ProfileChanges as _, Replaced, SpaceChanges as _},
    quota::Quota,
    rate_limit::{CODES, RateLimitKey},
    recurrence::Rule,
    space::Role,
    task::{Status, Task, TaskDraft},
    user::User,
};
use taskbell_test::{
    fixtures::{comment, due_draft, notification, space},
    template::project,
};
use taskbell_test_aws::Server;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::support::{Event, World, collaborator, invitation_of, operator};

/// The issuer of access tokens.
pub(crate) const ISSUER: &str = "taskbell/test";

/// Functions that need a new caller for each request: they change the caller or have a limit per caller.
const FRESH: [&str; 14] = [
    "accept-invitation",
    "create-space",
    "delete-space",
    "forgot-password",
    "invite-member",
    "remove-member",
    "reset-password",
    "send-verification",
    "unsubscribe",
    "update-member",
    "update-profile",
    "update-space",
    "update-user",
    "verify-email",
];

/// The number of tasks on a page.
const PAGE: u64 = 50;

fn usual() -> TaskDraft {
    due_draft("Look after the tower clock", "2199-03-02", &["PT30M"])
}

/// DynamoDB, a user with tasks, and their requests.
pub(crate) struct Cloud {
    server: Server,
    world: World<DynamoDb>,
    user: User,
    task: Task,
    public_key: String,
    cursor_key: String,
    private_key: String,
    token: Mutex<String>,
    made: AtomicU64,
}

impl Cloud {
    /// A cloud with one user and their first task.
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let mut world = World::on(server.store(server.client()));
        world.quota = Quota { tasks: u32::MAX, reminders: u32::MAX };
        let (user, task) = world.seed().await;
        for number in 100..100 + PAGE {
            world.create(number, &user, usual()).await;
        }
        let key = KeyRing::generate("1").expect("a key");
        world.issuer = Issuer::new(ISSUER.to_owned(), &key);
        let (public_key, cursor_key, private_key) =
            (key.public_keys().to_string(), key.cursor_key(), key.to_text());
        let made = AtomicU64::new(1_000);
        let token = Mutex::default();
        Self { server, world, user, task, public_key, cursor_key, private_key, token, made }
    }

    /// The endpoint of DynamoDB without TLS.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// The public key for access tokens.
    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The key for cursors.
    pub(crate) fn cursor_key(&self) -> &str {
        &self.cursor_key
    }

    /// Gives the user a new access token, for the requests that follow.
    pub(crate) fn renew(&self) {
        // The programs use the clock of this machine.
        self.world.clock.set(Timestamp::now());
        *self.token.lock().expect("not poisoned") = self.world.access_token(&self.user);
    }

    /// An event for a function. A function that changes something gets a new resource each time.
    pub(crate) async fn event(&self, function: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let store = &self.world.store;
        let task = match function {
            "batch-tasks" | "complete-task" | "create-comment" | "delete-task" | "run-action"
            | "move-task" | "snooze-task" | "update-task" => self.another(number, |_| ()).await,
            "reopen-task" => self.another(number, |task| task.status = Status::Completed).await,
            "skip-task" => {
                let weekly = Rule::parse("FREQ=WEEKLY;COUNT=4").expect("a rule");
                self.another(number, |task| task.recurrence = Some(weekly)).await
            }
            "delete-comment" | "update-comment" => {
                let task = self.another(number, |_| ()).await;
                store.add_comment(&comment(1, &task, &self.user), None).await.expect("an answer");
                task
            }
            _ => self.task.clone(),
        };
        let is_fresh = FRESH.contains(&function);
        let caller = if is_fresh { &self.world.register(number).await } else { &self.user };
        let event = self.world.event(function, caller, &task).await;
        let Event { mut json, .. } = event.without_header("idempotency-key").without_header("if-match");
        // As browsers and HTTP libraries do.
        json["headers"]["accept-encoding"] = "gzip".into();
        if let Some(token) = self.token_for(function).filter(|_| !is_fresh) {
            json["headers"]["authorization"] = format!("Bearer {token}").into();
        }
        match function {
            "accept-invitation" => {
                let collaborator = collaborator();
                let (space, first) = space(number, &collaborator);
                store.create_space(&space, &first, None, None).await.expect("an answer");
                let (mut token, mut invitation) = invitation_of(caller);
                (token.space, invitation.space) = (space.id, space.id);
                invitation.expires_at = Timestamp::now() + INVITATION_LIFETIME;
                let kind = NotificationKind::Invitation { to: caller.email.clone(), space: space.id };
                store
                    .invite(&invitation, &notification(number, kind), None, None)
                    .await
                    .expect("an answer");
                json["body"] = json!({"token": token.to_text()}).to_string().into();
            }
            "become-operator" => {
                // Codes for the operator are limited per hour, and there is one operator.
                let window = CODES.window_of(Timestamp::now());
                let key = RateLimitKey::user(operator().id);
                let (partition, sort) = keys::rate_limit(&CODES, &key, window);
                let [partition, sort] = [partition, sort].map(AttributeValue::S);
                let delete = self.server.client().delete_item().table_name("AccountsTable");
                delete.key("pk", partition).key("sk", sort).send().await.expect("an answer");
            }
            "delete-space" | "invite-member" | "remove-member" | "update-member" | "update-space" => {
                let (mut theirs, owner) = space(number, caller);
                // The invitation of the collaborator depends on the version.
                theirs.version = number;
                store.create_space(&theirs, &owner, None, None).await.expect("an answer");
                self.world.join(&mut theirs, &collaborator(), Role::Member).await;
                json["pathParameters"]["space_id"] = theirs.id.to_string().into();
                if function == "delete-space" {
                    json["rawQueryString"] = format!("name=Space%20{number}").into();
                }
            }
            "list-tasks" => json["rawQueryString"] = format!("limit={PAGE}").into(),
            "reset-password" => {
                let kind = |hash| NotificationKind::Code {
                    address: None,
                    to: caller.id,
                    purpose: Purpose::PasswordReset,
                    secret_hash: hash,
                };
                let code =
                    Code { notification: notification(number, kind(None)).id, secret: "5e".repeat(16) };
                let mut carrier = notification(number, kind(Some(code.hash())));
                carrier.created_at = Timestamp::now();
                store.add_notification(&carrier, None).await.expect("an answer");
                let password = "six quiet bells at dawn";
                json["body"] = json!({"code": code.to_text(), "password": password}).to_string().into();
            }
            "register-user" => {
                let body = json["body"].as_str().expect("a body");
                // The address is unique.
                json["body"] = body.replace('@', &format!("-{number}@")).into();
            }
            "update-user" => json["pathParameters"]["user_id"] = caller.id.to_string().into(),
            "verify-email" => {
                let unverified = User { email_verified_at: None, version: 2, ..caller.clone() };
                let replaced = store.replace_user(&unverified, 1, None).await.expect("an answer");
                assert_eq!(replaced, Replaced::Stored);
            }
            _ => {}
        }
        // The IP address changes, so that limits per IP address are not exceeded.
        json["requestContext"]["http"]["sourceIp"] = format!("192.0.2.{}", number / 10 % 250).into();
        json.to_string()
    }

    /// The user's token, if the event uses it.
    fn token_for(&self, function: &str) -> Option<String> {
        let event = project().join("events").join(format!("{function}.json"));
        let event = fs::read_to_string(event).expect("an event file");
        event.contains("{{ACCESS_TOKEN}}").then(|| self.token.lock().expect("not poisoned").clone())
    }

    async fn another(&self, number: u64, change: impl FnOnce(&mut TaskDraft)) -> Task {
        let mut draft = usual();
        change(&mut draft);
        self.world.create(number, &self.user, draft).await
    }
}

/// A TLS endpoint with a certificate for `localhost` under its own root: forwards to DynamoDB, accepts every SQS message,
/// and returns the signing key as an SSM parameter.
pub(crate) struct Front {
    address: SocketAddr,
    /// Files of root certificates that end with its own: after Amazon's, and after those of the system.
    pub(crate) few: PathBuf,
    pub(crate) all: PathBuf,
    accepted: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Front {
    /// Listens on a free port, and writes its root certificate, in PEM, after the known ones.
    pub(crate) async fn start(before: &Cloud) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        authority.distinguished_name.push(DnType::CommonName, "Taskbell bench");
        let root_key = KeyPair::generate().expect("a key");
        let root_certificate = authority.self_signed(&root_key).expect("a certificate");
        let issuer = rcgen::Issuer::new(authority, root_key);
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .and_then(|params| params.signed_by(&key, &issuer))
            .expect("a certificate");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("a certificate with its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let file = |name: &str, others: &str| {
            let path =
                std::env::temp_dir().join(format!("taskbell-bench-{}-{name}.pem", process::id()));
            let roots = format!("{others}{}", root_certificate.pem());
            fs::write(&path, roots).expect("the file can be written");
            path
        };
        let few = file("few", include_str!("../../shared/aws/src/amazon_roots.pem"));
        let all = file("all", &system_roots());

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let target = before.endpoint().trim_start_matches("http://").to_owned();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        let private_key: Arc<str> = before.private_key.as_str().into();
        let server = tokio::spawn(async move {
            loop {
                let (outside, _) = listener.accept().await.expect("a connection");
                counter.fetch_add(1, Ordering::Relaxed);
                // A function that is killed leaves broken connections.
                tokio::spawn(connection(
                    outside,
                    acceptor.clone(),
                    target.clone(),
                    private_key.clone(),
                ));
            }
        });
        Self { address, few, all, accepted, server }
    }

    /// The endpoint with TLS.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The number of accepted connections.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
        for file in [&self.few, &self.all] {
            let _ = fs::remove_file(file);
        }
    }
}

/// The root certificates of the system.
fn system_roots() -> String {
    let known = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
    known.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

async fn connection(
    outside: TcpStream,
    acceptor: TlsAcceptor,
    target: String,
    private_key: Arc<str>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    outside.set_nodelay(true)?;
    let inside = TcpStream::connect(target).await?;
    inside.set_nodelay(true)?;
    let (dynamodb, driven) = client::handshake(TokioIo::new(inside)).await?;
    tokio::spawn(driven);
    let dynamodb = Arc::new(tokio::sync::Mutex::new(dynamodb));
    let answer = service_fn(move |request: Request<Incoming>| {
        let (dynamodb, private_key) = (dynamodb.clone(), private_key.clone());
        async move {
            let operation = request.headers().get("x-amz-target");
            let operation = operation.and_then(|name| name.to_str().ok()).unwrap_or_default();
            let answer = match operation {
                "AmazonSSM.GetParameter" => json!({"Parameter": {"Value": *private_key}}),
                "AmazonSQS.SendMessageBatch" => {
                    let sent = request.collect().await?.to_bytes();
                    let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
                    let entries = sent["Entries"].as_array().into_iter().flatten();
                    let taken = entries.map(|entry| {
                        json!({"Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "0".repeat(32)})
                    });
                    json!({"Successful": taken.collect::<Vec<_>>(), "Failed": []})
                }
                _ => {
                    let answer = dynamodb.lock().await.send_request(request).await?;
                    return Ok::<_, hyper::Error>(answer.map(Either::Left));
                }
            };
            Ok(Response::new(Either::Right(Full::<Bytes>::from(answer.to_string()))))
        }
    });
    let outside = acceptor.accept(outside).await?;
    server::Builder::new().serve_connection(TokioIo::new(outside), answer).await?;
    Ok(())
}
