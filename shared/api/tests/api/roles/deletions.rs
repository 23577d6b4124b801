//! Deletions of accounts: of one that is in spaces of every kind.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use taskbell_api::workers::finish_deletions;
use taskbell_domain::{
    account_deletion::{AccountDeletion, LAST_SWEEP_AFTER},
    api_token::ApiToken,
    clock::Clock,
    notification::NotificationKind,
    ports::AccountDeletions,
    space::Role,
    user::User,
};
use taskbell_test::{
    contract::Store,
    fixtures::{api_token, comment, due_draft, notification, now, space, task},
};

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
    let expiry_notice = Some(notification(95, NotificationKind::Verification { to: user.id }).id);
    let token = ApiToken { expiry_notice, ..api_token(9, user) };
    assert!(world.store.add_api_token(&token, version, &[]).await.expect("no store error"));
    let day = now().to_zoned(jiff::tz::TimeZone::UTC).date();
    world.store.record_api_token_use(&token, day).await.expect("no store error");
    let create = async |number, owner: &User| {
        let (made, owner) = space(number, owner);
        world.store.create_space(&made, &owner, None, None).await.expect("no store error");
        made
    };
    let lonely = create(91, user).await;
    invite(world, lonely.id, "guest@example.com").await;
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

/// What `finish-deletions` needs.
pub(super) async fn worker(failing: bool) -> BTreeSet<Wanted> {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ada, _) = world.seed().await;
    prepare(world, &ada, &collaborator(), true).await;
    let deletion = AccountDeletion { user: ada.id, deleted_at: now() };
    assert!(world.store.delete_account(&ada, deletion).await.expect("no store error"));
    world.clock.advance(LAST_SWEEP_AFTER);
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
