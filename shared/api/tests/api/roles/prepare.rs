//! What requests of the scenes need to be there.

use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    id::SpaceId,
    invitation::{INVITATION_LIFETIME, Invitation},
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::Replaced,
    space::Role,
    task::Task,
    user::{AccountRole, User},
};
use taskbell_test::{
    contract::Store,
    fixtures::{notification, now, space, user},
};

use super::{deletions, scenes::soon, second_factors};
use crate::support::{World, collaborator, operator};

/// Creates what a function needs in addition.
pub(super) async fn prepare<S: Store>(world: &World<S>, function: &str, ada: &User, tasks: [&Task; 2]) {
    let ending = [
        "log-out",
        "refresh-session",
        "reset-password",
        "confirm-second-factor",
        "change-password",
        "undo-email-change",
    ];
    if ending.contains(&function) {
        world.connect(ada, tasks[0], "ada").await;
    }
    if ["end-session", "end-other-sessions"].contains(&function) {
        world.connect_in(ada, world.other_session(), "ada").await;
    }
    match function {
        "verify-email" | "run-action" | "reset-password" => {
            let unverified = User { version: 2, email_verified_at: None, ..ada.clone() };
            let changed = world.store.replace_user(&unverified, 1, None).await.expect("no store error");
            assert_eq!(changed, Replaced::Stored);
            world.refresh_token(ada).await;
        }
        "confirm-second-factor" => second_factors::open_another_session(world, ada).await,
        "remove-second-factor" => second_factors::request_removal(world).await,
        "update-user" => world.connect(&collaborator(), tasks[0], "collaborator").await,
        "become-operator" => {
            let user = User { version: 3, role: AccountRole::User, ..operator() };
            let changed = world.store.replace_user(&user, 2, None).await.expect("no store error");
            assert_eq!(changed, Replaced::Stored);
            let secret_hash = Some(operator_code().hash());
            let kind = NotificationKind::Code {
                to: user.id,
                purpose: Purpose::Operator,
                address: None,
                secret_hash,
            };
            world.store.add_notification(&notification(4, kind), None).await.expect("no store error");
        }
        "register-user" => {
            let invited = space(1, ada).0.id;
            invite(world, invited, "new.user1@example.com", 97).await;
            invite(world, invited, user(77).email.as_str(), 98).await;
            world.register(77).await;
        }
        "delete-space" => invite(world, space(1, ada).0.id, "guest@example.com", 97).await,
        "delete-account" => {
            deletions::prepare(world, ada, &collaborator(), false).await;
            deletions::prepare_previous_address(world, ada).await;
        }
        "delete-user" => {
            deletions::prepare(world, &collaborator(), ada, true).await;
            deletions::prepare_previous_address(world, &collaborator()).await;
        }
        "skip-task" => {
            for task in tasks {
                let recurs = json!({ "recurrence": "FREQ=DAILY" });
                world.send(&world.event("update-task", ada, task).await.body(&recurs)).await;
            }
        }
        "reopen-task" => {
            for task in [tasks[0], tasks[1], &soon(ada)[1]] {
                world.send(&world.event("complete-task", ada, task).await).await;
            }
        }
        _ => {}
    }
}

/// Invites an address into a space. `number` is that of the notification.
pub(super) async fn invite<S: Store>(world: &World<S>, space: SpaceId, email: &str, number: u64) {
    let email = EmailAddress::parse(email).expect("an address");
    let kind = NotificationKind::Invitation { to: email.clone(), space };
    let carrier = notification(number, kind);
    let invitation = Invitation {
        space,
        email,
        role: Role::Viewer,
        invited_by: collaborator().id,
        notification: carrier.id,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    world.store.invite(&invitation, &carrier, None, None).await.expect("no store error");
}

pub(super) fn operator_code() -> Code {
    Code {
        notification: notification(4, NotificationKind::Verification { to: operator().id }).id,
        secret: "5e".repeat(16),
    }
}
