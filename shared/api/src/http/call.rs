//! One request, as handlers see it.

use std::{str::FromStr, sync::OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use taskbell_domain::clock::{Clock, Random};
use tokio::sync::SetOnce;

use super::{
    Caller, Problem,
    event::{HttpEvent, HttpRequest},
    guard::Verdict,
    media_type::MediaType,
};

/// The maximum size of a request body, in bytes. A task with every field at its limit fits, even with every character
/// as a JSON escape.
pub(crate) const MAX_REQUEST_BODY: usize = 512 * 1024;

/// What a body must be declared as.
struct BodyType {
    /// The accepted media types.
    media_types: &'static [&'static str],
    /// The header value that lists them.
    accepted: &'static str,
    /// What a client is told otherwise.
    detail: &'static str,
}

/// A PATCH of either type is a merge patch (RFC 7396).
const JSON: BodyType = BodyType {
    media_types: &["application/json", "application/merge-patch+json"],
    accepted: "application/json, application/merge-patch+json",
    detail: "Send the body as JSON in UTF-8, with Content-Type: application/json.",
};

/// Newline-delimited JSON.
const LINES: BodyType = BodyType {
    media_types: &["application/x-ndjson"],
    accepted: "application/x-ndjson",
    detail: "Send the body as newline-delimited JSON in UTF-8, with Content-Type: application/x-ndjson.",
};

/// A file of another program.
const FILE: BodyType = BodyType {
    media_types: &["application/json", "text/csv", "text/plain"],
    accepted: "application/json, text/csv, text/plain",
    detail: "Send the file as it is in UTF-8, with Content-Type: text/csv or application/json.",
};

/// RFC 5789 §3.1.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The invocation of a request: what it receives besides the event.
#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    /// When Lambda ends it.
    pub deadline: Timestamp,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The random number generator.
    pub random: &'a dyn Random,
}

/// A request with its invocation, its caller and its rate limit state.
pub struct Call<'a> {
    request: HttpRequest,
    is_readable: bool,
    query: Vec<(String, String)>,
    is_query_text: bool,
    /// `None` if the body is declared as base64 but is not valid base64.
    body: Option<Vec<u8>>,
    invocation: Invocation<'a>,
    caller: OnceLock<Caller>,
    verdict: SetOnce<Verdict>,
}

impl<'a> Call<'a> {
    /// Creates a call from an API Gateway event.
    pub fn new(event: HttpEvent, invocation: Invocation<'a>) -> Self {
        let is_readable = event.0.is_some();
        let mut request = event.0.unwrap_or_default();
        request.headers =
            request.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        // form_urlencoded replaces invalid UTF-8, so check the query before decoding it.
        let is_query_text = percent_decode_str(&request.raw_query_string).decode_utf8().is_ok();
        let query = form_urlencoded::parse(request.raw_query_string.as_bytes()).into_owned().collect();
        let body = request.body.take().unwrap_or_default();
        let body = match request.is_base64_encoded {
            true => STANDARD.decode(body).ok(),
            false => Some(body.into_bytes()),
        };
        let (caller, verdict) = (OnceLock::new(), SetOnce::new());
        Self { request, is_readable, query, is_query_text, body, invocation, caller, verdict }
    }

