//! Accounts, as operators manage them.

pub mod get_user;
pub mod list_users;
pub mod update_user;

use http::StatusCode;
use serde_json::{Value, json};
use taskbell_domain::{
    ports::{AccessChanges, Profiles},
    rate_limit::RateLimit,
    user::{AccountRole, User},
};

use crate::{
    http::{Problem, disabled},
    tokens::Identity,
    update::Attempts,
};

/// The rate limit of requests per user. Only its name is used here.
pub(super) const REQUESTS: RateLimit = RateLimit::requests(1);

/// Rejects blocked callers and those with a revoked token. The guard lets requests pass when recording fails, so what only
/// operators may do checks the profile again.
///
/// # Errors
/// 401 `unauthorized`, 403 `account_disabled`.
pub(super) fn check_account(user: &User, caller: Identity) -> Result<(), Problem> {
    if user.disabled_at.is_some() {
        return Err(disabled());
    }
    if user.tokens_valid_from.is_some_and(|from| caller.issued_at < from) {
        return Err(Problem::unauthorized());
    }
    Ok(())
}

/// Rejects callers who are not operators.
pub(super) async fn require_operator(store: &impl Profiles, caller: Identity) -> Result<User, Problem> {
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    check_account(&user, caller)?;
    match user.role {
        AccountRole::Operator => Ok(user),
        AccountRole::User => {
            let detail = "Only operators can do this.";
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
        }
    }
}

/// Copies the blocked state and the token cutoff from a profile to the rate limit item that the guard reads. Reads the
/// profile again afterwards, until both agree. Returns the profile.
///
/// # Errors
/// 404, 409 `busy`.
pub(super) async fn store_access(store: &impl AccessChanges, mut user: User) -> Result<User, Problem> {
    let access = |user: &User| (user.disabled_at.is_some(), user.tokens_valid_from);
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        store.store_access(&user, &REQUESTS).await?;
        let stored = access(&user);
        user = store.user(user.id).await?.ok_or_else(Problem::not_found)?;
        if access(&user) == stored {
            return Ok(user);
        }
    }
}

/// An account, as operators see it, without its tasks.
fn account_view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "role": user.role,
        "disabled_at": user.disabled_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}
