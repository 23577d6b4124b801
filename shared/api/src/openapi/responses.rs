//! Responses and their headers. Responses shared by several operations are in `components`.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    Shared,
    operations::{capitalized, error_codes},
    reference,
};
use crate::{
    endpoint::{Body, CSV, Endpoint, NDJSON, Operation, RequestLimit},
    http::codes::ERROR_CODES,
};

/// The response headers: name, description, schema.
pub(super) fn headers() -> Value {
    let header =
        |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    json!({
        "ETag": header("The entity tag: of a task its `version` in quotes, with `-gzip` if the body is compressed.", text()),
        "Location": header("The path of the created resource.", text()),
        "Idempotent-Replayed": header(
            "`true` if the Idempotency-Key was used before: nothing was created, and the body is the current state of the resource that the key created.",
            json!({ "type": "string", "enum": ["true"] }),
        ),
        "RateLimit": header("Remaining requests (`r`), and seconds until the limit is reset (`t`) (draft-ietf-httpapi-ratelimit-headers-10).", text()),
        "RateLimit-Policy": header("The limit: requests (`q`) per window of seconds (`w`).", text()),
        "Retry-After": header("Seconds to wait before the next attempt.", json!({ "type": "integer", "minimum": 1 })),
        "X-Request-Id": header("Identifier of the request in the log.", text()),
        "WWW-Authenticate": header("How to authenticate (RFC 6750).", text()),
        "Cache-Control": header("How long the document can be cached.", text()),
        "Link": header("With `rel=\"next\"`, the URL of the next page (RFC 8288). Absent on the last page. Only of CSV.", text()),
        "Content-Disposition": header("The name of the file. Only of CSV.", text()),
        "Accept": header("The accepted media types.", text()),
        "Accept-Patch": header("The media types that PATCH accepts (RFC 5789).", text()),
        "Accept-Encoding": header("The accepted encodings.", text()),
    })
}

/// The responses of an operation, by status.
pub(super) fn of(
    endpoint: &Endpoint,
    operation: &Operation,
    example: &Value,
    shared: &mut Shared,
) -> Value {
    let limited = !matches!(endpoint.rate_limit, RequestLimit::None);
    let mut all = Map::new();
    for (status, body) in operation.responses {
        let example = (example["status"] == *status).then(|| &example["response"]);
        all.insert(status.to_string(), success(operation, *status, *body, limited, example));
        if let Body::Page(item) = body {
            shared.schemas.entry(format!("{item}Page")).or_insert_with(|| page(item));
        }
    }
    let mut problems = BTreeMap::<u16, Vec<&str>>::new();
    for code in error_codes(endpoint, operation) {
        let status = ERROR_CODES.iter().find(|known| known.code == code).map(|known| known.status);
        // A test checks that every code is in the list.
        problems.entry(status.unwrap_or_default()).or_default().push(code);
    }
    for (status, codes) in problems {
        if all.contains_key(&status.to_string()) {
            continue; // an HTML page
        }
        let name = name_of(status, &codes, limited);
        all.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        shared.responses.entry(name).or_insert_with(|| problem(status, &codes, limited));
    }
    Value::Object(all)
}

/// A page of a list.
fn page(item: &str) -> Value {
    json!({
        "type": "object",
        "description": "A page of a list.",
        "additionalProperties": false,
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "description": "The items of the page. There can be fewer than `limit`, or none, even if there is a next page.", "items": reference(item) },
            "next_cursor": {
                "type": ["string", "null"],
                "description": "Value of `cursor` for the next page of the same query. Null on the last page.",
            },
        },
    })
}

/// The component name, such as `ConflictBusyLastOwner`. A status with one code is named by the code alone.
fn name_of(status: u16, codes: &[&str], limited: bool) -> String {
    let camel = |code: &str| code.split('_').map(capitalized).collect::<String>();
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let name = match codes {
        [code] => camel(code),
        _ => {
            let reason: String = reason.unwrap_or_default().split(' ').map(capitalized).collect();
            codes.iter().fold(reason, |name, code| name + "_" + &camel(code))
        }
    };
    if limited { name } else { name + "_Unlimited" }
}

fn refer_to(names: &[&str]) -> Value {
    let one =
        |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.iter().map(one).collect())
}

fn success(
    operation: &Operation,
    status: u16,
    body: Body,
    limited: bool,
    example: Option<&Value>,
) -> Value {
    let mut names = vec!["X-Request-Id"];
    if limited {
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    if body == Body::Json("Task") || (status == 304 && operation.parameters.contains(&"If-None-Match"))
    {
        names.push("ETag");
    }
    if status == 201 && operation.parameters.contains(&"Idempotency-Key") {
        names.extend(["Location", "Idempotent-Replayed"]);
    }
    if operation.responses.iter().any(|(_, body)| *body == Body::Document) {
        names.extend(["ETag", "Cache-Control"]);
    }
    if body == Body::Export {
        names.extend(["Link", "Content-Disposition"]);
    }
    let description = match (status, body) {
        (304, _) => "Not modified: the client has this version.",
        (404, _) => "An HTML page: the link is not valid.",
        (410, _) => "An HTML page: the link has expired.",
        (201, _) => "Created.",
        (202, _) => "Accepted.",
        (204, _) => "Done.",
        _ => "OK.",
    };
    let mut described = json!({ "description": description, "headers": refer_to(&names) });
    let (media, schema) = match body {
        Body::Empty => return described,
        Body::Html => ("text/html", json!({ "type": "string" })),
        Body::Export => {
            described["content"][CSV]["schema"] = json!({ "type": "string" });
            (NDJSON, json!({ "type": "string" }))
        }
        Body::Document => ("application/json", json!({ "type": "object" })),
        Body::Json(name) => ("application/json", reference(name)),
        Body::Page(item) => ("application/json", reference(&format!("{item}Page"))),
    };
    described["content"][media]["schema"] = schema;
    if let Some(example) = example.filter(|example| example.is_object()) {
        described["content"][media]["example"] = example.clone();
    }
    described
}

fn problem(status: u16, codes: &[&str], limited: bool) -> Value {
    let known = |code: &&str| ERROR_CODES.iter().find(|known| known.code == *code);
    let lines = codes.iter().filter_map(known).map(|known| match codes {
        [_] => format!("`{}`: {}", known.code, known.meaning),
        _ => format!("- `{}`: {}", known.code, known.meaning),
    });
    let mut names = vec!["X-Request-Id"];
    if limited {
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    match status {
        401 => names.push("WWW-Authenticate"),
        403 if codes.contains(&"insufficient_scope") => names.push("WWW-Authenticate"),
        409 if codes.iter().any(|code| ["busy", "not_finished"].contains(code)) => {
            names.push("Retry-After");
        }
        415 => names.extend(["Accept", "Accept-Patch", "Accept-Encoding"]),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    let schema = json!({
        "allOf": [reference("Problem"), { "properties": { "code": { "enum": codes } } }],
    });
    json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "headers": refer_to(&names),
        "content": { "application/problem+json": { "schema": schema } },
    })
}
