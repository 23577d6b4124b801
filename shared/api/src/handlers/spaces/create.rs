//! `POST /v1/spaces`: makes a space that can be shared. Three calls.

use http::{StatusCode, header};
use taskbell_domain::{
    clock::{Clock, Random},
    id::SpaceId,
    ports::SpaceChanges,
    space::Space,
    text::SpaceName,
};

use super::{space_view, too_many};
use crate::http::{Call, Fields, Problem, Reply, read};

/// Creates; answers 201 with the space. The caller owns it.
///
/// # Errors
/// 401, 409 `too_many_spaces`, 422, and those of every body.
pub async fn handle(
    call: &Call,
    store: &impl SpaceChanges,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let name = fields.required("name", read::text(SpaceName::parse));
    let name = fields.finish(name)?;
    too_many(store, caller.user).await?;
    let id = SpaceId::generate(clock, random);
    let (space, owner) = Space::create(id, name, caller.user, clock.now());
    call.admitted().await?;
    store.create_space(&space, &owner).await?;
    Reply::json(StatusCode::CREATED, &space_view(&space, owner.role))?
        .with(header::LOCATION, &format!("/v1/spaces/{id}"))
}
