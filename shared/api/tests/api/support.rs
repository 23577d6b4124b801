//! The API without AWS: every handler runs on the in-memory store, with requests from the files in `events/`.

use std::sync::Arc;

use jiff::SignedDuration;
use taskbell_api::{
    endpoint::Programs,
    http::{Callers, CursorKey},
    keys::KeyRing,
    links::{LinkAction, LinkKeys},
    passwords,
    tokens::{Identity, Issuer, Verifier},
    workers,
};
use taskbell_domain::{
    api_token::ApiToken,
    clock::Clock,
    credential::{CheckedPassword, Credential, RefreshToken, Session},
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::{ItemId, SessionId, TaskId},
    invitation::{INVITATION_LIFETIME, Invitation, InvitationToken},
    notification::{Notification, NotificationKind},
    one_time_code::{Code, Purpose},
    ports::{Created, Replaced, TimerQueue},
    quota::Quota,
    registration::{Registration, RegistrationPolicy},
    second_factor::SecondFactor,
    secret::sha256_hex,
    session_label::SessionLabel,
    space::{Role, Space},
    task::{Task, TaskDraft},
    text::{Description, MessageSubject, MessageText},
    user::{AccountRole, MailKind, OperatorSecondFactor, User},
};
use taskbell_test::{
    ChannelFake, ManualClock, MemoryStore, PushQueueFake, QueueFake, SeededRandom,
    contract::Store,
    fixtures::{NOW, api_token, comment, due_draft, notification, now, space, task, user},
    template::project,
};

#[path = "support/addresses.rs"]
mod addresses;
#[path = "support/event.rs"]
mod event;
#[path = "support/members.rs"]
mod members;
#[path = "support/second_factor.rs"]
mod second_factor;
#[path = "support/send.rs"]
mod send;

pub(crate) use event::{Answer, Event};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const STACK: &str = "taskbell/test";

/// A member of space 1 and the owner of space 2.
pub(crate) fn collaborator() -> User {
    user(900)
}

/// An operator, whose address is the operator address of the stack.
pub(crate) fn operator() -> User {
    User { role: AccountRole::Operator, ..user(901) }
}

/// The invitation of a user to space 2, and its token.
pub(crate) fn invitation_of(user: &User) -> (InvitationToken, Invitation) {
    let secret = "5e".repeat(16);
    let invitation = Invitation {
        space: space(2, &collaborator()).0.id,
        email: user.email.clone(),
        role: Role::Member,
        invited_by: collaborator().id,
        notification: notification(
            1,
            NotificationKind::Invitation { to: user.email.clone(), space: space(2, user).0.id },
        )
        .id,
        secret_hash: Some(sha256_hex(secret.as_bytes())),
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    let address_hash = user.email.hash();
    (InvitationToken { space: invitation.space, address_hash, secret }, invitation)
}

/// A message from an operator.
fn message(to: &User) -> Notification {
    let subject = MessageSubject::parse("Maintenance on Sunday").expect("a subject");
    let text = MessageText::parse("The bell rests.").expect("a text");
    notification(2, NotificationKind::Message { to: to.id, by: operator().id, subject, text })
}

/// The code with which user 1 can reset the password.
pub(crate) fn reset_code() -> Code {
    let to = user(1).id;
    Code {
        notification: notification(3, NotificationKind::Verification { to }).id,
        secret: "5e".repeat(16),
    }
}

/// The link keys, as functions receive them in the environment.
pub(crate) const LINK_KEYS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@0";

/// The keys that sign links.
pub(crate) fn link_keys() -> LinkKeys {
    LinkKeys::parse(LINK_KEYS).expect("a key")
}

/// The token of a link that unsubscribes a user from a kind of mail.
pub(crate) fn unsubscribe_token(user: &User, kind: MailKind) -> String {
    link_keys().token(user, LinkAction::Unsubscribe(kind), None, now())
}

/// Functions that need more than an access token: its session must not have ended.
const NEED_SESSION: [&str; 8] = [
    "become-operator",
    "open-live",
    "list-sessions",
    "end-session",
    "end-other-sessions",
    "change-password",
    "change-email",
    "confirm-email",
];

/// The dependencies of all handlers.
pub(crate) struct World<S = MemoryStore, Q = QueueFake> {
    pub(crate) store: S,
    pub(crate) queue: Q,
    pub(crate) pushes: PushQueueFake,
    pub(crate) channel: ChannelFake,
    pub(crate) clock: ManualClock,
    pub(crate) random: SeededRandom,
    pub(crate) issuer: Issuer,
    /// What verifies access tokens.
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) cursor_key: CursorKey,
    /// The maximum number of requests of a user per minute.
    pub(crate) requests: u32,
    /// How many times each function checked the same request before.
    pub(crate) checked_before: u32,
    /// The limits per space.
    pub(crate) quota: Quota,
    /// Whether operators need a second factor.
    pub(crate) operator_second_factor: OperatorSecondFactor,
    pub(crate) registration: Registration,
}

