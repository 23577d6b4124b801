//! Builds the description of an operation from its endpoint.

use serde_json::{Map, Value, json};

use super::{Shared, parameters::parameter, reference, responses};
use crate::endpoint::{Access, Endpoint, NDJSON, Operation, Programs, RequestLimit, Tag};

/// The operation id: `createTask` for `create-task`. With several methods it has a suffix: `unsubscribeGet`.
pub fn operation_id(endpoint: &Endpoint, operation: &Operation) -> String {
    let mut words = endpoint.name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    let id = words.fold(first, |id, word| id + &capitalized(word));
    match endpoint.operations {
        [_] => id,
        _ => id + &capitalized(&operation.method.to_lowercase()),
    }
}

/// Converts the first letter to upper case.
pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The codes of all errors that an operation can return.
pub(super) fn error_codes(endpoint: &Endpoint, operation: &Operation) -> Vec<&'static str> {
    let mut codes = vec!["malformed_request", "internal_error", "unavailable"];
    let has = |name: &str| operation.parameters.contains(&name);
    if endpoint.access != Access::Public {
        codes.extend(["unauthorized", "account_disabled"]);
        codes.push(match endpoint.access.programs() {
            Programs::WithScope(_) => "insufficient_scope",
            Programs::Refused => "session_required",
        });
    }
    if endpoint.access == Access::Operator {
        codes.extend(["forbidden", "second_factor_missing"]);
    }
    if endpoint.path.contains('{') {
        codes.push("not_found");
    }
    if !matches!(endpoint.rate_limit, RequestLimit::None) {
        codes.push("too_many_requests");
    }
    if operation.request.is_some() {
        let body =
            ["malformed_json", "body_too_large", "unsupported_media_type", "unsupported_encoding"];
        codes.extend(body.into_iter().chain(["validation_failed", "invalid_header"]));
    }
    if has("cursor") {
        codes.push("invalid_cursor");
    }
    if has("Idempotency-Key") {
        codes.extend(["idempotency_key_reused", "invalid_header"]);
    }
    if has("If-Match") {
        codes.extend(["version_mismatch", "precondition_failed", "invalid_header"]);
        codes.extend((operation.method != "GET").then_some("busy"));
    }
    if !operation.parameters.is_empty() {
        codes.push("validation_failed");
    }
    codes.extend(operation.errors);
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// The OpenAPI description of an operation.
pub(super) fn describe(
    endpoint: &Endpoint,
    operation: &Operation,
    examples: &Map<String, Value>,
    shared: &mut Shared,
) -> Value {
    let id = operation_id(endpoint, operation);
    let example = &examples.get(&id).unwrap_or(&Value::Null);
    let in_path = endpoint.path.split(['{', '}']).skip(1).step_by(2);
    let names = in_path.chain(operation.parameters.iter().copied());
    let parameters: Vec<_> = names
        .map(|name| match (endpoint.tag, name) {
            // The value can be `me`.
            (Tag::Members, "user_id") => "member_id",
            _ => name,
        })
        .map(|name| {
            shared.parameters.entry(name.to_owned()).or_insert_with(|| parameter(name));
            json!({ "$ref": format!("#/components/parameters/{name}") })
        })
        .collect();
    let mut described = json!({
        "operationId": id,
        "tags": [endpoint.tag.name()],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters,
        "responses": responses::of(endpoint, operation, example, shared),
    });
    if endpoint.access == Access::Public {
        described["security"] = json!([]);
    }
    if let Some(name) = operation.request {
        let (media, schema) = match name {
            NDJSON => (NDJSON, json!({ "type": "string" })),
            _ => ("application/json", reference(name)),
        };
        let mut content = json!({ "schema": schema });
        if let Some(body) = example.get("request").filter(|body| !body.is_null()) {
            content["example"] = body.clone();
        }
        described["requestBody"] = json!({ "required": true, "content": { media: content } });
    }
    described
}
