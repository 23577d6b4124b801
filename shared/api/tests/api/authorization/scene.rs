//! Who calls, what there is for them to reach, and the request that reaches for it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::json;
use taskbell_api::{links::LinkAction, passwords};
use taskbell_domain::{
    credential::Credential,
    id::SpaceId,
    invitation::{Invitation, InvitationToken},
    membership::MemberChange,
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::{
        ApiTokenChanges, Comments, Notifications, ProfileChanges, Registrations, SpaceChanges,
        SpaceReads, TaskCreation,
    },
    recurrence::Rule,
    reminder::LeadTime,
    secret::sha256_hex,
    space::{Role, Space},
    task::{Status, Task},
    text::{MessageSubject, MessageText, Title},
    user::{AccountRole, MailKind, User},
};
use taskbell_test::{
    MemoryStore, SeededRandom,
    fixtures::{api_token, comment, due_draft, notification, now, space, task, user},
};

use super::Row;
use crate::support::{Event, PASSWORD, World, collaborator, invitation_of, link_keys, operator};

/// Who calls, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Owner,
    Admin,
    Member,
    Viewer,
    Outsider,
    Removed,
    Operator,
    Blocked,
    Anonymous,
}

impl Caller {
    pub(super) const ALL: [Self; 9] = [
        Self::Owner,
        Self::Admin,
        Self::Member,
        Self::Viewer,
        Self::Outsider,
        Self::Removed,
        Self::Operator,
        Self::Blocked,
        Self::Anonymous,
    ];

    fn user(self) -> User {
        match self {
            Self::Owner => user(1),
            Self::Operator => operator(),
            other => user(10 + other as u64),
        }
    }

    /// Whether they may read what is in the shared space.
    pub(super) fn is_member(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Member | Self::Viewer)
    }
}

/// What stands in texts that only members of the shared space may read, or nobody but the collaborator.
pub(super) const SECRETS: [&str; 3] = ["Secret", "Comment 4", "Space 1"];

/// The number of the comment on a task: its text begins with one of [`SECRETS`].
const COMMENTS: [(&str, u64); 4] = [("own", 41), ("others", 42), ("personal", 5), ("private", 44)];

/// Everybody has this password.
static PASSWORD_HASH: LazyLock<String> =
    LazyLock::new(|| passwords::new_hash(PASSWORD, &SeededRandom::new(1)).expect("a hash"));

/// A store with the shared space, its members, and a task and a comment of every kind.
pub(super) struct Scene {
    pub(super) world: World,
    /// The function that is called.
    pub(super) function: String,
    pub(super) caller: Caller,
    me: User,
    tasks: BTreeMap<&'static str, Task>,
}

impl Scene {
    /// Sets everything up for one caller of one function.
    pub(super) async fn new(function: &str, caller: Caller) -> Self {
        let world = World::on(MemoryStore::default());
        let (me, collaborator) = (caller.user(), collaborator());
        let all = Caller::ALL.into_iter().filter(|caller| *caller != Caller::Anonymous);
        for user in all.map(Caller::user).chain([collaborator.clone()]) {
            let user = User { role: AccountRole::User, ..user };
            let credential = Credential { user: user.id, password_hash: PASSWORD_HASH.clone() };
            world.store.register(&user, &credential, None).await.expect("an answer");
        }
        let promoted = User { version: 2, ..operator() };
        world.store.replace_user(&promoted, 1, None).await.expect("an answer");

        let (mut shared, owner) = space(1, &Caller::Owner.user());
        world.store.create_space(&shared, &owner, None, None).await.expect("an answer");
        for (user, role) in [
            (Caller::Admin.user(), Role::Admin),
            (Caller::Member.user(), Role::Member),
            (Caller::Viewer.user(), Role::Viewer),
            (Caller::Removed.user(), Role::Admin),
            (Caller::Blocked.user(), Role::Owner),
            (collaborator.clone(), Role::Member),
        ] {
            world.join(&mut shared, &user, role).await;
        }
        remove(&world, &mut shared, &Caller::Removed.user()).await;
        let (theirs, owner) = space(2, &collaborator);
        world.store.create_space(&theirs, &owner, None, None).await.expect("an answer");

        let (function, tasks) = (function.to_owned(), BTreeMap::new());
        let mut scene = Self { world, function, caller, me, tasks };
        scene.add_tasks(&shared).await;
        scene.add_mail(&shared).await;
        let block = scene.world.event("update-user", &operator(), &scene.tasks["own"]).await;
        let block = block.path("user_id", &Caller::Blocked.user().id.to_string());
        assert_eq!(scene.world.send(&block.body(&json!({ "disabled": true }))).await.status, 200);
        scene.world.refresh_token(&scene.me).await;
        let added = scene.world.store.add_api_token(&api_token(1, &scene.me), 0, &[]).await;
        assert!(added.expect("an answer"));
        scene
    }

