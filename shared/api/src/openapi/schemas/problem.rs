//! Errors, and the responses that carry only a confirmation.

use serde::Serialize;
use utoipa::ToSchema;

/// An error (RFC 9457). Clients branch on `code`.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// URN of the error code.
    #[schema(
        pattern = "^urn:taskbell:problem:[a-z0-9_]+$",
        examples("urn:taskbell:problem:validation_failed")
    )]
    pub r#type: String,
    /// Reason phrase of the HTTP status.
    #[schema(examples("Unprocessable Entity"))]
    pub title: String,
    /// HTTP status of the error.
    #[schema(minimum = 400, maximum = 599, examples(422))]
    pub status: u16,
    /// Explanation for a person. The text may change.
    #[schema(examples("title: This field is required."))]
    pub detail: String,
    /// Stable error code.
    #[schema(pattern = "^[a-z0-9_]+$", examples("validation_failed"))]
    pub code: String,
    /// Identifier of the request, as it appears in the logs of the service.
    #[schema(examples("JKJaXmPLvHcESHA="))]
    pub request_id: String,
    /// Fields or parameters that were refused. Absent unless the status is 422.
    #[schema(nullable = false, min_items = 1, max_items = 50)]
    pub errors: Option<Vec<FieldError>>,
}

/// A field or parameter that was refused.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldError {
    /// Path of the field in the body, or name of the parameter.
    #[schema(examples("reminders[0].before"))]
    pub field: String,
    /// Stable code of the violation.
    #[schema(pattern = "^[a-z0-9_]+$", examples("invalid_duration"))]
    pub code: String,
    /// Explanation for a person. The text may change.
    #[schema(examples("Give an ISO 8601 duration such as PT30M, PT1H or P1D."))]
    pub message: String,
}

/// Confirmation that a request was accepted and its email will be sent.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// What will be sent, for a person. The text may change.
    #[schema(examples("A link will be sent to the address of this account."))]
    pub detail: String,
}

words!(/// State of the API.
    HealthStatus: Ok);

/// State of the API. It does not include the database or the mail service.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Always `ok`.
    pub status: HealthStatus,
}
