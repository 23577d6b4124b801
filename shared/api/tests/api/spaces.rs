//! Shared spaces: what each role may do, and what ends when a member leaves.

use serde_json::{Value, json};
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    id::SpaceId,
    ports::{SpaceReads, TaskChanges, TaskCreation, TaskReads},
    space::Role,
    task::Task,
    user::User,
};
use taskbell_test::{
    Outbox,
    fixtures::{draft, due_draft, instant, space, task, user},
};

use crate::support::{Answer, World, collaborator};

fn shared() -> SpaceId {
    space(1, &user(1)).0.id
}

impl World {
    /// A task in the shared space, created over HTTP.
    pub(crate) async fn shared_task(&self, by: &User, body: &Value) -> Answer {
        let any = task(1, by, draft("any"));
        let event = self.event("create-task", by, &any).await.without_header("idempotency-key");
        self.send(&event.query(&format!("space={}", shared())).body(body)).await
    }

    /// Sends the event of a function as a user, for a task.
    pub(crate) async fn as_user(&self, function: &str, user: &User, task: &Task) -> Answer {
        self.send(&self.event(function, user, task).await).await
    }

    pub(crate) async fn member(&self, number: u64, role: Role) -> User {
        let user = self.register(number).await;
        let mut space = self.store.space(shared()).await.expect("no store error").expect("the space");
        self.join(&mut space, &user, role).await;
        user
    }

    /// Handles all queued messages. Returns the recipient and text of each mail.
    pub(crate) async fn mails(&self) -> Vec<(String, String)> {
        let outbox = Outbox::default();
        for timer in self.queue.take() {
            self.handle(&outbox, timer).await.expect("the message is handled");
        }
        let mails = outbox.sent().into_iter();
        mails
            .map(|mail| (mail.to.as_str().to_owned(), String::from_utf8(mail.message).expect("text")))
            .collect()
    }
}

#[tokio::test]
async fn each_role_may_do_over_http_what_the_policy_permits() {
    let (world, ada, _) = World::seeded().await;
    let admin = world.member(11, Role::Admin).await;
    let viewer = world.member(12, Role::Viewer).await;
    let stranger = world.register(13).await;
    let made = world.shared_task(&ada, &json!({"title": "Ours"})).await;
    let task = world.stored(made.body["id"].as_str().expect("an id").parse().expect("an id")).await;
    //                            owner admin member viewer stranger
    let table = [
        ("get-task", [200, 200, 200, 200, 404]),
        ("list-task-reminders", [200, 200, 200, 200, 404]),
        ("list-task-occurrences", [200, 200, 200, 200, 404]),
        ("update-task", [200, 200, 200, 403, 404]),
        ("complete-task", [200, 200, 200, 403, 404]),
        ("reopen-task", [200, 200, 200, 403, 404]),
        ("skip-task", [409, 409, 409, 403, 404]),
        ("move-task", [200, 200, 200, 403, 404]),
        ("get-space", [200, 200, 200, 200, 404]),
        ("list-members", [200, 200, 200, 200, 404]),
        ("update-space", [200, 200, 403, 403, 404]),
        // 409: the owner has just invited the same address, so the admin passed the role check.
        ("invite-member", [201, 409, 403, 403, 404]),
        // 422: the name is missing, so the owner passed the role check.
        ("delete-space", [422, 403, 403, 403, 404]),
    ];
    let people = [&ada, &admin, &collaborator(), &viewer, &stranger];
    for (function, expected) in table {
        for (who, expected) in people.iter().zip(expected) {
            let answer = world.as_user(function, who, &task).await;
            assert_eq!(answer.status, expected, "{function} by {}: {}", who.name.as_str(), answer.body);
        }
    }
    for (who, expected) in people.iter().zip([201, 201, 201, 403, 404]) {
        let made = world.shared_task(who, &json!({"title": "New"})).await;
        assert_eq!(made.status, expected, "create-task by {}", who.name.as_str());
    }
    let list = format!("space={}&sort=created", shared());
    for (who, expected) in people.iter().zip([200, 200, 200, 200, 404]) {
        let listed = world.send(&world.event("list-tasks", who, &task).await.query(&list)).await;
        assert_eq!(listed.status, expected, "list-tasks by {}", who.name.as_str());
    }
    for (who, expected) in people.iter().rev().zip([404, 403, 204]) {
        assert_eq!(world.as_user("delete-task", who, &task).await.status, expected);
    }
}

