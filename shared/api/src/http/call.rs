//! One request, as handlers see it.

use std::sync::OnceLock;

use http::{HeaderMap, header};
use lambda_http::{Body, Request, RequestExt, request::RequestContext};
use tokio::sync::SetOnce;

use super::{Problem, guard::Verdict};
use crate::tokens::Identity;

/// The largest body that is read, in bytes. A task with all its fields at their limits, every character
/// written as a JSON escape, is smaller.
const MAX_BODY: usize = 512 * 1024;

/// A request: its headers, parameters and body, who sent it, and whether they may.
pub struct Call {
    request: Request,
    request_id: String,
    route: String,
    address: String,
    caller: OnceLock<Identity>,
    verdict: SetOnce<Verdict>,
}

impl Call {
    /// Takes a request of API Gateway (HTTP API, payload 2.0).
    pub fn new(request: Request) -> Self {
        let (request_id, route, address) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => (
                context.request_id.clone().unwrap_or_default(),
                context.route_key.clone().unwrap_or_default(),
                context.http.source_ip.clone().unwrap_or_default(),
            ),
            _ => Default::default(),
        };
        let (caller, verdict) = (OnceLock::new(), SetOnce::new());
        Self { request, request_id, route, address, caller, verdict }
    }

    /// Who is calling.
    ///
    /// # Errors
    /// 401 `unauthorized`, the same whatever is wrong with the token.
    pub fn caller(&self) -> Result<Identity, Problem> {
        self.caller.get().copied().ok_or_else(Problem::unauthorized)
    }

    /// Waits until it is known whether the caller may do so much. To be awaited before anything is changed.
    ///
    /// # Errors
    /// 403 `account_disabled`, 429 `too_many_requests`.
    pub async fn admitted(&self) -> Result<(), Problem> {
        self.verdict.wait().await.check()
    }

    /// The address of the network that the request comes from, as API Gateway saw it: no header can forge it.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn identified(&self, caller: Option<Identity>) {
        // A call is identified once.
        caller.map(|caller| self.caller.set(caller));
    }

    pub(super) fn counted(&self, verdict: Verdict) {
        // A call is counted once.
        let _ = self.verdict.set(verdict);
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict.get().copied().unwrap_or(Verdict::Uncounted)
    }

    /// The id that API Gateway gave the request; it stands in its access log too.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The route that matched, such as `GET /v1/tasks/{task_id}`. Unlike the path it holds no values.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The method.
    pub fn method(&self) -> &http::Method {
        self.request.method()
    }

    /// A header as text, if it is there once.
    ///
    /// # Errors
    /// 400 `invalid_header` if it is there more than once or is not visible ASCII.
    pub fn header(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.headers().get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        match (value.to_str(), values.next()) {
            (Ok(text), None) => Ok(Some(text)),
            _ => Err(Problem::malformed(
                "invalid_header",
                format!("The header {name} must be there once, in visible ASCII."),
            )),
        }
    }

    /// A parameter of the path; empty if the route has none of that name.
    pub fn path(&self, name: &str) -> &str {
        self.request.path_parameters_ref().and_then(|parameters| parameters.first(name)).unwrap_or("")
    }

    /// The query's parameters, decoded, in order.
    pub fn query(&self) -> Vec<(&str, &str)> {
        self.request
            .query_string_parameters_ref()
            .map(|query| query.iter().collect())
            .unwrap_or_default()
    }

    /// The body of a request that must have one in JSON.
    ///
    /// # Errors
    /// 413 `body_too_large`, 415 `unsupported_media_type`.
    pub fn json(&self) -> Result<&[u8], Problem> {
        let media_type =
            self.header("content-type")?.unwrap_or("").split(';').next().unwrap_or("").trim();
        let accepted = ["application/json", "application/merge-patch+json"];
        if !accepted.iter().any(|name| media_type.eq_ignore_ascii_case(name)) {
            return Err(Problem::new(
                http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                format!("Send the body as JSON, with {}: application/json.", header::CONTENT_TYPE),
            ));
        }
        let body: &[u8] = match self.request.body() {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        };
        if body.len() > MAX_BODY {
            return Err(Problem::new(
                http::StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body may have {MAX_BODY} bytes."),
            ));
        }
        Ok(body)
    }
}
