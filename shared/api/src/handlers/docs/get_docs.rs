//! Serves a reference page for the OpenAPI document.

use http::{StatusCode, header};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-docs",
    tag: Tag::Service,
    access: Access::Public,
    rate_limit: RequestLimit::None,
    path: "/docs",
    operations: &[Operation {
        method: "GET",
        summary: "Show the reference page",
        description: "Returns an HTML page that renders the OpenAPI document.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Html)],
        errors: &[],
    }],
};

/// The page. It loads one script, Redoc, in a pinned version with its hash (Subresource Integrity).
const PAGE: &str = include_str!("page.html");

/// The content security policy: it allows the script, the document, and what the script creates itself.
const POLICY: &str = "default-src 'none'; script-src https://cdn.jsdelivr.net/npm/redoc@2.5.2/; \
    style-src 'unsafe-inline'; img-src data:; connect-src 'self'; worker-src blob:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Responds with the page.
pub async fn handle(_: &Call<'_>) -> Result<Reply, Problem> {
    Reply::html(StatusCode::OK, PAGE.to_owned()).with(header::CONTENT_SECURITY_POLICY, POLICY)
}