impl World {
    /// A world with users, spaces and tasks.
    pub(crate) async fn seeded() -> (Self, User, Task) {
        let world = Self::on(MemoryStore::default());
        let (ada, task) = world.seed().await;
        (world, ada, task)
    }
}

impl<S: Store> World<S> {
    pub(crate) fn on(store: S) -> Self {
        Self::with(store, QueueFake::default())
    }
}

impl<S: Store, Q: TimerQueue> World<S, Q> {
    pub(crate) fn with(store: S, queue: Q) -> Self {
        let keys = KeyRing::generate("1").expect("a key");
        Self {
            store,
            queue,
            pushes: PushQueueFake::default(),
            channel: ChannelFake::default(),
            clock: ManualClock::at(NOW),
            random: SeededRandom::new(42),
            verifier: Arc::new(
                Verifier::new(STACK, &keys.public_keys().to_string()).expect("a verifier"),
            ),
            cursor_key: CursorKey::parse(&keys.cursor_key()).expect("a key"),
            requests: 600,
            checked_before: 0,
            quota: Quota { tasks: 100_000, reminders: 20_000 },
            operator_second_factor: OperatorSecondFactor::Optional,
            registration: Registration::Open,
            issuer: Issuer::new(STACK.to_owned(), &keys),
        }
    }

    /// Registers user 1 with a task and a comment, and the users who share spaces with them.
    pub(crate) async fn seed(&self) -> (User, Task) {
        let ada = self.register(1).await;
        let mut draft = due_draft("Ring", "2026-03-02T09:00:00Z", &["PT1H"]);
        draft.description = Description::parse("Thrice.").expect("a text");
        let task = self.create(1, &ada, draft).await;
        self.share(&ada).await;
        self.update_statistics(None, Some(&task)).await;
        self.store.add_comment(&comment(1, &task, &ada), None).await.expect("an answer");
        let notice = notification(60, NotificationKind::Verification { to: ada.id }).id;
        let token = ApiToken { expiry_notification: Some(notice), ..api_token(1, &ada) };
        let added = self.store.add_api_token(&token, 0, &[]).await;
        assert!(added.expect("an answer"));
        (ada, task)
    }

    pub(crate) async fn register(&self, number: u64) -> User {
        let user = user(number);
        let password_hash = passwords::new_hash(PASSWORD, &self.random).expect("a hash");
        let credential = Credential { user: user.id, password_hash };
        self.store.register(&user, &credential, None).await.expect("an answer");
        user
    }

