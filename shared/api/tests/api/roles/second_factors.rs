//! Requests about second factors.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    id::SessionId,
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    second_factor::{REMOVAL_DELAY, RemovalRequest, SecondFactor},
    user::User,
};
use taskbell_test::{
    contract::Store,
    fixtures::{notification, now},
};

use crate::support::{Event, PASSWORD, World, collaborator};

const SECRET: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

fn carrier() -> taskbell_domain::notification::Notification {
    let code = Code { notification: notification(61, verification()).id, secret: SECRET.to_owned() };
    let kind = NotificationKind::Code {
        to: collaborator().id,
        purpose: Purpose::SecondFactorRemoval,
        address: None,
        secret_hash: Some(code.hash()),
    };
    notification(61, kind)
}

fn verification() -> NotificationKind {
    NotificationKind::Verification { to: collaborator().id }
}

/// A session with a live connection, besides the one that confirms a factor.
pub(super) async fn open_another_session<S: Store>(world: &World<S>, user: &User) {
    world.refresh_token(user).await;
    let other = SessionId::generate(&world.clock, &world.random);
    world.open_session(user, other).await;
    let mut open = world.store.connections(user.id).await.expect("no store error");
    let read = open.version;
    open.open.iter_mut().for_each(|connection| connection.session = other);
    open.version += 1;
    world.store.replace_connections(&open, read).await.expect("no store error");
}

/// The collaborator has asked a day ago for the removal of a second factor.
pub(super) async fn request_removal<S: Store>(world: &World<S>) {
    let user = collaborator();
    world.add_second_factor(&user, true).await;
    world.store.add_notification(&carrier(), None).await.expect("no store error");
    let factor = world.store.second_factor(user.id).await.expect("no store error").expect("one");
    let requested_at = now() - REMOVAL_DELAY - SignedDuration::from_secs(1);
    let removal = Some(RemovalRequest { requested_at, notification: carrier().id });
    let changed = SecondFactor { removal, version: factor.version + 1, ..factor.clone() };
    let stored = world.store.store_second_factor(&changed, Some(factor.version), &[]).await;
    assert!(stored.expect("no store error"));
}

/// The request that removes it.
pub(super) fn redemption(event: Event) -> Event {
    let code = Code { notification: carrier().id, secret: SECRET.to_owned() };
    event.body(&json!({ "code": code.to_text() }))
}

/// A log-in of the collaborator, who has a second factor, and the same with a used code.
pub(super) async fn log_ins<S: Store>(world: &World<S>, event: Event) -> Vec<Event> {
    let user = collaborator();
    let code = world.add_second_factor(&user, true).await;
    let body = json!({ "email": user.email, "password": PASSWORD, "code": code });
    let event = event.body(&body);
    vec![event.clone(), event]
}