    async fn add_tasks(&mut self, shared: &Space) {
        let (me, collaborator) = (&self.me, &collaborator());
        for (number, name, title, by, space) in [
            (51, "own", "Secret", me, shared.id),
            (52, "others", "Secret", collaborator, shared.id),
            (53, "personal", "Mine", me, SpaceId::personal(me.id)),
            (54, "private", "Secret", collaborator, SpaceId::personal(collaborator.id)),
        ] {
            let mut draft = due_draft("Ring", "2026-03-02T09:00:00Z", &["PT1H"]);
            draft.title = Title::parse(title).expect("a title");
            draft.assigned_to = (space == shared.id).then_some(by.id);
            if self.function == "skip-task" {
                draft.recurrence = Some(Rule::parse("FREQ=DAILY").expect("a rule"));
            }
            if self.function == "reopen-task" {
                draft.status = Status::Completed;
            }
            let made = Task { space, ..task(number, by, draft) };
            self.world.store.create(&made, None, None).await.expect("an answer");
            self.tasks.insert(name, made);
        }
        for (name, number) in COMMENTS {
            let (on, by) = commented(name, me, collaborator);
            let made = comment(number, &self.tasks[on], by);
            self.world.store.add_comment(&made, None).await.expect("an answer");
        }
    }

    /// Invitations, a message of the operator, and codes.
    async fn add_mail(&self, shared: &Space) {
        let store = &self.world.store;
        let (_, to_me) = invitation_of(&self.me);
        let (_, to_another) = invitation_of(&user(20));
        let to_another = Invitation { space: shared.id, ..to_another };
        for (number, invitation) in [(1, to_me), (4, to_another)] {
            let kind =
                NotificationKind::Invitation { to: invitation.email.clone(), space: invitation.space };
            let carrier = notification(number, kind);
            store.invite(&invitation, &carrier, None, None).await.expect("an answer");
        }
        let subject = MessageSubject::parse("Maintenance").expect("a subject");
        let text = MessageText::parse("The bell rests.").expect("a text");
        let message =
            NotificationKind::Message { to: collaborator().id, by: operator().id, subject, text };
        let code = |to: &User, purpose| {
            let secret_hash = Some(sha256_hex(SECRET.repeat(16).as_bytes()));
            NotificationKind::Code { to: to.id, purpose, address: None, secret_hash }
        };
        let reset = code(&self.me, Purpose::PasswordReset);
        for (number, kind) in [(2, message), (3, reset), (5, code(&operator(), Purpose::Operator))] {
            store.add_notification(&notification(number, kind), None).await.expect("an answer");
        }
    }

    /// Who calls.
    pub(super) fn user(&self) -> &User {
        &self.me
    }

