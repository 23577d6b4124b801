//! What API Gateway and a function hand each other: payload format 2.0 of HTTP APIs ("Create AWS Lambda proxy
//! integrations for HTTP APIs", API Gateway developer guide).
//!
//! A caller chooses the path, the query, every header and the body. So all of them are read as text that may hold
//! anything, and nothing is built from them here that can fail.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// An event as it arrives. It always deserializes: what cannot be read as a request is answered like any other bad
/// request, instead of failing the invocation.
pub struct HttpEvent(pub(super) Option<HttpRequest>);

impl<'de> Deserialize<'de> for HttpEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In two steps, because a text that is not Unicode (a lone surrogate, escaped) passes the first one only.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// The parts of the event that are used. Any may be absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpRequest {
    pub(super) raw_query_string: String,
    /// Names in lower case, repeated ones joined by commas: API Gateway does both.
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) path_parameters: BTreeMap<String, String>,
    pub(super) request_context: RequestContext,
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RequestContext {
    pub(super) request_id: String,
    pub(super) route_key: String,
    pub(super) http: HttpContext,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpContext {
    pub(super) method: String,
    pub(super) source_ip: String,
}

/// The response to an event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    /// The status.
    #[serde(serialize_with = "number")]
    pub status_code: StatusCode,
    /// Each name once, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; empty if there is none.
    pub body: String,
}

/// Null is what is absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_no_request_is_still_an_event() {
        for unreadable in [
            "null",
            "17",
            r#""text""#,
            r#"{"headers": {"accept": 7}}"#,
            r#"{"rawQueryString": ["a"]}"#,
            r#"{"body": "\ud800"}"#,
            r#"{"headers": {"accept": "\udfff"}}"#,
        ] {
            let event: HttpEvent = serde_json::from_str(unreadable).expect(unreadable);
            assert!(event.0.is_none(), "{unreadable}");
        }
        for empty in ["{}", r#"{"headers": null, "pathParameters": null, "body": null}"#] {
            let empty: HttpEvent = serde_json::from_str(empty).expect("an event");
            assert!(empty.0.is_some());
        }
    }
}
