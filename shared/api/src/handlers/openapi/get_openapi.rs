//! The API as an OpenAPI 3.1 document.

use http::{StatusCode, header};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, GZIP, Problem, Reply, accepts, is_known},
    openapi::{COMPRESSED, DOCUMENT, ETAG},
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
        description: "Returns the OpenAPI 3.1 document of this API, compressed if the client accepts gzip. It can be cached; with `If-None-Match` the response to an unchanged document is 304.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Document), (304, Body::Empty)],
        errors: &["invalid_header"],
    }],
};

/// Responds with the document, or with 304 if the client has it.
pub async fn handle(call: &Call<'_>) -> Result<Reply, Problem> {
    let reply = match (is_known(call, ETAG)?, accepts(call, GZIP)) {
        (true, _) => Reply::empty(StatusCode::NOT_MODIFIED),
        (false, true) => Reply::compressed("application/json", GZIP, COMPRESSED)?,
        (false, false) => Reply::json_text(DOCUMENT),
    };
    reply.with(header::ETAG, ETAG)?.with(header::CACHE_CONTROL, "public, max-age=300")
}
