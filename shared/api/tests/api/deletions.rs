//! What happens when an account is deleted: at once, afterwards, and when it is interrupted anywhere.

mod meanwhile;
mod overdue;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::workers::finish_deletions::{self, Finished};
use taskbell_domain::{
    account_deletion::LAST_RUN_AFTER,
    clock::Clock,
    id::SpaceId,
    ports::*,
    rate_limit::PASSWORD_CHECKS,
    space::{Member, Role, Space},
    task::Task,
    user::User,
};
use taskbell_test::{
    Faults, Faulty, Meddler, MemoryStore, Outbox, Side,
    contract::Store,
    fixtures::{api_token_secret, comment, due_draft, now, space, task, user},
    injected,
};

use crate::support::{Answer, PASSWORD, World, collaborator, operator};

impl<S: Store> World<S> {
    async fn delete_account(&self, user: &User, about: &Task) -> Answer {
        self.send(&self.event("delete-account", user, about).await).await
    }

    async fn finish_deletions(&self) -> Result<Finished, finish_deletions::DeletionError> {
        let (store, pushes, clock) = (&self.store, &self.pushes, &self.clock);
        let deadline = clock.now() + SignedDuration::from_secs(280);
        finish_deletions::handle(store, pushes, (clock, &self.random), deadline).await
    }
}

/// User 1 with everything that an account can have: tasks, comments, a space of their own, shares in those of others as a
/// member and as one of two owners, assignments, tokens, sessions and a connection.
async fn everything<S: Store>(world: &World<S>) -> (User, Task, Task) {
    let (ada, mine) = world.seed().await;
    let draft = || due_draft("Theirs", "2026-03-02T09:00:00Z", &["PT1H"]);
    let (mut theirs, _) = space(2, &collaborator());
    world.join(&mut theirs, &ada, Role::Admin).await;
    let mut assigned = draft();
    assigned.assigned_to = Some(ada.id);
    let assigned = Task { space: theirs.id, ..task(60, &collaborator(), assigned) };
    world.store.create(&assigned, None, None).await.expect("an answer");
    world.store.add_comment(&comment(9, &assigned, &ada), None).await.expect("an answer");
    let (alone, owner) = space(3, &ada);
    world.store.create_space(&alone, &owner, None, None).await.expect("an answer");
    let inside = Task { space: alone.id, ..task(61, &ada, draft()) };
    world.store.create(&inside, None, None).await.expect("an answer");
    world.connect_elsewhere(&ada, "connection").await;
    (ada, mine, assigned)
}

impl<S: Store> World<S> {
    async fn shared(&self) -> Space {
        self.store.space(space(1, &user(1)).0.id).await.expect("an answer").expect("the space")
    }

    async fn make_owner(&self, space: &mut Space, user: &User) {
        let found = self.store.space_and_member(space.id, user.id).await.expect("an answer");
        let (read, member) = (space.version, found.expect("a member").1);
        let change = taskbell_domain::membership::MemberChange::Role(member, Role::Owner);
        space.apply(&change, now()).expect("it can be");
        assert!(self.store.change_member(space, read, &change).await.expect("an answer"));
    }
}

#[tokio::test]
async fn a_deleted_account_is_of_no_use_at_once() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&world).await;
    let (access, refresh) = (world.access_token(&ada), world.refresh_token(&ada).await);
    world.pushes.take();
    let answer = world.delete_account(&ada, &mine).await;
    assert_eq!(answer.status, 204, "{}", answer.body);

    let with = async |function: &str, token: &str| {
        let event = world.event(function, &ada, &mine).await.without_header("if-match");
        world.send(&event.header("authorization", &format!("Bearer {token}"))).await.status
    };
    let program = api_token_secret(1, &ada).to_text();
    assert_eq!([with("get-task", &access).await, with("get-task", &program).await], [401, 401]);
    let session = world.event("refresh-session", &ada, &mine).await;
    let session = session.body(&json!({ "refresh_token": refresh }));
    assert_eq!(world.send(&session).await.code(), "invalid_refresh_token");
    let log_in = world.event("log-in", &ada, &mine).await;
    let log_in = log_in.body(&json!({ "email": ada.email, "password": PASSWORD }));
    assert_eq!(world.send(&log_in).await.code(), "invalid_credentials");
    assert!(!world.pushes.take().is_empty(), "connections are closed");
    assert!(world.store.connections(ada.id).await.expect("an answer").open.is_empty());
    let again = world.event("register-user", &user(77), &mine).await;
    let body = json!({ "email": ada.email, "name": "Next", "password": "six quiet bells at dawn" });
    assert!(world.send(&again.body(&body)).await.status < 300, "the address is free");
    let action = world.event("run-action", &ada, &mine).await;
    let acted = world.send(&action).await;
    assert_eq!(acted.status, 404, "links in mails: {}", acted.body);
}

