//! Creates a shared space.

use http::{StatusCode, header};
use taskbell_domain::{
    api_token::ApiScope,
    id::SpaceId,
    ports::{IdempotencyRecord, SpaceChanges},
    space::{Role, Space},
    text::SpaceName,
};

use super::{room_for_one, space_view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::idempotency::{Key, create_once, created, find_replay, replayed},
    http::{Call, Fields, Params, Problem, Reply, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-space",
    tag: Tag::Spaces,
    access: Access::User(Programs::WithScope(ApiScope::SpacesWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces",
    operations: &[Operation {
        method: "POST",
        summary: "Create a space",
        description: "Creates a space that can be shared. The caller becomes its owner.",
        parameters: &["Idempotency-Key"],
        request: Some("CreateSpaceRequest"),
        responses: &[(201, Body::Json("Space"))],
        errors: &["forbidden", "too_many_spaces", "already_deleted", "busy"],
    }],
};

/// Responds 201 with the space. The caller becomes its owner.
pub async fn handle(call: &Call<'_>, store: &impl SpaceChanges) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    caller.refuse_confined()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let name = fields.required("name", read::text(SpaceName::parse));
    let name = fields.finish(name)?;
    let (now, random) = (call.now(), call.random());
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    let find = async |id| {
        let found = store.space_and_member(id, caller.user).await?;
        Ok(found.filter(|(space, _)| !space.deleting).map(|(space, member)| (space, member.role)))
    };
    // Find a replay first, because the caller may have reached the limit of spaces since.
    if let Some(before) = find_replay(key.as_ref(), store, find).await? {
        return replayed(made(&before));
    }
    let id = SpaceId::generate(call.clock(), random);
    let (space, owner) = Space::create(id, name, caller.user, now);
    let store_new = async |record: Option<IdempotencyRecord>| {
        let mut attempts = Attempts::new();
        loop {
            attempts.begin()?;
            let memberships = room_for_one(store, caller.user).await?;
            call.admit().await?;
            let record = record.as_ref();
            if let Some(created) = store.create_space(&space, &owner, Some(memberships), record).await?
            {
                return Ok(created);
            }
        }
    };
    let replay = create_once(key.as_ref(), id, store_new, find).await?;
    created(replay, &(space, owner.role), made)
}

fn made((space, role): &(Space, Role)) -> Result<Reply, Problem> {
    Reply::json(StatusCode::CREATED, &space_view(space, *role))?
        .with(header::LOCATION, &format!("/v1/spaces/{}", space.id))
}
