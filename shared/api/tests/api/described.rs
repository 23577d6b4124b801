//! Validates every response of every test against the OpenAPI document: status, headers and content. Schemas are
//! closed, so an undocumented field fails the test.

use std::{
    collections::HashMap,
    io::Read,
    sync::{Arc, LazyLock, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use jsonschema::Validator;
use serde_json::{Value, json};
use taskbell_api::{
    endpoint::Endpoint,
    http::HttpResponse,
    openapi::{document, operation_id},
};

/// Headers of every response. The document describes them in its introduction.
const ALWAYS: [&str; 9] = [
    "cache-control",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "referrer-policy",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The responses of each operation, by operation id.
static RESPONSES: LazyLock<HashMap<String, &'static Value>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("operations").values());
    let id = |operation: &Value| operation["operationId"].as_str().expect("an id").to_owned();
    operations.map(|operation| (id(operation), &operation["responses"])).collect()
});

type Validators = Mutex<HashMap<String, Arc<Validator>>>;

/// The compiled validator of a schema.
fn validator(schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Validators> = LazyLock::new(Validators::default);
    let key = schema.to_string();
    let known = KNOWN.lock().expect("no test has panicked here").get(&key).cloned();
    known.unwrap_or_else(|| {
        let mut whole = schema.clone();
        whole["components"] = DOCUMENT["components"].clone();
        let compiled = jsonschema::draft202012::options().should_validate_formats(true).build(&whole);
        let compiled = Arc::new(compiled.expect("a schema"));
        KNOWN.lock().expect("no test has panicked here").insert(key, compiled.clone());
        compiled
    })
}

/// The validation errors of a value.
pub(crate) fn faults(value: &Value, schema: &Value) -> Vec<String> {
    let validator = validator(schema);
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// A part of the document, with references resolved.
fn resolved(part: &'static Value) -> &'static Value {
    match part["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(&reference[1..]).expect("what is referred to"),
        None => part,
    }
}

/// The text of a compressed body.
pub(crate) fn decompressed(body: &str) -> String {
    let bytes = STANDARD.decode(body).expect("base64");
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
    text
}

/// Panics if a response is not described.
pub(crate) fn check(function: &str, event: &str, response: &HttpResponse) {
    // What is not Unicode has no method.
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let method = event["requestContext"]["http"]["method"].as_str().unwrap_or("");
    // The browser app is no operation of the API.
    let Some(endpoint) = Endpoint::named(function) else { return };
    // Events in tests of hostile callers can have any method. API Gateway routes only the documented ones.
    let Some(operation) = endpoint.operation(method) else { return };
    let id = operation_id(endpoint, operation);
    let status = response.status_code.as_u16();
    let (place, body) = (format!("{id} {status}"), &response.body);
    let described = resolved(&RESPONSES[&id][status.to_string()]);
    assert!(described.is_object(), "{place} is not described: {body}");
    let declared = described["headers"].as_object();
    for (name, value) in &response.headers {
        let known = declared.into_iter().flatten().any(|(known, _)| known.eq_ignore_ascii_case(name));
        assert!(known || ALWAYS.contains(&name.as_str()), "{place}: {name}: {value} is not declared");
    }
    if method == "HEAD" {
        return;
    }
    let body = &if response.is_base64_encoded { decompressed(body) } else { body.clone() };
    let Some(contents) = described["content"].as_object() else {
        assert!(body.is_empty(), "{place} has no content in the document: {body}");
        return;
    };
    let media = response.headers["content-type"].split(';').next().unwrap_or_default();
    let content = contents.get(media).unwrap_or_else(|| panic!("{place}: {media} is not described"));
    let value = match media {
        "text/html" | "text/csv" | "application/x-ndjson" => json!(body),
        _ => serde_json::from_str(body).expect("JSON"),
    };
    let found = faults(&value, &content["schema"]);
    assert!(found.is_empty(), "{place}: {found:#?}\n{body}");
}