    /// The request of a row.
    pub(super) async fn event(&self, row: &Row) -> Event {
        let Self { world, me, tasks, .. } = self;
        let function = row.function.as_str();
        let (what, more) = row.case.split_once(':').unwrap_or((&row.case, ""));
        let removed = json!({ "title": "t", "assigned_to": Caller::Removed.user().id });
        let on_comment = row.path.contains("/comments");
        let about = match (what, more) {
            _ if function == "run-action" => more,
            _ if on_comment && what != "elsewhere" => commented(what, me, me).0,
            ("elsewhere", _) => "personal",
            _ if function == "batch-tasks" => more,
            _ => what,
        };
        let task = tasks.get(about).unwrap_or(&tasks["others"]);
        let event = world.event(function, me, task).await.without_header("if-match");
        let mut event = event.path("notification_id", &notification(2, any(me)).id.to_string());
        event.json["requestContext"]["http"]["method"] = json!(row.method);
        if event.json["headers"]["authorization"].is_string() {
            event = match self.caller {
                Caller::Anonymous => event.without_header("authorization"),
                _ => event.header("authorization", &format!("Bearer {}", world.access_token(me))),
            };
        }
        let spaces = |name| match name {
            "shared" | "to-removed" | "own" | "others" => Some(space(1, me).0.id),
            "private" => Some(SpaceId::personal(collaborator().id)),
            "personal" => Some(SpaceId::personal(me.id)),
            _ => None,
        };
        let spaces_of_path = if row.path.contains("{space_id}") { spaces(what) } else { None };
        if let Some(space) = spaces_of_path {
            event = event.path("space_id", &space.to_string());
        }
        let in_space = |event: Event| match spaces(what) {
            Some(space) => event.query(&format!("space={space}")),
            None => event.query("assigned_to=me"),
        };
        match function {
            "list-tasks" | "list-tags" | "list-categories" | "get-stats" | "import-data" => {
                in_space(event)
            }
            "create-task" if what == "to-removed" => in_space(event).body(&removed),
            "create-task" => in_space(event),
            "update-task" if what == "to-removed" => event.body(&removed),
            "move-task" => {
                let space = match what {
                    "personal" | "same" => spaces("shared"),
                    "away" => spaces("private"),
                    _ => spaces("personal"),
                };
                event.body(&json!({ "space": space }))
            }
            "batch-tasks" => {
                let task = match more {
                    "to-removed" => removed,
                    _ => json!({ "title": "t" }),
                };
                let id = self.tasks.get(about).unwrap_or(&self.tasks["others"]).id;
                let operation = match what {
                    "create" => json!({ "op": what, "space": spaces(more), "task": task }),
                    "update" => json!({ "op": what, "id": id, "task": task }),
                    "move" => {
                        let to = if more == "personal" { "shared" } else { "personal" };
                        json!({ "op": what, "id": id, "space": spaces(to) })
                    }
                    _ => json!({ "op": what, "id": id }),
                };
                event.body(&json!({ "operations": [operation] }))
            }
            "update-comment" | "delete-comment" => {
                let name = if what == "elsewhere" { "own" } else { what };
                let number =
                    COMMENTS.into_iter().find(|(other, _)| *other == name).expect("a comment").1;
                event.path("comment_id", &comment(number, task, me).id.to_string())
            }
            "update-member" | "remove-member" => {
                let user = match what {
                    "me" => "me".to_owned(),
                    "owner" => Caller::Blocked.user().id.to_string(),
                    _ => collaborator().id.to_string(),
                };
                let event = event.path("user_id", &user);
                if more.is_empty() { event } else { event.body(&json!({ "role": more })) }
            }
            "invite-member" => event.body(&json!({ "email": "new@example.com", "role": more })),
            "revoke-invitation" => event.path("invitation_id", &user(20).email.hash()),
            "accept-invitation" => {
                let (token, _) = invitation_of(me);
                let secret = if what == "forged" { "00".repeat(16) } else { token.secret };
                event.body(&json!({ "token": InvitationToken { secret, ..token }.to_text() }))
            }
            "become-operator" if what == "code" => {
                let code =
                    Code { notification: notification(5, any(me)).id, secret: SECRET.repeat(16) };
                event.body(&json!({ "code": code.to_text() }))
            }
            "get-user" | "update-user" | "delete-user" => {
                let user = if what == "own" { me.id } else { collaborator().id };
                event.path("user_id", &user.to_string())
            }
            "run-action" => {
                let link_action = match what {
                    "complete" => LinkAction::Complete(task.id),
                    "snooze" => LinkAction::Snooze(task.id, LeadTime::hours(1)),
                    "verify" => LinkAction::VerifyEmail,
                    _ => LinkAction::Unsubscribe(MailKind::Reminders),
                };
                event.path("token", &world.link(me, link_action))
            }
            "unsubscribe" if what == "invitation" => {
                event.path("token", &invitation_of(me).0.to_text())
            }
            "unsubscribe" => {
                let link_action = LinkAction::Unsubscribe(MailKind::Reminders);
                event.path("token", &link_keys().token(me, link_action, None, now()))
            }
            _ => event,
        }
    }
}

/// Half a byte of every code, as the fixtures have it.
const SECRET: &str = "5e";

/// A notification's id does not depend on its content.
fn any(me: &User) -> NotificationKind {
    NotificationKind::Verification { to: me.id }
}

/// The task that a comment is on, and who made it.
fn commented<'a>(name: &str, me: &'a User, collaborator: &'a User) -> (&'static str, &'a User) {
    match name {
        "own" => ("others", me),
        "others" => ("own", collaborator),
        "personal" => ("personal", me),
        _ => ("private", collaborator),
    }
}

async fn remove(world: &World, shared: &mut Space, user: &User) {
    let found = world.store.space_and_member(shared.id, user.id).await.expect("an answer");
    let change = MemberChange::Leave(found.expect("a member").1);
    let read = shared.version;
    shared.apply(&change, now()).expect("it can be");
    assert!(world.store.change_member(shared, read, &change).await.expect("an answer"));
}
