//! `PATCH /v1/users/{user_id}`: disables or enables an account, or changes its role; for operators.

use http::StatusCode;
use taskbell_domain::{
    clock::Clock,
    email::EmailAddress,
    limit::Limit,
    ports::{Accounts, Replaced},
    user::{AccountRole, User, UserPatch},
};

use super::{account_view, require_operator, user_id};
use crate::{
    handlers::TRIES,
    http::{Call, Fields, Problem, Reply, read},
};

/// Changes what the patch names. Whoever is disabled is shut out at once: no token works, no session goes on, nobody
/// logs in, no mail is sent. Sent again, it finishes what was cut off.
///
/// # Errors
/// 401, 403, 404, 409 `own_account`, `stack_operator` or `busy`, 422, and those of every body.
pub async fn handle(
    call: &Call,
    store: &impl Accounts,
    operator: Option<&EmailAddress>,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let patch = UserPatch {
        role: fields.changed("role", read::text(AccountRole::parse)),
        disabled: fields.changed("disabled", read::boolean),
        ..UserPatch::default()
    };
    let patch = fields.finish(Some(patch))?;
    require_operator(store, caller).await?;
    let id = user_id(call)?;
    let mut user = store.user(id).await?.ok_or_else(Problem::not_found)?;
    if id == caller.user {
        let detail = "Another operator has to do that.";
        return Err(Problem::conflict("own_account", detail));
    }
    if operator.map(EmailAddress::canonical) == Some(user.email.canonical()) {
        let detail = "It is the account of the stack's operator: so one remains who can make others.";
        return Err(Problem::conflict("stack_operator", detail));
    }
    call.admitted().await?;
    for _ in 0..TRIES {
        let read = user.version;
        if !user.apply(patch.clone(), now)
            || store.replace_user(&user, read, None).await? == Replaced::Done
        {
            if patch.disabled.is_some() {
                user = shut_out(store, user).await?;
            }
            tracing::info!(operator = %caller.user, user = %id, disabled = ?patch.disabled, role = ?patch.role, "account changed");
            return Reply::json(StatusCode::OK, &account_view(&user));
        }
        user = store.user(id).await?.ok_or_else(Problem::not_found)?;
    }
    Err(Problem::busy())
}

/// Lets counting and sessions say what the profile says. Another operator may change that meanwhile, so it is read
/// again afterwards, until both agree.
async fn shut_out(store: &impl Accounts, mut user: User) -> Result<User, Problem> {
    for _ in 0..TRIES {
        let disabled = user.disabled_at.is_some();
        // All their requests are counted under this name, however many there may be.
        store.shut_out(user.id, &Limit::requests(1), disabled).await?;
        if disabled {
            store.close_sessions(user.id).await?;
        }
        user = store.user(user.id).await?.ok_or_else(Problem::not_found)?;
        if user.disabled_at.is_some() == disabled {
            return Ok(user);
        }
    }
    Err(Problem::busy())
}
