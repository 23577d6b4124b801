//! Shared spaces: who gets in, what each role may do there, and what ends when somebody leaves.

use serde_json::{Value, json};
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    id::SpaceId,
    ports::{Notifications, SpaceReads, TaskChanges, TaskCreation, TaskReads},
    space::Role,
    task::Task,
    timer::TimerTarget,
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
        let mut space = self.store.space(shared()).await.expect("an answer").expect("the space");
        self.join(&mut space, &user, role).await;
        user
    }

    /// Lets the worker deal with all that is queued; gives the mails of that.
    pub(crate) async fn mails(&self) -> Vec<(String, String)> {
        let outbox = Outbox::default();
        for timer in self.queue.take() {
            self.handle(&outbox, timer).await.expect("it is dealt with");
        }
        let mails = outbox.sent().into_iter();
        mails
            .map(|mail| (mail.to.as_str().to_owned(), String::from_utf8(mail.message).expect("text")))
            .collect()
    }
}

#[tokio::test]
async fn every_role_may_do_over_http_what_the_policy_says() {
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
        ("get-space", [200, 200, 200, 200, 404]),
        ("list-members", [200, 200, 200, 200, 404]),
        ("update-space", [200, 200, 403, 403, 404]),
        // The same address a moment after the owner: to be told so is to be allowed to invite.
        ("invite-member", [201, 409, 403, 403, 404]),
        // Nobody but an owner deletes it; the others do not even get to the confirmation.
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
async fn members_are_managed_by_admins_and_owners_by_owners() {
    let (world, ada, task) = World::seeded().await;
    let admin = world.member(11, Role::Admin).await;
    let set = async |by: &User, whom: &str, role: &str| {
        let event = world.event("update-member", by, &task).await;
        world.send(&event.path("user_id", whom).body(&json!({"role": role}))).await
    };
    let (ada_id, admin_id, mate_id) =
        (ada.id.to_string(), admin.id.to_string(), collaborator().id.to_string());
    assert_eq!(set(&admin, &mate_id, "viewer").await.body["role"], "viewer");
    assert_eq!(set(&admin, &mate_id, "owner").await.status, 403);
    assert_eq!(set(&admin, &ada_id, "member").await.status, 403);
    assert_eq!(set(&collaborator(), &mate_id, "admin").await.status, 403, "nobody raises themselves");
    assert_eq!(set(&ada, "me", "member").await.code(), "last_owner");
    assert_eq!(set(&ada, &user(77).id.to_string(), "member").await.status, 404);
    assert_eq!(set(&ada, &mate_id, "king").await.errors(), [("role", "unknown_value")]);
    assert_eq!(set(&ada, &admin_id, "owner").await.status, 200);
    assert_eq!(set(&ada, "me", "member").await.status, 200, "there is another owner now");
    let remove = async |by: &User, whom: &str| {
        world.send(&world.event("remove-member", by, &task).await.path("user_id", whom)).await
    };
    assert_eq!(remove(&ada, &mate_id).await.status, 403);
    assert_eq!(remove(&admin, "me").await.code(), "last_owner");
    assert_eq!(remove(&ada, "me").await.status, 204, "everybody may leave");
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

/// The code in the text part of an invitation.
fn code_in(mail: &str) -> String {
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let word = text.split_whitespace().find(|word| word.len() > 100 && word.matches('.').count() == 2);
    word.expect("a code").to_owned()
}

#[tokio::test]
async fn an_invitation_is_mailed_and_works_once_until_it_ends() {
    let (world, ada, task) = World::seeded().await;
    let grace = world.register(20).await;
    let invite = async || {
        // Even if the one before was used or revoked.
        world.clock.advance(taskbell_domain::invitation::INVITATION_PAUSE);
        let event = world.event("invite-member", &ada, &task).await;
        let body = json!({"email": "User20@example.com", "role": "viewer"});
        let answer = world.send(&event.body(&body)).await;
        assert_eq!((answer.status, answer.body["role"].clone()), (201, json!("viewer")));
        assert!(!answer.body.to_string().contains("token"));
        let mails = world.mails().await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].0, "User20@example.com");
        assert!(mails[0].1.contains("Subject: User 1 invites you into Space 1"));
        code_in(&mails[0].1)
    };
    let accept = async |code: &str| {
        let event = world.event("accept-invitation", &grace, &task).await;
        world.send(&event.body(&json!({"token": code}))).await
    };
    let first = invite().await;
    let event = world.event("invite-member", &ada, &task).await;
    let again = world.send(&event.body(&json!({"email": "user20@EXAMPLE.com"}))).await;
    assert_eq!((again.status, again.code()), (409, "invited_recently"));
    let pause = || world.clock.advance(taskbell_domain::invitation::INVITATION_PAUSE);
    pause();
    let second = invite().await;
    for bad in ["", "x", &first, &second[1..], &format!("{second}0"), &second.to_uppercase()] {
        let refused = accept(bad).await;
        assert_eq!((refused.status, refused.code()), (404, "invalid_invitation"), "{bad}");
    }
    let joined = accept(&second).await;
    assert_eq!(
        (joined.status, &joined.body["role"], &joined.body["members"]),
        (200, &json!("viewer"), &json!(3))
    );
    assert_eq!(accept(&second).await.code(), "invalid_invitation", "it works once");
    let third = invite().await;
    assert_eq!(accept(&third).await.code(), "already_member");
    pause();
    let fourth = invite().await;
    world.clock.advance(taskbell_domain::invitation::INVITATION_LIFETIME);
    assert_eq!(accept(&fourth).await.code(), "invalid_invitation", "it has ended");
}

