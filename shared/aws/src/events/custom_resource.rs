//! Answering CloudFormation, which waits at a presigned URL.

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

/// Puts a JSON document to a URL. Without a content type, because the URL is signed without one.
///
/// # Errors
/// [`PortError`]; it never holds the URL, which is a secret.
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
