//! Blocks or unblocks an account, or changes its role. For operators.

use http::StatusCode;
use taskbell_domain::{
    email::EmailAddress,
    ports::{Accounts, LiveConnections, PushQueue},
    user::{AccountRole, OperatorSecondFactor, UserPatch},
};

use super::{account_view, require_operator};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    live::end_connections,
    log_id::log_id,
    update::Update,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-user",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/users/{user_id}",
    operations: &[Operation {
        method: "PATCH",
        summary: "Block an account or change its role",
        description: "Blocks or unblocks an account, or changes its role. A blocked account can no longer use the API, and gets no email.",
        parameters: &[],
        request: Some("UpdateAccountRequest"),
        responses: &[(200, Body::Json("Account"))],
        errors: &["own_account", "stack_operator", "busy"],
    }],
};

/// Applies the patch. A block takes effect at once: tokens stop working, sessions and live connections end, log-ins are rejected and no mail
/// is sent. A role change invalidates earlier access tokens. A repeated request completes one that was interrupted.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Accounts + LiveConnections),
    queue: &impl PushQueue,
    operator: Option<&EmailAddress>,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let patch = UserPatch {
        role: fields.changed("role", read::text(AccountRole::parse)),
        disabled: fields.changed("disabled", read::boolean),
        ..UserPatch::default()
    };
    let patch = fields.finish(Some(patch))?;
    let user = async {
        let id = call.path_id("user_id")?;
        Ok::<_, Problem>((id, store.user(id).await?))
    };
    let (_, (id, user)) = while_checked(require_operator(store, caller, second_factor), user).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    if id == caller.user {
        let detail = "You cannot block yourself or change your own role: ask another operator.";
        return Err(Problem::conflict("own_account", detail));
    }
    // The address alone protects nobody: an account can change to it.
    let has_address = operator.map(EmailAddress::canonical) == Some(user.email.canonical());
    if has_address && user.role == AccountRole::Operator {
        let detail = "The operator that the stack was deployed with cannot be blocked or demoted.";
        return Err(Problem::conflict("stack_operator", detail));
    }
    call.admit().await?;
    let mut update = Update::of(Some(user));
    while let Some((mut user, expected)) = update.attempt()? {
        if !user.apply(patch.clone(), call.now())
            || update.is_stored(store.replace_user(&user, expected, None).await?)
        {
            if user.disabled_at.is_some() {
                store.close_sessions(user.id).await?;
                end_connections(store, queue, user.id, |_| true).await?;
            }
            tracing::info!(operator = log_id(caller.user), user = log_id(id), disabled = ?patch.disabled, role = ?patch.role, "account changed");
            return Reply::json(StatusCode::OK, &account_view(&user));
        }
    }
    Err(Problem::not_found())
}
