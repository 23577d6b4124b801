//! Renames a space.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    policy::Action,
    ports::{Replaced, SpaceChanges},
    text::SpaceName,
};

use super::{shared, space_view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-space",
    tag: Tag::Spaces,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}",
    operations: &[Operation {
        method: "PATCH",
        summary: "Rename a space",
        description: "Changes the name of a shared space. Requires the admin or owner role.",
        parameters: &[],
        request: Some("UpdateSpaceRequest"),
        responses: &[(200, Body::Json("Space"))],
        errors: &["forbidden", "personal_space", "busy"],
    }],
};

/// Responds with the space.
pub async fn handle(call: &Call<'_>, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let name = fields.changed("name", read::text(SpaceName::parse));
    let name = fields.finish(Some(name))?;
    let id = call.path_id("space_id")?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let (mut space, me) = shared(store, caller, id, Action::RenameSpace).await?;
        let read = space.version;
        let renamed = name.clone().is_some_and(|name| space.rename(name, now));
        call.admit().await?;
        if !renamed || store.replace_space(&space, read).await? == Replaced::Stored {
            return Reply::json(StatusCode::OK, &space_view(&space, me.role));
        }
    }
}