#[tokio::test]
async fn admins_manage_members_and_only_owners_manage_owners() {
    let (world, ada, task) = World::seeded().await;
    let admin = world.member(11, Role::Admin).await;
    let set = async |by: &User, whom: &str, role: &str| {
        let event = world.event("update-member", by, &task).await;
        world.send(&event.path("user_id", whom).body(&json!({"role": role}))).await
    };
    let (ada_id, admin_id, member_id) =
        (ada.id.to_string(), admin.id.to_string(), collaborator().id.to_string());
    assert_eq!(set(&admin, &member_id, "viewer").await.body["role"], "viewer");
    assert_eq!(set(&admin, &member_id, "owner").await.status, 403);
    assert_eq!(set(&admin, &ada_id, "member").await.status, 403);
    assert_eq!(
        set(&collaborator(), &member_id, "admin").await.status,
        403,
        "members cannot change their own role"
    );
    assert_eq!(set(&ada, "me", "member").await.code(), "last_owner");
    assert_eq!(set(&ada, &user(77).id.to_string(), "member").await.status, 404);
    assert_eq!(set(&ada, &member_id, "king").await.errors(), [("role", "unknown_value")]);
    assert_eq!(set(&ada, &admin_id, "owner").await.status, 200);
    assert_eq!(set(&ada, "me", "member").await.status, 200, "there is another owner now");
    let remove = async |by: &User, whom: &str| {
        world.send(&world.event("remove-member", by, &task).await.path("user_id", whom)).await
    };
    assert_eq!(remove(&ada, &member_id).await.status, 403);
    assert_eq!(remove(&admin, "me").await.code(), "last_owner");
    assert_eq!(remove(&ada, "me").await.status, 204, "every member may leave");
    assert_eq!(remove(&ada, "me").await.status, 404);
    let names = world.as_user("list-members", &admin, &task).await.body;
    let names: Vec<_> =
        names["items"].as_array().expect("items").iter().map(|m| m["role"].clone()).collect();
    assert_eq!(names.len(), 2);
    assert!(
        !world.as_user("list-members", &admin, &task).await.body.to_string().contains('@'),
        "no addresses"
    );
}

