//! Reports that the API responds. It calls no other service.

use http::StatusCode;
use serde_json::json;

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-health",
    tag: Tag::Service,
    access: Access::Public,
    rate_limit: RequestLimit::None,
    path: "/v1/health",
    operations: &[Operation {
        method: "GET",
        summary: "Check that the API responds",
        description: "Responds without calling any other service.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Health"))],
        errors: &[],
    }],
};

/// Responds with `{"status": "ok"}`.
pub async fn handle(_: &Call<'_>) -> Result<Reply, Problem> {
    Reply::json(StatusCode::OK, &json!({ "status": "ok" }))
}
