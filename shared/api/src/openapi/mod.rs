//! The API as an OpenAPI 3.1 document, made from the endpoints ([`crate::endpoint`]), the schemas, and the examples.
//! `openapi.json` beside this file is the document as it is served; a test keeps it current.

mod operations;
mod parameters;
mod responses;
pub mod schemas;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::endpoint::{ENDPOINTS, Tag};
use operations::describe;
use responses::{Responses, headers};

/// The document as `GET /v1/openapi.json` serves it.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// One request and its answer for each operation, by operation id: recorded by a test from the files in `events/`.
const EXAMPLES: &str = include_str!("examples.json");

const INTRODUCTION: &str = "Tasks with reminders by email.

**Authentication.** Register, log in, and send the access token as `Authorization: Bearer <token>`. It is valid for \
15 minutes; the refresh token works once and gives a new pair.

**Errors** are `application/problem+json` (RFC 9457). Branch on `code`; with 422, `errors` names every field that is \
wrong. What exists but is not visible to the caller is answered like what does not exist: 404.

**Rate limits** are reported in `RateLimit` and `RateLimit-Policy`; a request over the limit is answered with 429 and \
`Retry-After`.

**Retries.** Send an `Idempotency-Key` with every POST that creates: repeated within 24 hours, the request creates \
nothing twice.

**HEAD** is answered wherever GET is, without content. Every response has `X-Request-Id` and is `no-store`, unless \
said otherwise.";

/// Builds the document.
pub fn document() -> Value {
    // The examples are JSON: a test records them.
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let mut responses = Responses::default();
    let mut paths = BTreeMap::<_, Map<String, Value>>::new();
    for endpoint in ENDPOINTS {
        for operation in endpoint.operations {
            let described = describe(endpoint, operation, &examples, &mut responses);
            paths.entry(endpoint.path).or_default().insert(operation.method.to_lowercase(), described);
        }
    }
    // In the order of the reference, not of the alphabet.
    let order = ENDPOINTS.iter().filter_map(|endpoint| paths.remove_entry(endpoint.path));
    let paths: Map<String, Value> =
        order.map(|(path, item)| (path.to_owned(), Value::Object(item))).collect();
    let tags = Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.description() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Taskbell API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Tasks, and reminders that are never lost and never sent twice.",
            "description": INTRODUCTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "The stack that serves this document." }],
        "security": [{ "access_token": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "parameters": parameters::all(),
            "headers": headers(),
            "responses": responses.shared(),
            "securitySchemes": {
                "access_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a session (EdDSA), valid for 15 minutes.",
                },
            },
        },
    })
}

/// A reference to a schema.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
