//! Successful responses, and what all responses have in common.

use std::{pin::pin, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tracing::Instrument as _;

use super::{
    Call, Invocation, Problem,
    compression::{GZIP, accepts, gzip},
    etag,
    event::{HttpEvent, HttpResponse},
    guard::{RequestGuard, run_guarded},
    size::{MAX_BODY, in_json},
};
use crate::log_id::log_id;

/// A successful response.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: &'static str,
    body: String,
    /// Whether the body is base64, which API Gateway decodes.
    is_base64_encoded: bool,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self { status, headers: Vec::new(), content_type, body, is_base64_encoded: false }
    }

    /// A JSON response.
    ///
    /// # Errors
    /// [`Problem::internal`] if the value cannot be serialized.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|_| Problem::internal())?;
        Ok(Self::new(status, "application/json", body))
    }

    /// A text of this media type.
    pub fn text(content_type: &'static str, body: String) -> Self {
        Self::new(StatusCode::OK, content_type, body)
    }

    /// A response whose body is serialized JSON.
    pub fn json_text(text: &str) -> Self {
        Self::text("application/json", text.to_owned())
    }

    /// A body that is no text, such as a picture.
    pub fn binary(content_type: &'static str, bytes: &[u8]) -> Self {
        let reply = Self::text(content_type, STANDARD.encode(bytes));
        Self { is_base64_encoded: true, ..reply }
    }

    /// A body that is compressed, with the name of its coding.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn compressed(content_type: &'static str, coding: &str, bytes: &[u8]) -> Result<Self, Problem> {
        Self::binary(content_type, bytes).with(header::CONTENT_ENCODING, coding)
    }

    /// An HTML page.
    pub fn html(status: StatusCode, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    /// A status without content.
    pub fn empty(status: StatusCode) -> Self {
        Self::new(status, "", String::new())
    }

    /// The response if it fits Lambda's limit. A larger one would fail the invocation.
    fn fitting(self) -> Result<Self, Problem> {
        let bytes = in_json(&self.body);
        if bytes <= MAX_BODY {
            return Ok(self);
        }
        tracing::error!(bytes, "response too large");
        Err(Problem::internal())
    }

    /// Adds a header.
    ///
    /// # Errors
    /// [`Problem::internal`] if the value is not a valid header value.
    pub fn with(mut self, name: HeaderName, value: &str) -> Result<Self, Problem> {
        let value = HeaderValue::from_str(value).map_err(|_| Problem::internal())?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// Adds the entity tag of a version.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn tagged(self, version: u64) -> Result<Self, Problem> {
        self.with(header::ETAG, &etag::tag(version))
    }
}

/// Headers of every response. They forbid caching, content sniffing, framing and access without TLS, and say that bodies may
/// be compressed.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::VARY, "Accept-Encoding"),
];

/// Runs a handler under a guard, converts its result to a response, and logs one line.
pub async fn respond<H>(
    event: HttpEvent,
    invocation: Invocation<'_>,
    guard: &impl RequestGuard,
    handler: H,
) -> HttpResponse
where
    H: AsyncFnOnce(&Call<'_>) -> Result<Reply, Problem>,
{
    let started = Instant::now();
    let call = Call::new(event, invocation);
    let span = tracing::info_span!("request", request_id = call.request_id(), route = call.route());
    // Pinned, because moving it costs more than many requests do.
    let answering = pin!(async {
        call.check()?;
        run_guarded(&call, guard, handler).await.and_then(Reply::fitting)
    });
    let result = answering.instrument(span.clone()).await;
    let (status, code) = match &result {
        Ok(reply) => (reply.status, ""),
        Err(problem) => (problem.status, problem.code),
    };
    let _entered = span.entered();
    tracing::info!(
        RequestsLimited = (status == StatusCode::TOO_MANY_REQUESTS).then_some(1),
        status = status.as_u16(),
        code,
        user = call.caller().ok().map(|caller| log_id(caller.user)),
        duration_ms = started.elapsed().as_millis() as u64,
        "response sent"
    );
    let reply = result.unwrap_or_else(|problem| {
        let body = problem.body(call.request_id());
        let headers = problem.header.map(|header| *header).into_iter().collect();
        Reply { headers, ..Reply::new(status, "application/problem+json", body) }
    });
    let Reply { mut headers, content_type, mut body, mut is_base64_encoded, .. } = reply;
    if !is_base64_encoded
        && accepts(&call, GZIP)
        && let Some(compressed) = gzip(&body)
    {
        (body, is_base64_encoded) = (compressed, true);
        etag::mark_compressed(&mut headers);
        headers.push((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    // HEAD is GET without content (RFC 9110 §9.3.2). Content-Length would be that of the empty body.
    let length = (call.method() == "HEAD" && !body.is_empty()).then(|| {
        let padding = body.bytes().rev().take_while(|byte| *byte == b'=').count();
        let length = if is_base64_encoded { body.len() / 4 * 3 - padding } else { body.len() };
        (header::CONTENT_LENGTH, HeaderValue::from(length))
    });
    let body = if call.method() == "HEAD" { String::new() } else { body };
    let always = ALWAYS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let content_type = (!content_type.is_empty())
        .then(|| (header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
    let request_id = HeaderValue::from_str(call.request_id()).ok();
    let request_id = request_id.map(|id| (HeaderName::from_static("x-request-id"), id));
    let common = always.into_iter().chain(content_type).chain(length).chain(request_id);
    let all = common.chain(call.verdict().headers()).chain(headers);
    // Other header values were rejected when they were added.
    let text = |(name, value): (HeaderName, HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let (cookies, headers): (Vec<_>, Vec<_>) =
        all.filter_map(text).partition(|(name, _)| name == header::SET_COOKIE.as_str());
    let cookies = cookies.into_iter().map(|(_, value)| value).collect();
    let headers = headers.into_iter().collect();
    HttpResponse { status_code: status, headers, cookies, body, is_base64_encoded }
}