#[tokio::test]
async fn what_belongs_to_others_stays() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, assigned) = everything(&world).await;
    assert_eq!(world.delete_account(&ada, &mine).await.status, 204);
    let kept = world.stored(assigned.id).await;
    assert_eq!((kept.assigned_to, kept.title), (None, assigned.title.clone()));
    let comments = world.store.comments(assigned.id, None, 10).await.expect("a page").items;
    assert_eq!(comments.len(), 1, "comments stay");
    assert_eq!(comments[0].author, ada.id);
    let members = async |id: SpaceId| {
        let found = world.store.space_and_members(id).await.expect("an answer");
        found.map(|(space, members)| (space.member_count, space.owner_count, members.len()))
    };
    assert_eq!(members(space(1, &ada).0.id).await, Some((1, 1, 1)), "another owner has it");
    assert_eq!(members(space(2, &ada).0.id).await, Some((1, 1, 1)));
    assert_eq!(members(space(3, &ada).0.id).await, None, "nobody else was in it");
    assert!(world.store.task(mine.id).await.expect("an answer").is_none());
    let inside = task(61, &ada, due_draft("x", "2026-03-02", &[])).id;
    assert!(world.store.task(inside).await.expect("an answer").is_none());
    assert!(world.store.space_ids(ada.id).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn an_account_is_deleted_only_with_its_password() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&world).await;
    let event = world.event("delete-account", &ada, &mine).await;
    let before = world.store.contents();
    for (body, errors) in [
        (json!({}), ("password", "required")),
        (json!({ "password": "six quiet bells at dawn" }), ("password", "wrong_password")),
    ] {
        let answer = world.send(&event.clone().body(&body)).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![errors]));
    }
    for _ in 1..PASSWORD_CHECKS.max {
        world.send(&event.clone().body(&json!({ "password": "six quiet bells at dawn" }))).await;
    }
    assert_eq!(world.send(&event).await.status, 429, "guessing is limited");
    assert_eq!(world.store.contents(), before);
}

#[tokio::test]
async fn the_last_owner_of_a_space_with_others_is_asked_to_hand_it_over() {
    let (world, ada, mine) = World::seeded().await;
    let (mut shared, owner) = space(5, &ada);
    world.store.create_space(&shared, &owner, None, None).await.expect("an answer");
    world.join(&mut shared, &collaborator(), Role::Admin).await;
    let event = world.event("delete-account", &ada, &mine).await;
    let before = world.store.contents();
    let answer = world.send(&event).await;
    assert_eq!((answer.status, answer.code()), (409, "last_owner"));
    assert_eq!(world.store.contents(), before);
    world.make_owner(&mut shared, &collaborator()).await;
    assert_eq!(world.delete_account(&ada, &mine).await.status, 204);
}

