//! Intercepts calls to DynamoDB: for answers that a local DynamoDB never gives, and for changes between a read and a write.

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

/// What happens to one call.
pub enum Interception {
    /// It is sent unchanged.
    Send,
    /// It is sent with this body instead.
    SendModified(Value),
    /// It is sent, its response is lost, and it is sent again.
    SendTwice,
    /// It is sent after this future has completed.
    SendAfter(BoxFuture<'static, ()>),
    /// It is not sent. The answer has this status and body.
    Respond(u16, Value),
}

type Rule = dyn Fn(&str, &Value) -> Interception + Send + Sync;

/// A client that applies a rule to each call: a function of the operation and the request body.
pub fn intercepted(
    client: &Client,
    rule: impl Fn(&str, &Value) -> Interception + Send + Sync + 'static,
) -> Client {
    let inner = client.config().http_client().expect("an HTTP client");
    let http_client = InterceptingClient { inner, rule: Arc::new(rule) };
    Client::from_conf(client.config().to_builder().http_client(http_client).build())
}

/// A throttled table: all keys and requests of a batch are unprocessed.
pub fn unprocessed_batches(operation: &str, body: &Value) -> Interception {
    let requested = &body["RequestItems"];
    match operation {
        "BatchGetItem" => {
            Interception::Respond(200, json!({ "Responses": {}, "UnprocessedKeys": requested }))
        }
        "BatchWriteItem" => Interception::Respond(200, json!({ "UnprocessedItems": requested })),
        _ => Interception::Send,
    }
}

/// A query without a limit ends after three items, as a query of many items ends after 1 MB.
pub fn three_items_per_page(operation: &str, body: &Value) -> Interception {
    if operation != "Query" || !body["Limit"].is_null() {
        return Interception::Send;
    }
    let mut body = body.clone();
    body["Limit"] = json!(3);
    Interception::SendModified(body)
}

struct InterceptingClient {
    inner: SharedHttpClient,
    rule: Arc<Rule>,
}

impl fmt::Debug for InterceptingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterceptingClient")
    }
}

impl HttpClient for InterceptingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(InterceptingConnector { inner, rule: self.rule.clone() })
    }
}

struct InterceptingConnector {
    inner: SharedHttpConnector,
    rule: Arc<Rule>,
}

impl fmt::Debug for InterceptingConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterceptingConnector")
    }
}

impl HttpConnector for InterceptingConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default());
        let interception = (self.rule)(&operation, &body.unwrap_or_default());
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            match interception {
                Interception::Send => {}
                Interception::SendModified(body) => {
                    let body = body.to_string();
                    request.headers_mut().insert("content-length", body.len().to_string());
                    *request.body_mut() = SdkBody::from(body);
                }
                Interception::SendTwice => {
                    let first = request.try_clone().expect("a body in memory");
                    inner.call(first).await?;
                }
                Interception::SendAfter(write) => write.await,
                Interception::Respond(status, body) => {
                    let status = StatusCode::try_from(status).expect("a status");
                    return Ok(HttpResponse::new(status, SdkBody::from(body.to_string())));
                }
            }
            inner.call(request).await
        })
    }
}
