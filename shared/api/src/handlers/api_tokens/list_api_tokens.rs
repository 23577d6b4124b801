//! Lists the caller's API tokens.

use taskbell_domain::ports::{ApiTokenChanges, Profiles};

use super::{token_view, valid};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, whole_list},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-api-tokens",
    tag: Tag::ApiTokens,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/tokens",
    operations: &[Operation {
        method: "GET",
        summary: "List API tokens",
        description: "Returns the caller's API tokens that are valid, oldest first, each with the day (UTC) on which it was last used.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("ApiToken"))],
        errors: &["validation_failed"],
    }],
};

/// Responds with the valid tokens.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ApiTokenChanges + Profiles),
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let (user, list) = futures_util::try_join!(store.user(caller.user), store.api_tokens(caller.user))?;
    let tokens = valid(list, &user.ok_or_else(Problem::unauthorized)?, call.now());
    let items: Vec<_> = tokens.iter().map(|(token, used)| token_view(token, *used)).collect();
    whole_list(&items)
}