#[tokio::test]
async fn an_operator_deletes_an_account_and_the_first_of_the_highest_role_gets_its_space() {
    let (world, ada, mine) = World::seeded().await;
    let mut shared = world.shared().await;
    for (number, role) in [(21, Role::Member), (22, Role::Admin)] {
        let other = world.register(number).await;
        world.join(&mut shared, &other, role).await;
    }
    let delete = async |who: &User| {
        let event = world.event("delete-user", &operator(), &mine).await;
        world.send(&event.path("user_id", &who.id.to_string())).await
    };
    let refused = |answer: Answer| (answer.status, answer.code().to_owned());
    assert_eq!(refused(delete(&operator()).await), (409, "own_account".to_owned()));
    assert_eq!(refused(delete(&user(5)).await), (404, "not_found".to_owned()));
    let event = world.event("delete-user", &ada, &mine).await;
    let token = format!("Bearer {}", world.access_token(&ada));
    let event = event.header("authorization", &token).path("user_id", &user(21).id.to_string());
    assert_eq!(refused(world.send(&event).await), (403, "forbidden".to_owned()));

    assert_eq!(delete(&ada).await.status, 204);
    let (_, members) =
        world.store.space_and_members(shared.id).await.expect("an answer").expect("the space");
    let owners: Vec<_> = members.iter().filter(|member| member.role == Role::Owner).collect();
    assert_eq!((members.len(), owners.len(), owners[0].user), (3, 1, user(22).id));
    assert_eq!(refused(delete(&ada).await), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn reminders_and_digests_of_a_deleted_account_are_not_sent_and_those_of_others_are() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&world).await;
    let theirs = Task {
        space: SpaceId::personal(collaborator().id),
        ..task(70, &collaborator(), due_draft("Kept", "2026-03-01T08:02:00Z", &["PT0S"]))
    };
    let own = task(71, &ada, due_draft("Gone", "2026-03-01T08:02:00Z", &["PT0S"]));
    for made in [&theirs, &own] {
        world.store.create(made, None, None).await.expect("an answer");
    }
    world.dispatch().await;
    let queued = world.queue.take();
    assert!(queued.len() >= 2, "both are queued");
    assert_eq!(world.delete_account(&ada, &mine).await.status, 204);
    world.clock.set(taskbell_test::fixtures::instant("2026-03-01T08:02:00Z"));
    let outbox = Outbox::default();
    for timer in queued {
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    let sent = outbox.sent();
    assert!(sent.iter().all(|mail| mail.to != ada.email), "no mail to a deleted account");
    assert!(sent.iter().any(|mail| mail.to == collaborator().email), "mails to others go on");
}

#[tokio::test]
async fn what_a_request_added_that_was_running_is_deleted_by_the_last_run() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&world).await;
    assert_eq!(world.delete_account(&ada, &mine).await.status, 204);
    for _ in 0..2 {
        let early = world.finish_deletions().await.expect("it works");
        assert_eq!(early, Finished { finished: 0, left: 1 }, "requests may still be running");
    }
    // They were admitted before the profile was deleted, and write after it.
    let late = task(80, &ada, due_draft("Late", "2026-03-02T09:00:00Z", &["PT1H"]));
    world.store.create(&late, None, None).await.expect("an answer");
    let (mut theirs, _) = space(2, &collaborator());
    theirs = world.store.space(theirs.id).await.expect("an answer").expect("the space");
    world.join(&mut theirs, &ada, Role::Member).await;
    world.clock.advance(LAST_RUN_AFTER - SignedDuration::from_secs(1));
    assert_eq!(world.finish_deletions().await.expect("it works"), Finished { finished: 0, left: 1 });
    world.store.create(&late, None, None).await.expect("an answer");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.finish_deletions().await.expect("it works"), Finished { finished: 0, left: 1 });
    assert_eq!(world.finish_deletions().await.expect("it works"), Finished { finished: 1, left: 0 });
    assert_eq!(world.finish_deletions().await.expect("it works"), Finished::default());
    assert!(world.store.task(late.id).await.expect("an answer").is_none());
    assert!(world.store.space_ids(ada.id).await.expect("an answer").is_empty());
}

/// Fails the call with this number, before or after its effect.
#[derive(Clone)]
struct FailAt {
    calls: Arc<AtomicUsize>,
    at: usize,
    side: Side,
}

impl Faults for FailAt {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        if side != self.side {
            return Ok(());
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number == self.at { Err(injected(call)) } else { Ok(()) }
    }
}

/// Everything that is stored, but for what differs by when it was written.
fn left(store: &MemoryStore) -> String {
    let data = store.data();
    let spaces: Vec<_> =
        data.members.values().map(|Member { space, user, role, .. }| (space, user, role)).collect();
    let tasks: Vec<_> =
        data.tasks.values().map(|(task, timer)| (task.id, task.assigned_to, timer)).collect();
    format!("{:?}", (data.users.keys().collect::<Vec<_>>(), spaces, tasks, &data.digests))
}