    /// Adds user 1 to the shared space 1, with the collaborator in it, and invites them to the collaborator's space 2.
    pub(crate) async fn share(&self, owner: &User) -> Space {
        let collaborator = self.register(900).await;
        let boss = self.register(901).await;
        let promoted = User { version: 2, ..operator() };
        assert_eq!(
            self.store.replace_user(&promoted, boss.version, None).await.expect("one"),
            Replaced::Stored
        );
        self.store.add_notification(&message(&collaborator), None).await.expect("an answer");
        let hash = Some(reset_code().hash());
        let reset = NotificationKind::Code {
            to: owner.id,
            purpose: Purpose::PasswordReset,
            address: None,
            secret_hash: hash,
        };
        self.store.add_notification(&notification(3, reset), None).await.expect("an answer");
        let (mut shared, first) = space(1, owner);
        self.store.create_space(&shared, &first, None, None).await.expect("an answer");
        let (theirs, second) = space(2, &collaborator);
        self.store.create_space(&theirs, &second, None, None).await.expect("an answer");
        self.join(&mut shared, &collaborator, Role::Member).await;
        let (_, invitation) = invitation_of(owner);
        let kind = NotificationKind::Invitation { to: owner.email.clone(), space: theirs.id };
        self.store.invite(&invitation, &notification(1, kind), None, None).await.expect("an answer");
        shared
    }

    pub(crate) async fn create(&self, number: u64, owner: &User, draft: TaskDraft) -> Task {
        let task = task(number, owner, draft);
        let made = self.store.create(&task, None, None).await.expect("an answer");
        assert_eq!(made, Created::Stored);
        task
    }

    /// Records the statistics of a task change, as the table's stream does.
    pub(crate) async fn update_statistics(&self, before: Option<&Task>, after: Option<&Task>) {
        let change = ("1".to_owned(), Ok((before.cloned(), after.cloned())));
        assert_eq!(workers::update_statistics::handle(&self.store, [change]).await, None);
    }

    /// Appends a change to the feed of its space, as the table's stream does.
    pub(crate) async fn relay(&self, place: Place, subject: Subject, operation: Operation) {
        let id = ItemId::generate(&self.clock, &self.random).to_string();
        let change = Change { id, subject, operation, version: 1 };
        let recorded = RecordedChange { place, change, recorded_at: self.clock.now() };
        let changes = [("1".to_owned(), Ok(Some(recorded)))];
        let (store, pushes) = (&self.store, &self.pushes);
        assert_eq!(workers::relay_changes::handle(store, pushes, &self.clock, changes).await, None);
    }

    pub(crate) async fn stored(&self, id: TaskId) -> Task {
        self.store.task(id).await.expect("an answer").expect("the task is there")
    }

    /// Accepts the access tokens of another world.
    pub(crate) fn take_keys_of<T, U>(&mut self, other: &World<T, U>) {
        self.verifier = Arc::clone(&other.verifier);
    }

    pub(crate) fn registration_policy(&self) -> RegistrationPolicy {
        RegistrationPolicy { registration: self.registration, operator: Some(operator().email) }
    }

    /// The callers of a function that accepts programs or not.
    pub(crate) fn callers(&self, programs: Programs) -> Callers {
        Callers::Users(Arc::clone(&self.verifier), programs)
    }

