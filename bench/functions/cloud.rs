//! What the programs reach: DynamoDB with somebody's tasks in it, plain or behind TLS.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use taskbell_api::tokens::{Issuer, SigningKey};
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    counts::Quota,
    task::{Status, Task, TaskDraft},
    user::User,
};
use taskbell_test::fixtures::due_draft;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::{
    dynamodb_server::Server,
    support::{Event, World},
};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "taskbell/test";

/// DynamoDB, somebody who has tasks, and their requests.
pub(crate) struct Cloud {
    server: Server,
    world: World<DynamoDb>,
    user: User,
    task: Task,
    public_key: String,
    token: Mutex<String>,
    made: AtomicU64,
}

impl Cloud {
    /// A cloud with one user and their first task.
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let mut world = World::on(server.store(server.client()));
        world.quota = Quota { tasks: u32::MAX, reminders: u32::MAX };
        let (user, task) = world.inhabit().await;
        let key = SigningKey::generate().expect("a key");
        world.issuer = Issuer::new(ISSUER.to_owned(), &key);
        let (public_key, made) = (key.public_key(), AtomicU64::new(1_000));
        Self { server, world, user, task, public_key, token: Mutex::default(), made }
    }

    /// Where DynamoDB answers without TLS.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// The key by which functions know the user's tokens.
    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Gives the user a new access token, for the requests that follow.
    pub(crate) fn renew(&self) {
        // The clock of the programs is the machine's.
        self.world.clock.set(Timestamp::now());
        *self.token.lock().expect("not poisoned") = self.world.access_token(&self.user);
    }

    /// An event for a function: each time about another task, so that it can be answered again and again.
    pub(crate) async fn event(&self, function: &str) -> String {
        let task = match function {
            "update-task" | "delete-task" | "complete-task" | "snooze-task" => {
                self.another(|_| ()).await
            }
            "reopen-task" => self.another(|task| task.status = Status::Completed).await,
            _ => self.task.clone(),
        };
        let event = self.world.event(function, &self.user, &task).await;
        let Event { mut json, .. } = event.without_header("idempotency-key");
        if json["headers"].get("authorization").is_some() {
            let token = self.token.lock().expect("not poisoned");
            json["headers"]["authorization"] = format!("Bearer {token}").into();
        }
        if function == "register-user" {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let body = json["body"].as_str().expect("a body");
            json["body"] = body.replace('@', &format!("{number}@")).into();
        }
        json.to_string()
    }

    async fn another(&self, change: impl FnOnce(&mut TaskDraft)) -> Task {
        let mut draft = due_draft("Look after the tower clock", "2199-03-02", &["PT30M"]);
        change(&mut draft);
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.world.create(number, &self.user, draft).await
    }
}

/// TLS before DynamoDB, as in AWS: a certificate for `localhost` under a root of its own.
pub(crate) struct Terminator {
    address: SocketAddr,
    /// Files of roots, with its own as the last: Amazon's, and those of the system.
    pub(crate) few: PathBuf,
    pub(crate) all: PathBuf,
    accepted: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Terminator {
    /// Listens on a free port, and writes its root, in PEM, behind those that programs know anyway.
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
            fs::write(&path, roots).expect("the file is written");
            path
        };
        let few = file("few", include_str!("../../shared/aws/src/amazon_roots.pem"));
        let all = file("all", &system_roots());

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let target = before.endpoint().trim_start_matches("http://").to_owned();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        let server = tokio::spawn(async move {
            loop {
                let (outside, _) = listener.accept().await.expect("a connection");
                counter.fetch_add(1, Ordering::Relaxed);
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    outside.set_nodelay(true)?;
                    let mut inside = TcpStream::connect(target).await?;
                    inside.set_nodelay(true)?;
                    let mut outside = acceptor.accept(outside).await?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Self { address, few, all, accepted, server }
    }

    /// Where DynamoDB answers with TLS.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// How many connections it has accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        self.server.abort();
        for file in [&self.few, &self.all] {
            let _ = fs::remove_file(file);
        }
    }
}

/// Roots of the system, as most programs read them.
fn system_roots() -> String {
    let known = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
    known.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}
