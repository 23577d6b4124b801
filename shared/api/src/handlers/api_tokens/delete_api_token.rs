//! Deletes an API token.

use http::StatusCode;
use taskbell_domain::ports::{ApiTokenChanges, ApiTokens};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "delete-api-token",
    tag: Tag::ApiTokens,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/tokens/{token_id}",
    operations: &[Operation {
        method: "DELETE",
        summary: "Delete an API token",
        description: "Deletes a token. Requests with it get 401 from then on.",
        parameters: &[],
        request: None,
        responses: &[(204, Body::Empty)],
        errors: &[],
    }],
};

/// Responds 204. The token is not valid from then on, and its owner is not reminded of its expiry.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ApiTokenChanges + ApiTokens),
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let found = store.api_token(caller.user, call.path_id("token_id")?).await?;
    let token = found.ok_or_else(Problem::not_found)?;
    call.admit().await?;
    store.delete_api_token(&token).await?;
    tracing::info!(token = %token.id, "API token deleted");
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
