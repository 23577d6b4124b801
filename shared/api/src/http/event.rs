//! The event and the response of API Gateway HTTP APIs, payload format 2.0 ("Create AWS Lambda proxy integrations for
//! HTTP APIs", API Gateway developer guide).
//!
//! The caller controls the path, the query, every header and the body. They are kept as unchecked text here.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A received event. Deserialization always succeeds: an event that is not a valid request gets a 400 response instead
/// of failing the invocation.
pub struct HttpEvent(pub(super) Option<HttpRequest>);

impl<'de> Deserialize<'de> for HttpEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Two steps: text that is not valid Unicode (an escaped lone surrogate) passes only the first one.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// The parts of the event that the service uses. All are optional.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpRequest {
    pub(super) raw_query_string: String,
    /// API Gateway converts names to lower case and joins repeated headers with commas.
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) path_parameters: BTreeMap<String, String>,
    /// As `name=value`. API Gateway takes them out of the headers.
    #[serde(deserialize_with = "or_default")]
    pub(super) cookies: Vec<String>,
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
    /// The HTTP status.
    #[serde(serialize_with = "number")]
    pub status_code: StatusCode,
    /// Each name once, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The values of `Set-Cookie`, of which a response can have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// The body. Empty if there is none.
    pub body: String,
    /// Whether the body is binary, encoded as base64.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_base64_encoded: bool,
}

/// Treats null as absent.
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
    fn an_invalid_request_event_still_deserializes() {
        for unreadable in [
            "null",
            "17",
            r#""text""#,
            r#"{"headers": {"accept": 7}}"#,
            r#"{"rawQueryString": ["a"]}"#,
            r#"{"cookies": [7]}"#,
            r#"{"body": "\ud800"}"#,
            r#"{"headers": {"accept": "\udfff"}}"#,
        ] {
            let event: HttpEvent = serde_json::from_str(unreadable).expect(unreadable);
            assert!(event.0.is_none(), "{unreadable}");
        }
        for empty in
            ["{}", r#"{"headers": null, "pathParameters": null, "cookies": null, "body": null}"#]
        {
            let empty: HttpEvent = serde_json::from_str(empty).expect("an event");
            assert!(empty.0.is_some());
        }
    }
}
