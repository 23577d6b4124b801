//! Lists the open invitations of a space.

use taskbell_domain::{api_token::ApiScope, policy::Action, ports::SpaceReads};

use super::view;
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::spaces::shared,
    http::{Call, Params, Problem, Reply, whole_list},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-invitations",
    tag: Tag::Invitations,
    access: Access::User(Programs::WithScope(ApiScope::SpacesRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/invitations",
    operations: &[Operation {
        method: "GET",
        summary: "List open invitations",
        description: "Returns the open invitations of a shared space. Requires the admin or owner role.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("Invitation"))],
        errors: &["forbidden", "personal_space", "validation_failed"],
    }],
};

/// Responds with all open invitations, newest first.
pub async fn handle(call: &Call<'_>, store: &impl SpaceReads) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let space = call.path_id("space_id")?;
    let (_, mut open) =
        while_checked(shared(store, caller, space, Action::ManageMembers), store.invitations(space))
            .await?;
    open.retain(|invitation| invitation.expires_at > now);
    open.sort_by_key(|invitation| std::cmp::Reverse(invitation.created_at));
    let items: Vec<_> = open.iter().map(view).collect();
    whole_list(&items)
}
