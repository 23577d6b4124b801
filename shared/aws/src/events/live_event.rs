//! Events of a WebSocket API, as API Gateway delivers them.
//!
//! Source: "Set up integration requests in API Gateway" for WebSocket APIs, Amazon API Gateway developer guide.

use std::collections::HashMap;

use serde::Deserialize;

/// A client connects, sends a message or disconnects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    request_context: RequestContext,
    query_string_parameters: Option<HashMap<String, String>>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    connection_id: String,
}

impl LiveEvent {
    /// The id of the connection.
    pub fn connection(&self) -> &str {
        &self.request_context.connection_id
    }

    /// The ticket in the URL of a new connection.
    pub fn ticket(&self) -> Option<&str> {
        self.query_string_parameters.as_ref()?.get("ticket").map(String::as_str)
    }

    /// The message of a client.
    pub fn message(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }
}
