//! Lists the caller's spaces.

use taskbell_domain::{api_token::ApiScope, id::SpaceId, ports::Memberships};

use super::{personal_view, space_view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, whole_list},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-spaces",
    tag: Tag::Spaces,
    access: Access::User(Programs::WithScope(ApiScope::SpacesRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces",
    operations: &[Operation {
        method: "GET",
        summary: "List spaces",
        description: "Returns all spaces of the caller, the personal space first.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("Space"))],
        errors: &["validation_failed"],
    }],
};

/// Responds with all spaces of the caller, the personal space first.
pub async fn handle(call: &Call<'_>, store: &impl Memberships) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let shared = store.spaces_of(caller.user).await?;
    let shared = shared.iter().map(|(space, role)| (space.id, space_view(space, *role)));
    let personal = (SpaceId::personal(caller.user), personal_view(caller.user));
    let all = std::iter::once(personal).chain(shared);
    let items = all.filter(|(space, _)| caller.may_enter(*space)).map(|(_, view)| view);
    let items: Vec<_> = items.collect();
    whole_list(&items)
}
