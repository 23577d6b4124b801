//! What does not depend on a resource: health, the OpenAPI document, CORS, and the refusal of invalid requests.

use serde_json::json;
use taskbell_e2e::{User, send};

use crate::NONE;

#[test]
fn the_health_check_returns_ok() {
    let health = send("GET", "/v1/health", &[], None);
    assert_eq!((health.status, &health.body), (200, &json!({"status": "ok"})));
    assert!(!health.header("x-request-id").is_empty());
    assert_eq!(health.header("cache-control"), "no-store");
}

#[test]
fn the_openapi_document_is_served() {
    let plain = [("accept-encoding", "identity")];
    let document = send("GET", "/v1/openapi.json", &plain, None);
    assert_eq!((document.status, &document.body["openapi"]), (200, &json!("3.1.0")));
    assert!(document.body["paths"]["/v1/tasks/{task_id}/skip"]["post"].is_object());
    let head = send("HEAD", "/v1/openapi.json", &plain, None);
    assert_eq!((head.status, &head.body), (200, NONE));
    // It may be absent (RFC 9110 §9.3.2), but must not be that of an empty body.
    let lengths = ["", document.header("content-length")];
    assert!(lengths.contains(&head.header("content-length")), "{}", head.header("content-length"));
}

#[test]
fn a_browser_may_call_the_api_from_another_origin() {
    let preflight = send(
        "OPTIONS",
        "/v1/tasks",
        &[("origin", "https://app.example.com"), ("access-control-request-method", "PATCH")],
        None,
    );
    assert!(preflight.status < 300, "{}", preflight.status);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(preflight.header("access-control-allow-headers").contains("if-match"));
}

#[test]
fn invalid_input_is_refused() {
    let ada = User::new();
    let bearer = format!("Bearer {}", ada.tokens["access_token"].as_str().expect("a token"));
    let post = |content_type: &str, body: &str| {
        send(
            "POST",
            "/v1/tasks",
            &[("authorization", &bearer), ("content-type", content_type)],
            Some(body),
        )
    };
    assert_eq!(post("application/json", "{").body["code"], "malformed_json");
    assert_eq!(post("text/plain", "{}").status, 415);
    let huge = json!({"title": "x".repeat(1_000_000)}).to_string();
    assert_eq!(post("application/json", &huge).status, 413);
    let invalid =
        post("application/json", &json!({"title": "", "colour": 1, "due": "soon"}).to_string());
    assert_eq!((invalid.status, invalid.header("content-type")), (422, "application/problem+json"));
    assert_eq!(invalid.body["errors"].as_array().map(Vec::len), Some(3), "{}", invalid.body);
    for token in ["", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        let refused = send("GET", "/v1/tasks", &[("authorization", token)], None);
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, "Bearer realm=\"taskbell\"")
        );
    }
}