#[tokio::test]
async fn the_personal_space_is_listed_and_cannot_be_shared_renamed_or_deleted() {
    let (world, ada, task) = World::seeded().await;
    let spaces = world.as_user("list-spaces", &ada, &task).await.body;
    let names: Vec<_> = spaces["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|s| (s["name"].clone(), s["personal"].clone()))
        .collect();
    assert_eq!(names, [(json!("Personal"), json!(true)), (json!("Space 1"), json!(false))]);
    let personal = spaces["items"][0]["id"].as_str().expect("an id").to_owned();
    for (function, expected) in [
        ("get-space", 200),
        ("update-space", 409),
        ("delete-space", 409),
        ("invite-member", 409),
        ("list-members", 409),
        ("update-member", 409),
        ("remove-member", 409),
    ] {
        let event = world.event(function, &ada, &task).await.path("space_id", &personal);
        assert_eq!(world.send(&event).await.status, expected, "{function}");
        let eve = world.event(function, &collaborator(), &task).await.path("space_id", &personal);
        assert_eq!(world.send(&eve).await.status, 404, "{function}");
    }
}

#[tokio::test]
async fn an_assignee_gets_a_notification_and_then_the_reminders() {
    let (world, ada, _) = World::seeded().await;
    let body = json!({
        "title": "Oil the bell", "assigned_to": collaborator().id, "due": "2026-03-01T08:10:00Z",
        "reminders": [{"before": "PT0S"}],
    });
    let made = world.shared_task(&ada, &body).await;
    assert_eq!((made.status, &made.body["assigned_to"]), (201, &json!(collaborator().id)));
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].0, collaborator().email.as_str());
    assert!(
        mails[0].1.contains("Subject: Assigned to you: Oil the bell")
            && mails[0].1.contains("User 1 assigned")
    );
    let mine = world.event("list-tasks", &collaborator(), &task(1, &ada, draft("any"))).await;
    let listed = world.send(&mine.clone().query("assigned_to=me")).await.body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let refused = world.send(&mine.query("assigned_to=me&sort=created")).await;
    assert_eq!(refused.errors(), [("sort", "unsupported")]);

    let id = made.body["id"].as_str().expect("an id").parse().expect("an id");
    let stored = world.stored(id).await;
    world.clock.set(instant("2026-03-01T08:10:00Z"));
    let outbox = Outbox::default();
    world.handle(&outbox, stored.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(outbox.sent()[0].to, collaborator().email);
}

#[tokio::test]
async fn only_members_can_be_assigned_and_assigning_oneself_sends_no_mail() {
    let (world, ada, task) = World::seeded().await;
    let stranger = world.register(13).await;
    let refused = world.shared_task(&ada, &json!({"title": "t", "assigned_to": stranger.id})).await;
    assert_eq!(refused.errors(), [("assigned_to", "not_a_member")]);
    let refused = world.shared_task(&ada, &json!({"title": "t", "assigned_to": "me"})).await;
    assert_eq!(refused.errors(), [("assigned_to", "invalid_id")]);
    let personal = world.event("update-task", &ada, &task).await;
    let refused = world.send(&personal.clone().body(&json!({"assigned_to": collaborator().id}))).await;
    assert_eq!(refused.errors(), [("assigned_to", "not_a_member")], "a personal space has one member");
    let own = world.send(&personal.body(&json!({"assigned_to": ada.id}))).await;
    assert_eq!((own.status, world.queue.take().len()), (200, 0));
}

#[tokio::test]
async fn removing_a_member_ends_access_assignments_and_reminders_at_once() {
    let (world, ada, _) = World::seeded().await;
    let body = json!({
        "title": "Oil", "assigned_to": collaborator().id, "due": "2026-03-01T10:00:00Z", "reminders": [{"before": "PT0S"}],
    });
    let made = world.shared_task(&ada, &body).await.body;
    let by_collaborator = world
        .shared_task(
            &collaborator(),
            &json!({"title": "Mine", "due": "2026-03-01T10:00:00Z", "reminders": [{"before": "PT0S"}]}),
        )
        .await
        .body;
    world.mails().await;
    let stored = |body: &Value| body["id"].as_str().expect("an id").parse().expect("an id");
    let (assigned, created) =
        (world.stored(stored(&made)).await, world.stored(stored(&by_collaborator)).await);
    assert_eq!(world.as_user("remove-member", &ada, &assigned).await.status, 204);
    assert_eq!(world.as_user("get-task", &collaborator(), &assigned).await.status, 404);
    assert_eq!(world.stored(assigned.id).await.assigned_to, None);
    assert_eq!(world.as_user("remove-member", &ada, &assigned).await.status, 204, "a repetition");

    world.clock.set(instant("2026-03-01T10:00:00Z"));
    let outbox = Outbox::default();
    for task in [&assigned, &created] {
        world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    }
    let to: Vec<_> = outbox.sent().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [ada.email], "only the creator of the first task is still a member");
    let skipped = world.stored(created.id).await.reminders[0].delivery.clone();
    assert_eq!((skipped.status, skipped.reason), (DeliveryStatus::Skipped, Some(Reason::NoAccess)));
}

