//! What happens to calls on their way to DynamoDB: answers that a local one never gives, and others who change an item
//! between a read and a write.

use std::{fmt, sync::Arc};

use aws_sdk_dynamodb::{Client, config::SharedHttpClient};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

/// What becomes of one call.
pub(crate) enum Fate {
    /// It is sent as it is.
    Sent,
    /// It is sent with this body.
    Changed(Value),
    /// It is sent after something else has happened.
    SentAfter(BoxFuture<'static, ()>),
    /// It is not sent, and answered with this status and body.
    Answered(u16, Value),
}

type Rule = dyn Fn(&str, &Value) -> Fate + Send + Sync;

/// The client, with a rule that decides on each call by its operation and its body.
pub(crate) fn wired(
    client: &Client,
    rule: impl Fn(&str, &Value) -> Fate + Send + Sync + 'static,
) -> Client {
    let inner = client.config().http_client().expect("an HTTP client");
    let http_client = WiredClient { inner, rule: Arc::new(rule) };
    Client::from_conf(client.config().to_builder().http_client(http_client).build())
}

/// A table that is throttled leaves all keys of a batch to be asked for again.
pub(crate) fn unprocessed(operation: &str, body: &Value) -> Fate {
    let left = &body["RequestItems"];
    match operation {
        "BatchGetItem" => Fate::Answered(200, json!({ "Responses": {}, "UnprocessedKeys": left })),
        "BatchWriteItem" => Fate::Answered(200, json!({ "UnprocessedItems": left })),
        _ => Fate::Sent,
    }
}

/// A query without a limit ends after three items, as one of many items ends after a megabyte.
pub(crate) fn pages_of_three(operation: &str, body: &Value) -> Fate {
    if operation != "Query" || !body["Limit"].is_null() {
        return Fate::Sent;
    }
    let mut body = body.clone();
    body["Limit"] = json!(3);
    Fate::Changed(body)
}

struct WiredClient {
    inner: SharedHttpClient,
    rule: Arc<Rule>,
}

impl fmt::Debug for WiredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WiredClient")
    }
}

impl HttpClient for WiredClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Wire { inner, rule: self.rule.clone() })
    }
}

struct Wire {
    inner: SharedHttpConnector,
    rule: Arc<Rule>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default());
        let fate = (self.rule)(&operation, &body.unwrap_or_default());
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            match fate {
                Fate::Sent => {}
                Fate::Changed(body) => {
                    let body = body.to_string();
                    request.headers_mut().insert("content-length", body.len().to_string());
                    *request.body_mut() = SdkBody::from(body);
                }
                Fate::SentAfter(deed) => deed.await,
                Fate::Answered(status, body) => {
                    let status = StatusCode::try_from(status).expect("a status");
                    return Ok(HttpResponse::new(status, SdkBody::from(body.to_string())));
                }
            }
            inner.call(request).await
        })
    }
}
