//! Returns an account, for operators.

use http::StatusCode;
use taskbell_domain::{ports::Profiles, user::OperatorSecondFactor};

use super::{account_view, require_operator};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-user",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/users/{user_id}",
    operations: &[Operation {
        method: "GET",
        summary: "Get an account",
        description: "Returns one account.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Account"))],
        errors: &[],
    }],
};

/// Responds with the account.
pub async fn handle(
    call: &Call<'_>,
    store: &impl Profiles,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let user = async { Ok::<_, Problem>(store.user(call.path_id("user_id")?).await?) };
    let (_, user) = while_checked(require_operator(store, caller, second_factor), user).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    Reply::json(StatusCode::OK, &account_view(&user))
}
