//! Invites somebody by e-mail. Three calls, and the mail is queued.

use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    clock::{Clock, Random},
    email::EmailAddress,
    id::{NotificationId, SpaceId},
    notification::{Notification, NotificationKind},
    policy::{Action, permits_role},
    ports::{Created, RateLimits, SpaceChanges, TimerQueue},
    rate_limit::{INVITATIONS, RateLimitKey},
    space::{INVITATION_LIFETIME, INVITATION_PAUSE, Invitation, InvitationBook, MAX_INVITATIONS, Role},
};

use super::view;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::{
        TRIES,
        idempotency::{Key, replayed},
        spaces::{shared, space_id},
    },
    http::{Call, Fields, Params, Problem, Reply, enforce_limit, read},
};

/// What the endpoint is.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "invite-member",
    tag: Tag::Invitations,
    access: Access::User,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/invitations",
    operations: &[Operation {
        method: "POST",
        summary: "Invite a member",
        description: "Mails an invitation to an email address, which need not have an account. It replaces an open invitation of the same address. The token is only in the email.",
        parameters: &["Idempotency-Key"],
        request: Some("InviteMemberRequest"),
        responses: &[(201, Body::Json("Invitation"))],
        errors: &[
            "forbidden",
            "personal_space",
            "already_member",
            "too_many_invitations",
            "invited_recently",
            "already_deleted",
            "busy",
        ],
    }],
};

/// Invites; answers 201 with the invitation, whose secret is in the mail only. An invitation takes the place of
/// an older one for the same address. Whether the address has an account is not told.
pub async fn handle(
    call: &Call,
    store: &(impl SpaceChanges + RateLimits),
    queue: &impl TimerQueue,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse));
    let role = fields.optional("role", read::text(Role::parse)).unwrap_or(Role::Member);
    let email = fields.finish(email)?;
    let (space, me) = shared(store, caller, space_id(call)?, Action::ManageMembers).await?;
    if !permits_role(me.role, None, Some(role)) {
        return Err(Problem::forbidden());
    }
    let sent = [space.id.body().into_bytes(), call.json()?.to_vec()];
    let key = Key::of(call, caller.user, &[&sent[0], &sent[1]], now)?;
    if let Some(key) = &key
        && let Some(address) = key.find_replay::<String>(store).await?
    {
        return find_replay(store, space.id, &address).await;
    }
    let content = NotificationKind::Invitation { to: email.clone(), space: space.id };
    let notification = Notification::new(NotificationId::generate(clock, random), content, now);
    let invitation = Invitation {
        space: space.id,
        email,
        role,
        invited_by: caller.user,
        notification: notification.id,
        secret_hash: None,
        created_at: now,
        expires_at: now + INVITATION_LIFETIME,
    };
    let hash = invitation.email.hash();
    let mut book = store.invitation_book(space.id, &hash).await?;
    refuse_flood(&book, &hash, now)?;
    enforce_limit(store, INVITATIONS, RateLimitKey::user(caller.user), 1, now).await?;
    call.admit().await?;
    let record = key.as_ref().map(|key| key.record(&hash, StatusCode::CREATED.as_u16()));
    for _ in 0..TRIES {
        match store.invite(&invitation, &notification, Some(book.version), record.as_ref()).await? {
            Some(Created::Stored) => {
                enqueue_if_soon(queue, [notification.timer()], now).await;
                return Reply::json(StatusCode::CREATED, &view(&invitation));
            }
            Some(Created::Replayed(used)) => {
                let key = key.as_ref().ok_or_else(Problem::internal)?;
                return find_replay(store, space.id, &key.resource_id::<String>(&used)?).await;
            }
            None => {
                book = store.invitation_book(space.id, &hash).await?;
                refuse_flood(&book, &hash, now)?;
            }
        }
    }
    Err(Problem::busy())
}

async fn find_replay(
    store: &impl SpaceChanges,
    space: SpaceId,
    address: &str,
) -> Result<Reply, Problem> {
    let found = store.invitation(space, address).await?;
    let found = found.map(|invitation| Reply::json(StatusCode::CREATED, &view(&invitation)));
    replayed(found.transpose()?)
}

/// Refuses what would make a mail cannon of the space: invitations without end, or again and again to the same
/// address, also if the one before was revoked.
fn refuse_flood(book: &InvitationBook, address_hash: &str, now: Timestamp) -> Result<(), Problem> {
    if book.last_invited.is_some_and(|at| now < at + INVITATION_PAUSE) {
        let minutes = INVITATION_PAUSE.as_mins();
        let detail = format!("This address was invited less than {minutes} minutes ago.");
        return Err(Problem::conflict("invited_recently", detail));
    }
    let open = book.invitations.iter().filter(|invitation| invitation.expires_at > now);
    if open.filter(|other| other.email.hash() != address_hash).count() >= MAX_INVITATIONS {
        let detail = format!("{MAX_INVITATIONS} invitations into this space are open: revoke one.");
        return Err(Problem::conflict("too_many_invitations", detail));
    }
    Ok(())
}
