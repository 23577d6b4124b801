//! Errors as RFC 9457 problem details.
//!
//! A 4xx says what the client can do and contains no part of the request. A 5xx reveals no internals: the log has the
//! cause under the same request id.

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use taskbell_domain::{
    ports::PortError,
    violation::{FieldError, Violation},
};

use super::Errors;

/// An error response.
#[derive(Debug)]
pub struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    /// Boxed to keep the `Result` of every handler small.
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem with a status, a code for clients and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), header: None }
    }

    pub(super) fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    /// Adds a header whose value is not constant.
    pub(super) fn with_value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// 415: the media type or encoding is not supported.
    pub(super) fn unsupported(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail)
    }

    /// Adds Retry-After, in seconds.
    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.header = Some(Box::new((header::RETRY_AFTER, HeaderValue::from(seconds))));
        self
    }

    /// 400: the request is malformed.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: the access token is missing or invalid.
    pub fn unauthorized() -> Self {
        let detail = "Send a valid access token (Authorization: Bearer <token>): log in, or refresh the session.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"taskbell\"")
    }

    /// 401: the credentials are invalid.
    pub fn invalid_credentials(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"taskbell\"")
    }

    /// 404: the resource does not exist or the caller cannot see it. Both get the same response.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found.")
    }

    /// 403: the caller's role does not allow the action.
    pub fn forbidden() -> Self {
        let detail = "Your role in this space does not allow this.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 409: a domain rule forbids it in the current state.
    pub fn refused(violation: Violation) -> Self {
        Self::conflict(violation.code, violation.message)
    }

    /// 409: it is not possible in the current state.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409: concurrent changes of the same resource; retries are exhausted.
    pub fn busy() -> Self {
        Self::conflict("busy", "Other requests are changing this resource: try again.").retry_after(1)
    }

    /// 412: `If-Match` does not list the current version of the task.
    pub fn version_mismatch() -> Self {
        let detail = "The task has changed: read it again, and send its new ETag or version.";
        Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
    }

    /// 412: `If-Match` names the current version by a weak entity tag, which never matches (RFC 9110 §13.1.1).
    pub(super) fn weak_tag() -> Self {
        let detail = "If-Match needs a strong entity tag: send the ETag without W/.";
        Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
    }

    /// 412: `If-None-Match` lists the current version of the task.
    pub(super) fn precondition_failed() -> Self {
        let detail = "If-None-Match lists the current version of the task.";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    /// 422: the request is well-formed but invalid. It states the number of errors and lists the first ones.
    pub fn invalid(errors: Errors) -> Self {
        let (errors, detail) = errors.into_list_and_summary();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { errors, ..Self::new(status, "validation_failed", detail) }
    }

    /// 500: an internal error.
    pub fn internal() -> Self {
        let detail = "Internal error. The log has details under the request id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// 503: a temporary failure of a dependency.
    pub(super) fn unavailable() -> Self {
        let detail = "Temporarily unavailable: try again. A retry with an Idempotency-Key is safe.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(1)
    }

    /// 409: the work exceeds one request.
    pub fn not_finished() -> Self {
        let detail = "Not finished yet: repeat the request to continue.";
        Self::conflict("not_finished", detail).retry_after(1)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The problem as an `application/problem+json` response.
    pub(crate) fn body(&self, request_id: &str) -> String {
        self.value(request_id).to_string()
    }

    /// The problem as a JSON value, to embed in another response.
    pub(crate) fn value(&self, request_id: &str) -> Value {
        let body = Body {
            r#type: format!("urn:taskbell:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
        };
        // Serializing strings and numbers cannot fail.
        serde_json::to_value(&body).unwrap_or_default()
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(error.into())
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        tracing::error!(operation = error.operation, transient = error.transient, %error, "port failed");
        if error.transient { Self::unavailable() } else { Self::internal() }
    }
}
