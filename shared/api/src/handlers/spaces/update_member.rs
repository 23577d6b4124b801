//! Changes the role of a member.

use futures_util::try_join;
use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    membership::MemberChange,
    policy::{Action, permits_role},
    ports::{Profiles, SpaceChanges},
    space::{Member, Role},
};

use super::{member_id, member_view, shared};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-member",
    tag: Tag::Members,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/members/{user_id}",
    operations: &[Operation {
        method: "PATCH",
        summary: "Change a member's role",
        description: "Gives a member another role. Admins manage viewers and members; owners manage all. A space keeps at least one owner.",
        parameters: &[],
        request: Some("UpdateMemberRequest"),
        responses: &[(200, Body::Json("Member"))],
        errors: &["forbidden", "personal_space", "last_owner", "busy"],
    }],
};

/// Responds with the member.
pub async fn handle(call: &Call<'_>, store: &(impl SpaceChanges + Profiles)) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let role = fields.required("role", read::text(Role::parse));
    let role = fields.finish(role)?;
    let (id, user) = (call.path_id("space_id")?, member_id(call, caller)?);
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let reads = async { try_join!(store.space_and_member(id, user), store.user(user)) };
        let ((mut space, me), (found, profile)) =
            while_checked(shared(store, caller, id, Action::ManageMembers), reads).await?;
        let (_, member) = found.ok_or_else(Problem::not_found)?;
        if !permits_role(me.role, Some(member.role), Some(role)) {
            return Err(Problem::forbidden());
        }
        call.admit().await?;
        let (read, change) = (space.version, MemberChange::Role(member, role));
        let done = member.role == role || {
            space.apply(&change, now).map_err(Problem::refused)?;
            store.change_member(&space, read, &change).await?
        };
        if done {
            let profile = profile.ok_or_else(Problem::not_found)?;
            return Reply::json(StatusCode::OK, &member_view(&Member { role, ..member }, &profile));
        }
    }
}
