//! Deletes the caller's account.

use http::StatusCode;
use taskbell_domain::{
    ports::{Credentials, PushQueue, RateLimits},
    space::Role,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    erasure::{ErasureStore, delete_profile, erase},
    handlers::{before_deadline, own_password},
    http::{Call, Fields, Params, Problem, Reply, read},
    log_id::log_id,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-account",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete the account",
        description: "Deletes the caller's account. At once, its sessions and tokens end, it gets no more email, and its address is free. Within minutes, its personal space, memberships and assignments are deleted; comments and tasks in shared spaces stay. The last owner of a space with other members must make one of them an owner first. The password is required.",
        parameters: &[],
        request: Some("DeleteAccountRequest"),
        responses: &[(204, Body::Empty)],
        errors: &["last_owner", "busy"],
    }],
};

/// Responds 204 once the profile is deleted. What is not deleted before the deadline is deleted by `finish-deletions`.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ErasureStore + Credentials + RateLimits),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let password = fields.required("password", read::any_text);
    let password = fields.finish(password)?;
    call.admit().await?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    let spaces = store.spaces_of(user.id).await?;
    let is_needed = |(space, role): &&(_, Role)| is_last_owner(space, *role);
    if let Some((space, _)) = spaces.iter().find(is_needed) {
        let detail = format!(
            "You are the last owner of {}, which has other members: make one of them an owner, or delete the space.",
            space.id
        );
        return Err(Problem::conflict("last_owner", detail));
    }
    let id = user.id;
    delete_profile(store, user, now).await?;
    tracing::info!(user = log_id(id), "account deleted");
    if let Err(problem) = before_deadline(call, erase(store, queue, id, (now, random))).await {
        tracing::info!(code = problem.code, "the deletion of an account continues later");
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn is_last_owner(space: &taskbell_domain::space::Space, role: Role) -> bool {
    role == Role::Owner && space.owner_count <= 1 && space.member_count > 1
}
