//! Accepts an invitation to a space.

use futures_util::try_join;
use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope, invitation::InvitationToken, membership::MemberChange, policy::permits_role,
    ports::SpaceChanges, space::Member,
};

use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::spaces::{room_for_one, space_view},
    http::{Call, Fields, Problem, Reply, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "accept-invitation",
    tag: Tag::Invitations,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/invitations/accept",
    operations: &[Operation {
        method: "POST",
        summary: "Accept an invitation",
        description: "Adds the caller to the space of the invitation. Anyone with the token can accept it; the account can have a different email address.",
        parameters: &[],
        request: Some("AcceptInvitationRequest"),
        responses: &[(200, Body::Json("Space"))],
        errors: &[
            "forbidden",
            "invalid_invitation",
            "already_member",
            "space_full",
            "too_many_spaces",
            "busy",
        ],
    }],
};

/// Adds the caller to the space and responds with the space. The token decides: the caller's email address can differ
/// from the invited one.
pub async fn handle(call: &Call<'_>, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    caller.refuse_confined()?;
    let mut fields = Fields::of(call)?;
    let text = fields.required("token", read::any_text);
    let text = fields.finish(text)?;
    let invalid = || {
        let detail = "The invitation is invalid, expired or already used: ask for a new one.";
        Problem::new(StatusCode::NOT_FOUND, "invalid_invitation", detail)
    };
    let token = InvitationToken::parse(&text).ok_or_else(invalid)?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let invited = async {
            let (invitation, space, own_role) = try_join!(
                store.invitation(token.space, &token.address_hash),
                store.space(token.space),
                store.role(token.space, caller.user),
            )?;
            let invitation = invitation.filter(|found| found.accepts(&token));
            let invitation = invitation.filter(|found| found.expires_at > now).ok_or_else(invalid)?;
            let space = space.filter(|space| !space.deleting).ok_or_else(invalid)?;
            if own_role.is_some() {
                let detail = "You are already a member of this space.";
                return Err(Problem::conflict("already_member", detail));
            }
            let (inviter_role, inviter) = try_join!(
                store.role(space.id, invitation.invited_by),
                store.user(invitation.invited_by)
            )?;
            Ok((invitation, space, inviter_role, inviter))
        };
        let (memberships, (invitation, mut space, inviter_role, inviter)) =
            while_checked(room_for_one(store, caller.user), invited).await?;
        let role = invitation.role;
        // The inviter must still be allowed to invite: not removed, blocked or demoted.
        let is_active = inviter.is_some_and(|inviter| inviter.disabled_at.is_none());
        if !is_active
            || !inviter_role.is_some_and(|inviter_role| permits_role(inviter_role, None, Some(role)))
        {
            return Err(invalid());
        }
        let member = Member { space: space.id, user: caller.user, role, joined_at: now };
        call.admit().await?;
        let (read, change) = (space.version, MemberChange::Join(member, invitation, Some(memberships)));
        space.apply(&change, now).map_err(Problem::refused)?;
        if store.change_member(&space, read, &change).await? {
            return Reply::json(StatusCode::OK, &space_view(&space, role));
        }
    }
}
