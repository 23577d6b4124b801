//! Deletes a space and its contents.

use http::StatusCode;
use taskbell_domain::{
    api_token::ApiScope,
    policy::Action,
    ports::{Replaced, SpaceChanges},
    text::SpaceName,
    violation::Violation,
};

use super::{refuse_other, refuse_personal};
use crate::{
    access::authorize,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::before_deadline,
    http::{Call, Params, Problem, Reply},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-space",
    tag: Tag::Spaces,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces/{space_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete a space",
        description: "Deletes a shared space with all its tasks, comments and members. Requires the owner role. `name` must be the name of the space. A large space takes several requests: repeat the request while the response is 409 `not_finished`.",
        parameters: &["name"],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["forbidden", "personal_space", "not_finished", "busy"],
    }],
};

/// Deletes the space if `name` matches. Responds 204. The first write ends the access of all members. A space with very
/// many tasks takes several requests.
pub async fn handle(call: &Call<'_>, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let id = call.path_id("space_id")?;
    let mut params = Params::of(call);
    let name = params.optional("name", SpaceName::parse_trusted);
    params.finish()?;
    refuse_personal(caller, id)?;
    refuse_other(caller, id)?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        // This read also returns a space whose deletion was interrupted. Other reads do not.
        let found = store.space_and_member(id, caller.user).await?;
        let (mut space, me) = found.ok_or_else(Problem::not_found)?;
        authorize(Some(me.role), Action::DeleteSpace)?;
        if name.as_ref() != Some(&space.name) {
            let why = "To delete the space and its contents, give its current name.";
            return Err(Violation::new("not_confirmed", why).for_field("name").into());
        }
        call.admit().await?;
        let read = space.version;
        if !space.deleting {
            space.begin_deletion(now);
            if store.replace_space(&space, read).await? != Replaced::Stored {
                continue;
            }
        }
        before_deadline(call, async { Ok(store.purge_space(id).await?) }).await?;
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
}
