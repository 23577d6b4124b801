//! Deletions of accounts: of one that is in spaces of every kind.

use std::{collections::BTreeSet, sync::Mutex};

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use taskbell_api::workers::finish_deletions;
use taskbell_domain::{
    account_deletion::{AccountDeletion, LAST_RUN_AFTER},
    api_token::ApiToken,
    clock::Clock,
    membership::MemberChange,
    notification::NotificationKind,
    one_time_code::Purpose,
    ports::{AccountDeletions, Replaced, SpaceChanges, SpaceReads},
    space::Role,
    user::User,
};
use taskbell_test::{
    contract::Store,
    fixtures::{api_token, comment, due_draft, notification, now, space, task},
};

use taskbell_test_aws::intercept::{Interception, intercepted};

use super::{Stage, prepare::invite, queueing, recorder::Wanted};
use crate::support::{World, collaborator};

/// Gives a user whose account is to be deleted a task with a comment in the personal space, a connection, a space without
/// others, and an assignment in a space of someone else. With `heir`, also a space whose last owner they are.
pub(super) async fn prepare<S: Store>(world: &World<S>, user: &User, other: &User, heir: bool) {
    let own = task(90, user, due_draft("Own", "2026-03-02T09:00:00Z", &["PT1H"]));
    world.store.create(&own, None, None).await.expect("no store error");
    world.store.add_comment(&comment(9, &own, user), None).await.expect("no store error");
    world.update_statistics(None, Some(&own)).await;
    world.connect_elsewhere(user, "deleted").await;
    let version = world.store.api_tokens(user.id).await.expect("no store error").version;
    let expiry_notification = Some(notification(95, NotificationKind::Verification { to: user.id }).id);
    let token = ApiToken { expiry_notification, ..api_token(9, user) };
    assert!(world.store.add_api_token(&token, version, &[]).await.expect("no store error"));
    let day = now().to_zoned(jiff::tz::TimeZone::UTC).date();
    world.store.record_api_token_use(&token, day).await.expect("no store error");
    let create = async |number, owner: &User| {
        let (made, owner) = space(number, owner);
        world.store.create_space(&made, &owner, None, None).await.expect("no store error");
        made
    };
    let lonely = create(91, user).await;
    invite(world, lonely.id, "guest@example.com", 97).await;
    let mut theirs = create(92, other).await;
    world.join(&mut theirs, user, Role::Admin).await;
    let mut assigned = due_draft("Assigned", "2026-03-02T09:00:00Z", &[]);
    assigned.assigned_to = Some(user.id);
    let assigned = taskbell_domain::task::Task { space: theirs.id, ..task(93, other, assigned) };
    world.store.create(&assigned, None, None).await.expect("no store error");
    if heir {
        let mut shared = create(94, user).await;
        world.join(&mut shared, other, Role::Viewer).await;
    }
}

/// Gives a user a previous address, to which a code was mailed that undoes its change.
pub(super) async fn prepare_previous_address<S: Store>(world: &World<S>, user: &User) {
    let (to, purpose) = (user.id, Purpose::EmailChangeUndo);
    let address = Some(taskbell_test::fixtures::user(88).email);
    let code = notification(96, NotificationKind::Code { to, purpose, address, secret_hash: None });
    world.store.add_notification(&code, None).await.expect("no store error");
    let mut user = world.store.user(user.id).await.expect("no store error").expect("the user");
    let read = user.version;
    user.email_undos.push(code.id);
    user.version += 1;
    let replaced = world.store.replace_user(&user, read, None).await.expect("no store error");
    assert_eq!(replaced, Replaced::Stored);
}

/// Makes the user an owner of a space together with the other user, who loses that role directly before the profile is
/// deleted: so the deletion finds an heir.
pub(super) async fn prepare_heir(stage: &mut Stage, user: &User, other: &User) {
    let (mut shared, owner) = space(94, user);
    let store = &stage.world.store;
    store.create_space(&shared, &owner, None, None).await.expect("no store error");
    stage.world.join(&mut shared, other, Role::Owner).await;
    let (raw, id) = (stage._server.store(stage._server.client()), other.id);
    let demoted = async move {
        let found = raw.space_and_member(shared.id, id).await.expect("an answer");
        let (mut space, member) = found.expect("a member");
        let read = space.version;
        let change = MemberChange::Role(member, Role::Member);
        space.apply(&change, now()).expect("it can be");
        assert!(raw.change_member(&space, read, &change).await.expect("an answer"));
    };
    let demoted = Mutex::new(Some(Box::pin(demoted) as BoxFuture<'static, ()>));
    let inner = stage.failures.on(&stage._server.client());
    let client = intercepted(&inner, move |operation, body| {
        let is_it = operation == "TransactWriteItems" && body.to_string().contains("\"DELETIONS\"");
        let demoted = is_it.then(|| demoted.lock().expect("not poisoned").take()).flatten();
        demoted.map_or(Interception::Send, Interception::SendAfter)
    });
    stage.world.store = stage._server.store(stage.recorder.on(&client));
}

/// What `finish-deletions` needs.
pub(super) async fn worker(failing: bool) -> BTreeSet<Wanted> {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ada, _) = world.seed().await;
    prepare(world, &ada, &collaborator(), true).await;
    let deletion = AccountDeletion { user: ada.id, deleted_at: now() };
    assert!(world.store.delete_account(&ada, &[], deletion).await.expect("no store error"));
    world.clock.advance(LAST_RUN_AFTER);
    stage.calls();
    if failing {
        stage.failures.begin();
    }
    for _ in 0..5 {
        let deadline = world.clock.now() + SignedDuration::from_secs(280);
        let ports = (&world.clock as &_, &world.random as &_);
        let result = finish_deletions::handle(&world.store, &world.pushes, ports, deadline).await;
        assert!(failing || result.is_ok(), "{result:?}");
    }
    let mut calls = stage.calls();
    calls.insert(queueing("PushQueue"));
    calls
}
