//! The OpenAPI 3.1 document, built from the endpoints ([`crate::endpoint`]), the schemas and the examples. The served
//! copy is `openapi.json` in this directory; a test keeps it current.

mod operations;
mod parameters;
mod responses;
pub mod schemas;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    endpoint::{ENDPOINTS, Tag},
    http::codes::{ERROR_CODES, FIELD_ERROR_CODES, LINE_ERROR_CODES},
};
use operations::describe;
pub use operations::operation_id;
use responses::headers;

/// The document that `GET /v1/openapi.json` returns.
pub const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The same, compressed with gzip.
pub const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// The entity tag of the document, compressed or not.
pub const ETAG: &str = concat!("W/\"", env!("OPENAPI_HASH"), "\"");

/// A request and its response for each operation, by operation id. A test records them from the files in `events/`.
const EXAMPLES: &str = include_str!("examples.json");

const INTRODUCTION: &str = "\
**Authentication.** Register, log in, and send the access token as `Authorization: Bearer <token>`. It is valid for \
15 minutes; the refresh token gives a new pair, which replaces it.

**Errors** are `application/problem+json` (RFC 9457). Branch on `code`; with 422, `errors` names every field that is \
wrong. A resource that the caller cannot see gets 404, like one that does not exist.

**Rate limits** are reported in `RateLimit` and `RateLimit-Policy`; a request over the limit gets 429 with \
`Retry-After`.

**Retries.** Send an `Idempotency-Key` when you create tasks, comments, spaces, invitations or notifications, and with \
batches: repeated within 24 hours, the request creates nothing twice.

**Compression.** Bodies from 1 KiB are compressed with gzip if `Accept-Encoding` allows it, and every response has \
`Vary: Accept-Encoding`.

**HEAD** is supported wherever GET is. Every response has `X-Request-Id` and is `no-store`, unless stated otherwise.";

/// Components shared by several operations, by name.
#[derive(Default)]
struct Shared {
    schemas: Map<String, Value>,
    parameters: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
}

/// Builds the document.
pub fn document() -> Value {
    // A test writes the examples as JSON.
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let mut shared = Shared { schemas: schemas::all(), ..Shared::default() };
    enumerate_codes(&mut shared.schemas);
    let mut paths = BTreeMap::<_, Map<String, Value>>::new();
    for endpoint in ENDPOINTS {
        for operation in endpoint.operations {
            let described = describe(endpoint, operation, &examples, &mut shared);
            paths.entry(endpoint.path).or_default().insert(operation.method.to_lowercase(), described);
        }
    }
    let tags = Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.description() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Taskbell API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Tasks with reminders by email, and a log of every delivery.",
            "description": INTRODUCTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "The stack that serves this document." }],
        "security": [{ "access_token": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": shared.schemas,
            "parameters": shared.parameters,
            "headers": headers(),
            "responses": shared.responses,
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

/// Adds the error codes and their meanings to the schemas.
fn enumerate_codes(schemas: &mut Map<String, Value>) {
    let problems = ERROR_CODES.iter().map(|known| (known.code, known.meaning));
    let fields = FIELD_ERROR_CODES.iter().copied();
    let mut describe = |schema: &str, codes: Vec<(&str, &str)>| {
        let lines = codes.iter().map(|(code, meaning)| format!("- `{code}`: {meaning}"));
        let lines = lines.collect::<Vec<_>>().join("\n");
        schemas[schema]["properties"]["code"] = json!({
            "type": "string",
            "description": format!("A stable code to branch on. New codes can be added.\n\n{lines}"),
            "enum": codes.iter().map(|(code, _)| code).collect::<Vec<_>>(),
            "examples": [codes[0].0],
        });
    };
    describe("Problem", problems.collect());
    describe("FieldError", fields.clone().collect());
    describe("ImportLineError", fields.chain(LINE_ERROR_CODES.iter().copied()).collect());
}

/// A reference to a schema.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
