//! Invites a person to a space by email.

use futures_util::try_join;
use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    api_token::ApiScope,
    email::EmailAddress,
    id::{NotificationId, SpaceId},
    invitation::{INVITATION_LIFETIME, INVITATION_PAUSE, Invitation, InvitationBook, MAX_INVITATIONS},
    notification::{Notification, NotificationKind},
    policy::{Action, permits_role},
    ports::{IdempotencyRecord, RateLimits, SpaceChanges, TimerQueue},
    rate_limit::{INVITATIONS, RateLimitKey},
    space::Role,
};

use super::view;
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{
        idempotency::{Key, create_once, created, find_replay, replayed},
        spaces::shared,
    },
    http::{Call, Fields, Params, Problem, Reply, enforce_limit, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "invite-member",
    tag: Tag::Invitations,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/invitations",
    operations: &[Operation {
        method: "POST",
        summary: "Invite a member",
        description: "Sends an invitation to an email address, which need not have an account. It replaces an open invitation of the same address. The token is only in the email.",
        parameters: &["Idempotency-Key"],
        request: Some("InviteMemberRequest"),
        responses: &[(201, Body::Json("Invitation"))],
        errors: &[
            "forbidden",
            "personal_space",
            "too_many_invitations",
            "invited_recently",
            "already_deleted",
            "busy",
        ],
    }],
};

/// Responds 201 with the invitation, whose secret is only in the mail. It replaces an older invitation of the same
/// address. The response does not reveal whether the address has an account.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SpaceChanges + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse));
    let role = fields.optional("role", read::text(Role::parse)).unwrap_or(Role::Member);
    let email = fields.finish(email)?;
    let space: SpaceId = call.path_id("space_id")?;
    let sent = [space.body().into_bytes(), call.json()?.to_vec()];
    let key = Key::of(call, caller.user, &[&sent[0], &sent[1]], now)?;
    let hash = email.hash();
    let find = async |hash: String| Ok(store.invitation(space, &hash).await?);
    let permission = async {
        let (_, me) = shared(store, caller, space, Action::ManageMembers).await?;
        match permits_role(me.role, None, Some(role)) {
            true => Ok(()),
            false => Err(Problem::forbidden()),
        }
    };
    let reads = async {
        let book = async { Ok(store.invitation_book(space, &hash).await?) };
        try_join!(find_replay(key.as_ref(), store, find), book)
    };
    let ((), (before, mut book)) = while_checked(permission, reads).await?;
    // A replay first, because the checks below reject a second invitation.
    if let Some(before) = before {
        return replayed(reply(&before));
    }
    refuse_flood(&book, &hash, now)?;
    let kind = NotificationKind::Invitation { to: email.clone(), space };
    let notification = Notification::new(NotificationId::generate(call.clock(), random), kind, now);
    let invitation = Invitation {
        space,
        email,
        role,
        invited_by: caller.user,
        notification: notification.id,
        secret_hash: None,
        created_at: now,
        expires_at: now + INVITATION_LIFETIME,
    };
    call.admit().await?;
    enforce_limit(store, INVITATIONS, RateLimitKey::user(caller.user), 1, now).await?;
    let store_new = async |record: Option<IdempotencyRecord>| {
        let mut attempts = Attempts::new();
        loop {
            attempts.begin()?;
            let (expected, record) = (Some(book.version), record.as_ref());
            let invited = store.invite(&invitation, &notification, expected, record).await?;
            if let Some(created) = invited {
                return Ok(created);
            }
            book = store.invitation_book(space, &hash).await?;
            refuse_flood(&book, &hash, now)?;
        }
    };
    let replay = create_once(key.as_ref(), hash.clone(), store_new, find).await?;
    if replay.is_none() {
        enqueue_if_soon(queue, [notification.timer()], now).await;
    }
    created(replay, &invitation, reply)
}

fn reply(invitation: &Invitation) -> Result<Reply, Problem> {
    Reply::json(StatusCode::CREATED, &view(invitation))
}

/// Limits invitations, to prevent abuse for bulk mail: the number of open ones, and the time between two to the same
/// address, even if the first was revoked.
fn refuse_flood(book: &InvitationBook, address_hash: &str, now: Timestamp) -> Result<(), Problem> {
    if book.last_invited.is_some_and(|at| now < at + INVITATION_PAUSE) {
        let minutes = INVITATION_PAUSE.as_mins();
        let detail =
            format!("This address was invited less than {minutes} minutes ago: try again later.");
        return Err(Problem::conflict("invited_recently", detail));
    }
    let open = book.invitations.iter().filter(|invitation| invitation.expires_at > now);
    if open.filter(|other| other.email.hash() != address_hash).count() >= MAX_INVITATIONS {
        let detail = format!(
            "The space has {MAX_INVITATIONS} open invitations, which is the limit: revoke one."
        );
        return Err(Problem::conflict("too_many_invitations", detail));
    }
    Ok(())
}
