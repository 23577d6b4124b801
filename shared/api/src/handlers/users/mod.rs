//! Accounts, as operators manage them.

pub mod delete_user;
pub mod get_user;
pub mod invite_user;
pub mod list_users;
pub mod update_user;

use http::StatusCode;
use serde_json::{Value, json};
use taskbell_domain::{
    ports::Profiles,
    user::{AccountRole, OperatorSecondFactor, User},
};

use crate::http::{Caller, Problem};

/// Rejects callers who are not operators, and operators without a second factor if the stack requires one.
pub(super) async fn require_operator(
    store: &impl Profiles,
    caller: Caller,
    second_factor: OperatorSecondFactor,
) -> Result<User, Problem> {
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    let is_required = second_factor == OperatorSecondFactor::Required;
    match user.role {
        AccountRole::Operator if is_required && user.second_factor_at.is_none() => {
            let detail = "Operators of this stack need a second factor: add one to your account.";
            Err(Problem::new(StatusCode::FORBIDDEN, "second_factor_missing", detail))
        }
        AccountRole::Operator => Ok(user),
        AccountRole::User => {
            let detail = "Only operators can do this.";
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
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
