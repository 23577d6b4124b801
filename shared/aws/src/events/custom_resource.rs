//! The answer of a custom resource to CloudFormation, which waits for it at a presigned URL.
//!
//! Source: "Custom resource response objects", AWS CloudFormation user guide.

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{http::HttpConnector, orchestrator::HttpRequest},
    http::Request,
};
use aws_smithy_types::body::SdkBody;
use serde::Serialize;
use taskbell_domain::ports::PortError;

use crate::error::invalid_request;

/// Sends a JSON document to a presigned URL with PUT. Without a content type, because the URL is signed without one.
///
/// # Errors
/// [`PortError`]. It never contains the URL, which grants access.
pub async fn put_json(url: &str, document: &impl Serialize) -> Result<(), PortError> {
    const OPERATION: &str = "answering CloudFormation";
    let body = serde_json::to_vec(document).map_err(|e| invalid_request(OPERATION, e))?;
    let mut request: HttpRequest = Request::new(SdkBody::from(body));
    request.set_method("PUT").map_err(|_| invalid_request(OPERATION, "method"))?;
    request.set_uri(url).map_err(|_| invalid_request(OPERATION, "URL"))?;
    let builder = Connector::builder();
    let connector = match url.starts_with("http://") {
        true => builder.build_http(),
        false => builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build(),
    };
    let answer = connector.call(request).await.map_err(|_| invalid_request(OPERATION, "no answer"))?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(invalid_request(OPERATION, format!("status {}", answer.status()))),
    }
}
