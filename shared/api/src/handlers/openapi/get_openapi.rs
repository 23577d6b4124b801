//! The API as an OpenAPI 3.1 document.

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    openapi::DOCUMENT,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-openapi",
    tag: Tag::Service,
    access: Access::Public,
    rate_limit: RequestLimit::None,
    path: "/v1/openapi.json",
    operations: &[Operation {
        method: "GET",
        summary: "Get this document",
        description: "Returns the OpenAPI 3.1 document of this API.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Document)],
        errors: &[],
    }],
};

/// Responds with [`DOCUMENT`].
pub async fn handle(_: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json_text(DOCUMENT))
}