    /// Rejects an event that is not a valid request.
    ///
    /// # Errors
    /// 400 `malformed_request`.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.is_readable {
            return Ok(());
        }
        Err(Problem::malformed("malformed_request", "The request is not valid Unicode text."))
    }

    /// When Lambda ends the invocation.
    pub fn deadline(&self) -> Timestamp {
        self.invocation.deadline
    }

    /// The current time, in whole seconds.
    pub fn now(&self) -> Timestamp {
        self.invocation.clock.now()
    }

    /// The clock that ids are generated from.
    pub fn clock(&self) -> &'a dyn Clock {
        self.invocation.clock
    }

    /// The random number generator.
    pub fn random(&self) -> &'a dyn Random {
        self.invocation.random
    }

    /// The authenticated caller.
    ///
    /// # Errors
    /// 401 `unauthorized`, with the same response for every invalid token.
    pub fn caller(&self) -> Result<Caller, Problem> {
        self.caller.get().copied().ok_or_else(Problem::unauthorized)
    }

    /// Waits for the rate limit decision. Await it before any write.
    ///
    /// # Errors
    /// 401 `unauthorized`, 403 `account_disabled`, 429 `too_many_requests`.
    pub async fn admit(&self) -> Result<(), Problem> {
        self.verdict.wait().await.check()
    }

    /// The source IP address, as seen by API Gateway. No request header can change it.
    pub fn source_ip(&self) -> &str {
        &self.request.request_context.http.source_ip
    }

    pub(super) fn set_caller(&self, caller: Option<Caller>) {
        // Authenticate once per call.
        caller.map(|caller| self.caller.set(caller));
    }

    pub(super) fn set_verdict(&self, verdict: Verdict) {
        // Record the request once per call.
        let _ = self.verdict.set(verdict);
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict.get().copied().unwrap_or(Verdict::Unrecorded)
    }

    /// The request id that API Gateway assigned. Its access log has it, too.
    pub fn request_id(&self) -> &str {
        &self.request.request_context.request_id
    }

    /// The matched route, such as `GET /v1/tasks/{task_id}`. Unlike the path, it contains no parameter values.
    pub fn route(&self) -> &str {
        &self.request.request_context.route_key
    }

    /// The method, in upper case.
    pub fn method(&self) -> &str {
        &self.request.request_context.http.method
    }

    /// The value of a header. `None` if it is absent.
    ///
    /// # Errors
    /// 400 `invalid_header` if the value is not visible ASCII.
    pub fn header(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.request.headers.get(name) else { return Ok(None) };
        if value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Ok(Some(value));
        }
        let detail = format!("The header {name} must be visible ASCII.");
        Err(Problem::malformed("invalid_header", detail))
    }

    /// The values of the cookies of this name. Several come from different paths or hosts, and nothing says which.
    pub fn cookies(&self, name: &str) -> Vec<&str> {
        // API Gateway moves cookies from their header into a list. The local emulator does not.
        let header = self.request.headers.get("cookie").map_or("", String::as_str);
        let listed = self.request.cookies.iter().map(String::as_str);
        let unlisted = header.split(';').filter(|_| self.request.cookies.is_empty());
        let pairs = listed.chain(unlisted).filter_map(|cookie| cookie.split_once('='));
        pairs.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim()).collect()
    }

    /// The bearer token (RFC 6750 §2.1).
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization").ok()??.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// A path parameter. Empty if the route does not have it.
    pub fn path(&self, name: &str) -> &str {
        self.request.path_parameters.get(name).map_or("", String::as_str)
    }

    /// The id in a path parameter. An invalid id gets 404, like one that does not exist.
    ///
    /// # Errors
    /// 404 `not_found`.
    pub fn path_id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path(name).parse().map_err(|_| Problem::not_found())
    }

    /// Rejects a query that is not valid UTF-8.
    ///
    /// # Errors
    /// 400 `malformed_request`.
    pub(super) fn check_query(&self) -> Result<(), Problem> {
        let malformed =
            || Problem::malformed("malformed_request", "The query is not percent-encoded UTF-8.");
        self.is_query_text.then_some(()).ok_or_else(malformed)
    }

    /// The decoded query parameters, in order.
    pub fn query(&self) -> Vec<(&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The JSON body of a request that requires one.
    ///
    /// # Errors
    /// 400 `malformed_request`, 413 `body_too_large`, 415 `unsupported_media_type` or `unsupported_encoding`.
    pub fn json(&self) -> Result<&[u8], Problem> {
        self.body_as(&JSON)
    }

    /// The body of a request that requires newline-delimited JSON.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub fn lines(&self) -> Result<&[u8], Problem> {
        self.body_as(&LINES)
    }

    /// The body of a request that requires a file of another program.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub fn file(&self) -> Result<&[u8], Problem> {
        self.body_as(&FILE)
    }

    fn body_as(&self, expected: &BodyType) -> Result<&[u8], Problem> {
        let media_type = self.header("content-type")?.and_then(MediaType::parse);
        let is_read =
            |read: &MediaType| expected.media_types.contains(&read.name.as_str()) && read.is_utf8();
        if !media_type.as_ref().is_some_and(is_read) {
            let name = if self.method() == "PATCH" { ACCEPT_PATCH } else { header::ACCEPT };
            let problem = Problem::unsupported("unsupported_media_type", expected.detail);
            return Err(problem.with_header(name, expected.accepted));
        }
        // Content codings are listed in the order in which they were applied (RFC 9110 §8.4).
        let mut codings = self.header("content-encoding")?.unwrap_or("").split(',').map(str::trim);
        if !codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
            let detail = "Send the body uncompressed, without Content-Encoding.";
            let problem = Problem::unsupported("unsupported_encoding", detail);
            return Err(problem.with_header(header::ACCEPT_ENCODING, "identity"));
        }
        let body = self
            .body
            .as_deref()
            .ok_or_else(|| Problem::malformed("malformed_request", "The body is not valid base64."))?;
        if body.len() > MAX_REQUEST_BODY {
            return Err(Problem::new(
                http::StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body must not exceed {MAX_REQUEST_BODY} bytes."),
            ));
        }
        Ok(body)
    }
}