#[tokio::test]
async fn a_repeated_message_about_an_invitation_sends_nothing_again() {
    let (world, ada, task) = World::seeded().await;
    world.as_user("invite-member", &ada, &task).await;
    let timers = world.queue.take();
    let outbox = Outbox::default();
    for _ in 0..3 {
        world.handle(&outbox, timers[0]).await.expect("it is dealt with");
    }
    assert_eq!(outbox.sent().len(), 1);
    let TimerTarget::Notification(id) = timers[0].subject else { panic!("it is a notification") };
    let notification =
        world.store.notification(id).await.expect("an answer").expect("the notification");
    assert_eq!(
        (notification.delivery.status, notification.delivery.attempts),
        (DeliveryStatus::Sent, 1)
    );
    assert_eq!(notification.timer(), None);
}

#[tokio::test]
async fn assigning_tells_the_assignee_who_then_gets_the_reminders() {
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
            && mails[0].1.contains("User 1 has assigned")
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
    world.handle(&outbox, stored.timer().expect("a timer")).await.expect("it is dealt with");
    assert_eq!(outbox.sent()[0].to, collaborator().email);
}

#[tokio::test]
async fn only_members_can_be_assigned_and_nobody_is_told_what_they_did_themselves() {
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
async fn removing_a_member_cuts_access_assignments_and_reminders_at_once() {
    let (world, ada, _) = World::seeded().await;
    let body = json!({
        "title": "Oil", "assigned_to": collaborator().id, "due": "2026-03-01T10:00:00Z", "reminders": [{"before": "PT0S"}],
    });
    let made = world.shared_task(&ada, &body).await.body;
    let by_mate = world
        .shared_task(
            &collaborator(),
            &json!({"title": "Mine", "due": "2026-03-01T10:00:00Z", "reminders": [{"before": "PT0S"}]}),
        )
        .await
        .body;
    world.mails().await;
    let stored = |body: &Value| body["id"].as_str().expect("an id").parse().expect("an id");
    let (assigned, created) = (world.stored(stored(&made)).await, world.stored(stored(&by_mate)).await);
    assert_eq!(world.as_user("remove-member", &ada, &assigned).await.status, 204);
    assert_eq!(world.as_user("get-task", &collaborator(), &assigned).await.status, 404);
    assert_eq!(world.stored(assigned.id).await.assigned_to, None);
    assert_eq!(world.as_user("remove-member", &ada, &assigned).await.status, 204, "asked again");

    world.clock.set(instant("2026-03-01T10:00:00Z"));
    let outbox = Outbox::default();
    for task in [&assigned, &created] {
        world.handle(&outbox, task.timer().expect("a timer")).await.expect("it is dealt with");
    }
    let to: Vec<_> = outbox.sent().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [ada.email], "the creator of the first is still there, that of the second is not");
    let silent = world.stored(created.id).await.reminders[0].delivery.clone();
    assert_eq!((silent.status, silent.reason), (DeliveryStatus::Skipped, Some(Reason::NoAccess)));
}

