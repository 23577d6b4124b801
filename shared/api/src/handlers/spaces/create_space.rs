//! Makes a space that can be shared. Three calls.

use http::{StatusCode, header};
use taskbell_domain::{
    clock::{Clock, Random},
    id::SpaceId,
    ports::{Created, SpaceChanges},
    space::{Role, Space},
    text::SpaceName,
};

use super::{room_for_one, space_view};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::{
        TRIES,
        idempotency::{Key, replayed},
    },
    http::{Call, Fields, Params, Problem, Reply, read},
    tokens::Identity,
};

/// What the endpoint is.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-space",
    tag: Tag::Spaces,
    access: Access::User,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/spaces",
    operations: &[Operation {
        method: "POST",
        summary: "Create a space",
        description: "Creates a space that can be shared. The caller becomes its owner.",
        parameters: &["Idempotency-Key"],
        request: Some("CreateSpaceRequest"),
        responses: &[(201, Body::Json("Space"))],
        errors: &["too_many_spaces", "already_deleted", "busy"],
    }],
};

/// Creates; answers 201 with the space. The caller owns it.
pub async fn handle(
    call: &Call,
    store: &impl SpaceChanges,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let name = fields.required("name", read::text(SpaceName::parse));
    let name = fields.finish(name)?;
    let now = clock.now();
    let key = Key::of(call, caller.user, &[call.json()?], now)?;
    if let Some(key) = &key
        && let Some(made) = key.find_replay(store).await?
    {
        return find_replay(store, caller, made).await;
    }
    let id = SpaceId::generate(clock, random);
    let (space, owner) = Space::create(id, name, caller.user, now);
    let record = key.as_ref().map(|key| key.record(&id, StatusCode::CREATED.as_u16()));
    for _ in 0..TRIES {
        let memberships = room_for_one(store, caller.user).await?;
        call.admit().await?;
        match store.create_space(&space, &owner, Some(memberships), record.as_ref()).await? {
            Some(Created::Stored) => return made(&space, owner.role),
            Some(Created::Replayed(used)) => {
                let key = key.as_ref().ok_or_else(Problem::internal)?;
                return find_replay(store, caller, key.resource_id(&used)?).await;
            }
            None => {}
        }
    }
    Err(Problem::busy())
}

fn made(space: &Space, role: Role) -> Result<Reply, Problem> {
    Reply::json(StatusCode::CREATED, &space_view(space, role))?
        .with(header::LOCATION, &format!("/v1/spaces/{}", space.id))
}

async fn find_replay(
    store: &impl SpaceChanges,
    caller: Identity,
    id: SpaceId,
) -> Result<Reply, Problem> {
    let found = store.space_and_member(id, caller.user).await?;
    let found = found.filter(|(space, _)| !space.deleting);
    replayed(found.map(|(space, member)| made(&space, member.role)).transpose()?)
}
