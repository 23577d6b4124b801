//! Revokes an invitation.

use http::StatusCode;
use taskbell_domain::{api_token::ApiScope, policy::Action, ports::SpaceChanges};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::spaces::shared,
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "revoke-invitation",
    tag: Tag::Invitations,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}/invitations/{invitation_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Revoke an invitation",
        description: "Revokes an open invitation. Its token stops working at once.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden", "personal_space"],
    }],
};

/// Responds 204, also if the invitation does not exist. The token in a mail that is still queued does not work.
pub async fn handle(call: &Call<'_>, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (space, _) = shared(store, caller, call.path_id("space_id")?, Action::ManageMembers).await?;
    let id = call.path("invitation_id");
    if id.len() != 64 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::not_found());
    }
    call.admit().await?;
    store.revoke(space.id, id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
