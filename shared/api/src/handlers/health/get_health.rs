//! `GET /v1/health`: the API answers. It asks nothing of the stores, so it costs nothing to ask.

use http::StatusCode;
use serde_json::json;

use crate::http::{Call, Problem, Reply};

/// Answers `{"status": "ok"}`.
///
/// # Errors
/// None.
pub async fn handle(_: &Call) -> Result<Reply, Problem> {
    Reply::json(StatusCode::OK, &json!({ "status": "ok" }))
}
