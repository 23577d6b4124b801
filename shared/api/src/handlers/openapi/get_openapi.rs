//! `GET /v1/openapi.json`: the API as an OpenAPI 3.1 document.

use crate::{
    http::{Call, Problem, Reply},
    openapi::DOCUMENT,
};

/// Answers with the document.
///
/// # Errors
/// None.
pub async fn handle(_: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json_text(DOCUMENT))
}