    pub(crate) fn session(&self) -> SessionId {
        SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(77))
    }

    /// Another session of the same user.
    pub(crate) fn other_session(&self) -> SessionId {
        SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(78))
    }

    pub(crate) fn access_token(&self, user: &User) -> String {
        let issued_at = self.clock.now();
        let identity = Identity { user: user.id, session: self.session(), issued_at };
        self.issuer.issue(identity, &self.random).expect("a token")
    }

    /// An access token issued now. It is valid even after earlier ones were revoked.
    async fn valid_token(&self, user: &User) -> String {
        let stored = self.store.user(user.id).await.expect("an answer");
        let from = stored.and_then(|stored| stored.tokens_valid_from);
        let issued_at = from.map_or(self.clock.now(), |from| from.max(self.clock.now()));
        let identity = Identity { user: user.id, session: self.session(), issued_at };
        self.issuer.issue(identity, &self.random).expect("a token")
    }

    pub(crate) async fn refresh_token(&self, user: &User) -> String {
        self.open_session(user, self.session()).await
    }

    /// Opens a session. Returns its refresh token.
    pub(crate) async fn open_session(&self, user: &User, session: SessionId) -> String {
        let token = RefreshToken::generate(user.id, session, &self.random);
        let label = SessionLabel::parse("Firefox on Linux");
        let session = Session { label, ..Session::of(&token, self.clock.now()) };
        // A user without an account has no session.
        if let Some(found) = self.store.credential(&user.email).await.expect("an answer") {
            let hash = &found.password_hash;
            let factor = self.store.second_factor(user.id).await.expect("an answer");
            let accepted = factor.filter(SecondFactor::is_confirmed);
            let accepted = accepted.map(|found| SecondFactor { version: found.version + 1, ..found });
            let factor = accepted.as_ref();
            let checked = CheckedPassword { email: &user.email, hash, rehashed: None, factor };
            self.store.open_session(&session, checked).await.expect("an answer");
        }
        token.to_text()
    }

    /// The token of a link that is valid for one more hour.
    pub(crate) fn link(&self, user: &User, link_action: LinkAction) -> String {
        {
            let now = self.clock.now();
            link_keys().token(user, link_action, Some(now + SignedDuration::from_hours(1)), now)
        }
    }

    /// The event of a function, for a user and a task.
    pub(crate) async fn event(&self, function: &str, user: &User, task: &Task) -> Event {
        let path = project().join("events").join(format!("{function}.json"));
        let mut text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        if text.contains("{{SECOND_FACTOR_CODE}}") || function == "remove-second-factor" {
            let code = self.add_second_factor(user, function != "confirm-second-factor").await;
            text = text.replace("{{SECOND_FACTOR_CODE}}", &code);
        }
        for (name, value) in [
            ("ACCESS_TOKEN", self.valid_token(user).await),
            ("NOTIFICATION_ID", message(&collaborator()).id.to_string()),
            ("EMAIL", user.email.as_str().to_owned()),
            ("SESSION_ID", self.other_session().to_string()),
            ("TASK_ID", task.id.to_string()),
            ("COMMENT_ID", comment(1, task, user).id.to_string()),
            ("SPACE_ID", space(1, user).0.id.to_string()),
            ("MEMBER_ID", collaborator().id.to_string()),
            ("INVITATION_TOKEN", invitation_of(user).0.to_text()),
            ("API_TOKEN_ID", api_token(1, user).id.to_string()),
            ("USER_ID", user.id.to_string()),
            ("REMINDER_ID", task.reminders.first().map_or_else(String::new, |r| r.id.to_string())),
            ("RESET_CODE", reset_code().to_text()),
            ("ACTION_TOKEN", self.link(user, LinkAction::Complete(task.id))),
            ("VERIFICATION_TOKEN", self.link(user, LinkAction::VerifyEmail)),
            ("UNSUBSCRIBE_TOKEN", unsubscribe_token(user, MailKind::Reminders)),
        ] {
            text = text.replace(&format!("{{{{{name}}}}}"), &value);
        }
        // Placeholders that are expensive to compute.
        if text.contains("{{EMAIL_CODE}}") {
            text = text.replace("{{EMAIL_CODE}}", &self.email_code(user).await);
        }
        if text.contains("{{UNDO_CODE}}") {
            text = text.replace("{{UNDO_CODE}}", &self.undo_code(user).await);
        }
        if text.contains("{{OPERATOR_TOKEN}}") {
            text = text.replace("{{OPERATOR_TOKEN}}", &self.valid_token(&operator()).await);
        }
        if text.contains("{{REFRESH_TOKEN}}") {
            text = text.replace("{{REFRESH_TOKEN}}", &self.refresh_token(user).await);
        }
        if ["list-sessions", "end-session", "end-other-sessions"].contains(&function) {
            self.open_session(user, self.other_session()).await;
        }
        if NEED_SESSION.contains(&function) {
            self.refresh_token(user).await;
            self.refresh_token(&operator()).await;
        }
        if function == "delete-account" {
            self.share_ownership(space(1, user).0.id).await;
        }
        Event { function: function.to_owned(), json: serde_json::from_str(&text).expect("JSON") }
    }
}
