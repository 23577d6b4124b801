//! Lists the members of a space.

use taskbell_domain::{api_token::ApiScope, policy::Action, ports::SpaceReads};

use super::{member_view, shared};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, whole_list},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-members",
    tag: Tag::Members,
    access: Access::User(Programs::WithScope(ApiScope::SpacesRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/members",
    operations: &[Operation {
        method: "GET",
        summary: "List members",
        description: "Returns all members of a shared space with their names and roles.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("Member"))],
        errors: &["personal_space", "validation_failed"],
    }],
};

/// Responds with all members, in order of registration.
pub async fn handle(call: &Call<'_>, store: &impl SpaceReads) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let space = call.path_id("space_id")?;
    let (_, members) =
        while_checked(shared(store, caller, space, Action::ReadSpace), store.members(space)).await?;
    let items: Vec<_> = members.iter().map(|(member, user)| member_view(member, user)).collect();
    whole_list(&items)
}
