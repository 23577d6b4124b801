//! Deletes the caller's account.

use taskbell_domain::{
    ports::{Credentials, Notifications, PushQueue, RateLimits},
    space::{Role, Space},
};

use crate::{
    account_deletion::DeletionStore,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::{deletion, own_password},
    http::{Call, Fields, Params, Problem, Reply, check_state, read},
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

/// Verifies the password, and deletes the account unless a space with others would be left without an owner.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl DeletionStore + Notifications + Credentials + RateLimits),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let password = fields.required("password", read::any_text);
    let password = fields.finish(password)?;
    call.admit().await?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    let spaces = store.spaces_of(user.id).await?;
    let is_needed =
        |(space, role): &&(Space, Role)| space.is_last_owner(*role) && space.member_count > 1;
    if let Some((space, _)) = spaces.iter().find(is_needed) {
        let detail = format!(
            "You are the last owner of {}, which has other members: make one of them an owner, or delete the space.",
            space.id
        );
        return Err(Problem::conflict("last_owner", detail));
    }
    // A reset or a change of the password, and a block, revoke the token: the password that was verified may be another's.
    deletion::delete(call, store, queue, user, |user| check_state(user.state(), caller)).await
}