#[tokio::test]
async fn a_deletion_that_is_interrupted_at_any_call_is_finished_later() {
    let finish = async |world: &World<MemoryStore>| {
        world.clock.advance(LAST_RUN_AFTER);
        // The run that finds something is not the last one.
        for _ in 0..2 {
            world.finish_deletions().await.expect("it works");
        }
        assert!(world.store.unfinished_deletions().await.expect("an answer").is_empty());
    };
    let undisturbed = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&undisturbed).await;
    assert_eq!(undisturbed.delete_account(&ada, &mine).await.status, 204);
    finish(&undisturbed).await;
    let expected = left(&undisturbed.store);
    assert!(!expected.contains(&ada.id.body()) || expected.contains("created_by"), "{expected}");

    let (mut interrupted, mut answered) = (0, Vec::<Value>::new());
    for side in [Side::Before, Side::After] {
        for at in 0.. {
            let store = MemoryStore::default();
            let calls = Arc::new(AtomicUsize::new(0));
            let prepared = World::on(store.clone());
            let (ada, mine, _) = everything(&prepared).await;
            let event = prepared.event("delete-account", &ada, &mine).await;
            let faults = FailAt { calls: calls.clone(), at, side };
            let mut world = World::on(Faulty { store: store.clone(), faults });
            world.take_keys_of(&prepared);
            let answer = world.send(&event).await;
            if calls.load(Ordering::Relaxed) <= at {
                assert_eq!(answer.status, 204);
                break;
            }
            interrupted += 1;
            let is_deleted = store.user(ada.id).await.expect("an answer").is_none();
            if !is_deleted {
                assert!(answer.status >= 500, "{side:?} {at}: {}", answer.body);
                assert!(store.credential(&ada.email).await.expect("an answer").is_some());
                continue;
            }
            answered.push(json!(answer.status));
            let later = World::on(store);
            later.clock.set(world.clock.now());
            finish(&later).await;
            assert_eq!(left(&later.store), expected, "interrupted {side:?} call {at}");
        }
    }
    assert!(interrupted > 40 && answered.len() > 20, "{interrupted} {answered:?}");
}

/// Fails every call about one space.
#[derive(Clone)]
struct FailAbout(&'static str);

impl Faults for FailAbout {
    async fn pass(&self, call: &'static str, side: Side) -> Result<(), PortError> {
        if call == self.0 && side == Side::Before { Err(injected(call)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_step_that_fails_does_not_keep_the_others_from_being_done() {
    let store = MemoryStore::default();
    let prepared = World::on(store.clone());
    let (ada, mine, assigned) = everything(&prepared).await;
    let event = prepared.event("delete-account", &ada, &mine).await;
    let mut world = World::on(Faulty { store: store.clone(), faults: FailAbout("space_and_member") });
    world.take_keys_of(&prepared);
    assert_eq!(world.send(&event).await.status, 204);
    assert!(!store.space_ids(ada.id).await.expect("an answer").is_empty(), "no space was left");
    assert!(store.task(mine.id).await.expect("an answer").is_none(), "the personal space is gone");
    assert_eq!(prepared.stored(assigned.id).await.assigned_to, None);
    assert!(store.api_tokens(ada.id).await.expect("an answer").tokens.is_empty());
    world.clock.advance(LAST_RUN_AFTER);
    assert!(world.finish_deletions().await.is_err(), "the run counts as failed");
    assert_eq!(store.unfinished_deletions().await.expect("an answer").len(), 1);
}

#[tokio::test]
async fn notices_of_the_expiry_of_tokens_are_deleted() {
    let world = World::on(MemoryStore::default());
    let (ada, mine, _) = everything(&world).await;
    let create = world.event("create-api-token", &ada, &mine).await;
    assert_eq!(world.send(&create).await.status, 201);
    let list = world.store.api_tokens(ada.id).await.expect("an answer");
    let notices: Vec<_> =
        list.tokens.iter().filter_map(|(token, _)| token.expiry_notification).collect();
    assert_eq!(world.delete_account(&ada, &mine).await.status, 204);
    assert!(notices.len() > 1);
    for notice in notices {
        assert!(world.store.notification(notice).await.expect("an answer").is_none());
    }
}

#[tokio::test]
async fn a_password_reset_that_comes_first_stops_the_deletion_and_another_change_does_not() {
    for (is_reset, expected) in [(true, 401), (false, 204)] {
        let store = MemoryStore::default();
        let prepared = World::on(store.clone());
        let (ada, mine, _) = everything(&prepared).await;
        let event = prepared.event("delete-account", &ada, &mine).await;
        let mut world = World::on(Faulty { store: store.clone(), faults: Meddler::default() });
        world.take_keys_of(&prepared);
        let (changed, of) = (store.clone(), ada.id);
        world.store.faults.before("delete_account", async move {
            let before = changed.user(of).await.expect("an answer").expect("the account");
            let mut after = before.clone();
            match is_reset {
                true => after.reset_password("5e".repeat(16), now()),
                false => after.name = user(2).name,
            }
            after.version = before.version + 1;
            let replaced = changed.replace_user(&after, before.version, None).await;
            assert_eq!(replaced.expect("an answer"), Replaced::Stored);
        });
        assert_eq!(world.send(&event).await.status, expected, "{is_reset}");
        assert!(world.store.faults.is_done());
        assert_eq!(store.user(ada.id).await.expect("an answer").is_some(), is_reset);
    }
}