#[tokio::test]
async fn whoever_has_left_gets_no_reminder_but_the_creator_does_although_the_task_still_names_them() {
    let (world, ada, _) = World::seeded().await;
    let mut wanted = due_draft("t", "2026-03-01T09:00:00Z", &["PT0S"]);
    wanted.assigned_to = Some(user(55).id);
    world.register(55).await;
    let mut stale = task(9, &ada, wanted);
    stale.space = shared();
    taskbell_domain::ports::TaskCreation::create(&world.store, &stale, None, None)
        .await
        .expect("an answer");
    world.clock.set(instant("2026-03-01T09:00:00Z"));
    let outbox = Outbox::default();
    world.handle(&outbox, stale.timer().expect("a timer")).await.expect("it is dealt with");
    let to: Vec<_> = outbox.sent().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [ada.email]);
    let listed = world.event("list-tasks", &user(55), &stale).await.query("assigned_to=me");
    assert_eq!(world.send(&listed).await.body["items"], json!([]));
}

#[tokio::test]
async fn deleting_a_space_takes_its_name_and_leaves_nothing() {
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
    assert_eq!(world.store.task(id).await.expect("an answer"), None);
    assert_eq!(world.as_user("get-space", &collaborator(), &own).await.status, 404);
    assert_eq!(world.stored(own.id).await, own, "other spaces are untouched");
}

#[tokio::test]
async fn an_assignment_mail_has_its_own_switch() {
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
async fn invitations_are_listed_and_taken_back_and_end_with_the_role_of_the_inviter() {
    let (world, ada, task) = World::seeded().await;
    let (admin, grace) = (world.member(11, Role::Admin).await, world.register(20).await);
    let invite = world.event("invite-member", &admin, &task).await;
    let invite = invite.body(&json!({"email": grace.email, "role": "member"}));
    assert_eq!(world.send(&invite).await.status, 201);
    let first = code_in(&world.mails().await[0].1);
    let list = async || world.as_user("list-invitations", &ada, &task).await.body["items"].clone();
    let open = list().await;
    assert_eq!((&open[0]["email"], &open[0]["invited_by"]), (&json!(grace.email), &json!(admin.id)));
    let id = open[0]["id"].as_str().expect("an id");
    let revoke = world.event("revoke-invitation", &ada, &task).await.path("invitation_id", id);
    let accept = async |code: &str| {
        let event = world.event("accept-invitation", &grace, &task).await;
        world.send(&event.body(&json!({"token": code}))).await
    };
    assert_eq!((world.send(&revoke).await.status, list().await), (204, json!([])));
    assert_eq!(world.send(&revoke).await.status, 204, "asked twice");
    assert_eq!(world.send(&revoke.path("invitation_id", "x")).await.status, 404);
    assert_eq!(accept(&first).await.code(), "invalid_invitation");

    world.clock.advance(taskbell_domain::invitation::INVITATION_PAUSE);
    assert_eq!(world.send(&invite).await.status, 201);
    let second = code_in(&world.mails().await[0].1);
    let lower = world.event("update-member", &ada, &task).await.path("user_id", &admin.id.to_string());
    assert_eq!(world.send(&lower.body(&json!({"role": "member"}))).await.status, 200);
    assert_eq!(
        accept(&second).await.code(),
        "invalid_invitation",
        "its inviter may not invite any more"
    );
    for (function, who) in [("list-invitations", &admin), ("revoke-invitation", &admin)] {
        assert_eq!(world.as_user(function, who, &task).await.status, 403);
    }
}

#[tokio::test]
async fn a_space_has_so_many_open_invitations_and_no_more() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("invite-member", &ada, &task).await;
    for number in 0..taskbell_domain::invitation::MAX_INVITATIONS {
        let body = json!({"email": format!("guest{number}@example.com")});
        assert_eq!(world.send(&event.clone().body(&body)).await.status, 201);
    }
    let refused = world.send(&event.body(&json!({"email": "one.more@example.com"}))).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_invitations"));
}

#[tokio::test]
async fn whoever_leaves_gives_back_all_open_tasks_of_that_space_only() {
    let (world, ada, own) = World::seeded().await;
    let mut given = Vec::new();
    for number in 0..120_u64 {
        let mut wanted = draft("t");
        wanted.assigned_to = Some(collaborator().id);
        let mut made = task(500 + number, &ada, wanted);
        made.space = if number < 110 { shared() } else { space(2, &collaborator()).0.id };
        TaskCreation::create(&world.store, &made, None, None).await.expect("an answer");
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
    assert_eq!(world.send(&again).await.status, 404, "there is nothing left to do");
    // As if it had been cut off before its last task.
    let mut late = world.stored(given[0].id).await;
    (late.assigned_to, late.version) = (Some(collaborator().id), late.version + 1);
    let read = late.version - 1;
    TaskChanges::replace(&world.store, &late, read, Default::default()).await.expect("an answer");
    assert_eq!(world.send(&again).await.status, 204, "it goes on");
    assert_eq!(world.stored(late.id).await.assigned_to, None);
}
