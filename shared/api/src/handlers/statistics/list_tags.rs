//! Lists the tags of a space.

use taskbell_domain::{api_token::ApiScope, ports::StatisticsReads, statistics::CounterGroups};

use super::names;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, CursorKey, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-tags",
    tag: Tag::Statistics,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tags",
    operations: &[Operation {
        method: "GET",
        summary: "List tags",
        description: "Returns the tags used in a space with the number of open and completed tasks of each. The numbers follow changes within seconds.",
        parameters: &["space", "limit", "cursor"],
        request: None,
        responses: &[(200, Body::Page("NameCount"))],
        errors: &["not_found"],
    }],
};

/// Responds with a page of tags by name, each with its number of open and completed tasks.
pub async fn handle(
    call: &Call<'_>,
    store: &impl StatisticsReads,
    key: &CursorKey,
) -> Result<Reply, Problem> {
    names(call, store, key, CounterGroups::Tags).await
}