#[tokio::test]
async fn the_creator_gets_the_reminder_if_the_assignee_has_left() {
    let (world, ada, _) = World::seeded().await;
    let mut wanted = due_draft("t", "2026-03-01T09:00:00Z", &["PT0S"]);
    wanted.assigned_to = Some(user(55).id);
    world.register(55).await;
    let mut stale = task(9, &ada, wanted);
    stale.space = shared();
    taskbell_domain::ports::TaskCreation::create(&world.store, &stale, None, None)
        .await
        .expect("no store error");
    world.clock.set(instant("2026-03-01T09:00:00Z"));
    let outbox = Outbox::default();
    world.handle(&outbox, stale.timer().expect("a timer")).await.expect("the message is handled");
    let to: Vec<_> = outbox.sent().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [ada.email]);
    let listed = world.event("list-tasks", &user(55), &stale).await.query("assigned_to=me");
    assert_eq!(world.send(&listed).await.body["items"], json!([]));
}

#[tokio::test]
async fn deleting_a_space_needs_its_name_and_deletes_everything_in_it() {
    let (world, ada, own) = World::seeded().await;
    let made = world.shared_task(&ada, &json!({"title": "Ours"})).await.body;
    let event = world.event("delete-space", &ada, &own).await;
    for query in ["", "name=Space%202", "name=space%201", "name="] {
        let refused = world.send(&event.clone().query(query)).await;
        assert_eq!(refused.status, 422, "{query}");
    }
    assert_eq!(world.send(&event).await.status, 204);
    assert_eq!(world.send(&event).await.status, 404);
    let id = made["id"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(world.store.task(id).await.expect("no store error"), None);
    assert_eq!(world.as_user("get-space", &collaborator(), &own).await.status, 404);
    assert_eq!(world.stored(own.id).await, own, "other spaces are untouched");
}

#[tokio::test]
async fn assignment_mails_can_be_turned_off_separately() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("update-profile", &collaborator(), &task).await;
    let off = world.send(&event.body(&json!({"mail": {"assignments": false}}))).await;
    assert_eq!(
        off.body["mail"],
        json!({"reminders": true, "digest": false, "assignments": false, "invitations": true})
    );
    world.shared_task(&ada, &json!({"title": "t", "assigned_to": collaborator().id})).await;
    assert_eq!(world.mails().await, []);
}

#[tokio::test]
async fn leaving_a_space_unassigns_only_the_tasks_of_that_space() {
    let (world, ada, own) = World::seeded().await;
    let mut given = Vec::new();
    for number in 0..120_u64 {
        let mut wanted = draft("t");
        wanted.assigned_to = Some(collaborator().id);
        let mut made = task(500 + number, &ada, wanted);
        made.space = if number < 110 { shared() } else { space(2, &collaborator()).0.id };
        TaskCreation::create(&world.store, &made, None, None).await.expect("no store error");
        given.push(made);
    }
    assert_eq!(
        world
            .send(&world.event("remove-member", &collaborator(), &own).await.path("user_id", "me"))
            .await
            .status,
        204
    );
    for made in &given {
        let left = world.stored(made.id).await.assigned_to;
        assert_eq!(left.is_none(), made.space == shared());
    }
    let again = world.event("remove-member", &collaborator(), &own).await.path("user_id", "me");
    assert_eq!(world.send(&again).await.status, 404, "the member has left");
    // As if it had been interrupted before its last task.
    let mut late = world.stored(given[0].id).await;
    (late.assigned_to, late.version) = (Some(collaborator().id), late.version + 1);
    let read = late.version - 1;
    TaskChanges::replace(&world.store, &late, read, Default::default()).await.expect("no store error");
    assert_eq!(world.send(&again).await.status, 204, "it continues");
    assert_eq!(world.stored(late.id).await.assigned_to, None);
}
