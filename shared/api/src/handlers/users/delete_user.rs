//! Deletes an account. For operators.

use taskbell_domain::{
    email::EmailAddress,
    ports::{Notifications, PushQueue, RegistrationInvitations},
    user::{AccountRole, OperatorSecondFactor, User},
};

use super::require_operator;
use crate::{
    access::while_checked,
    account_deletion::{DeletionStore, previous_addresses},
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::deletion,
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-user",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/users/{user_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete an account",
        description: "Deletes the account of a user, as the user can do it. A space whose last owner it is and that has other members passes to the one with the highest role, and of those to the one who joined first.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &["own_account", "stack_operator", "busy"],
    }],
};

/// Deletes the account, unless it is the caller's own or that of the stack's operator.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl DeletionStore + Notifications + RegistrationInvitations),
    queue: &impl PushQueue,
    operator: Option<&EmailAddress>,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let user = async {
        let id = call.path_id("user_id")?;
        Ok::<_, Problem>(store.user(id).await?)
    };
    let (_, user) = while_checked(require_operator(store, caller, second_factor), user).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    if user.id == caller.user {
        let detail = "Delete your own account with your password (DELETE /v1/me).";
        return Err(Problem::conflict("own_account", detail));
    }
    let may_delete = |user: &User| {
        // As in update-user: the address alone protects nobody.
        let has_address = operator.map(EmailAddress::canonical) == Some(user.email.canonical());
        if has_address && user.role == AccountRole::Operator {
            let detail = "The operator that the stack was deployed with cannot be deleted by others.";
            return Err(Problem::conflict("stack_operator", detail));
        }
        Ok(())
    };
    may_delete(&user)?;
    call.admit().await?;
    // Or the user could register again, also with an address that was changed in the last 72 hours.
    let mut addresses = previous_addresses(store, &user).await?;
    addresses.push(user.email.clone());
    for address in addresses {
        store.revoke_registration(&address.hash()).await?;
    }
    deletion::delete(call, store, queue, user, may_delete).await
}
