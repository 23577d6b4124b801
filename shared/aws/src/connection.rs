//! The configuration that all AWS clients share: region, credentials, endpoint, HTTP client and timeouts.
//!
//! It comes from environment variables that Lambda sets, so a cold start reads no profile files, no metadata service and no
//! system certificates.

use std::{cell::OnceCell, time::Duration};

pub use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The root certificates of AWS endpoints. Parsing these five takes 0.1 ms; parsing the 145 of a system takes 4 ms.
///
/// Source: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Timeout of opening a connection, which takes 1 to 2 ms inside a region.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Timeout of one attempt, and of all attempts of one call. A handler makes two or three calls and may enqueue timers: in
/// total less than the 15 seconds that an API function has. Handlers with more calls exceed that only if every call takes its
/// maximum.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of SQS calls. A timer that was not enqueued is found by the next dispatch run.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// Timeout of calls to the management API of a WebSocket API.
const LIVE_TIMEOUT: Duration = Duration::from_secs(1);

/// Timeout of SES calls, which are never retried.
const MAIL_TIMEOUT: Duration = Duration::from_secs(10);

/// The valid root certificates of a PEM file; `None` if there are none. Invalid certificates are ignored, since the bundles
/// of some systems contain some.
pub fn roots(pem: &str) -> Option<Vec<u8>> {
    let parts = pem.split_inclusive("-----END CERTIFICATE-----");
    let valid: Vec<_> = parts.filter(|part| is_root(part)).collect();
    (!valid.is_empty()).then(|| valid.join("\n").into_bytes())
}

fn is_root(pem: &str) -> bool {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
}

/// Builds AWS clients that share one HTTP client and its connections.
pub struct Connection {
    region: Region,
    credentials: SharedCredentialsProvider,
    endpoint: Option<String>,
    roots: Option<Vec<u8>>,
    /// Built with the first AWS client, so that a function without one does not link TLS.
    http: OnceCell<SharedHttpClient>,
}

impl Connection {
    /// `endpoint` replaces the endpoints of the region, for a local cloud. `roots` (PEM, from [`roots`]) replaces the root
    /// certificates of AWS endpoints.
    pub fn new(
        region: String,
        credentials: Credentials,
        endpoint: Option<String>,
        roots: Option<Vec<u8>>,
    ) -> Self {
        Self {
            region: Region::new(region),
            credentials: SharedCredentialsProvider::new(credentials),
            endpoint,
            roots,
            http: OnceCell::new(),
        }
    }

    fn http(&self) -> SharedHttpClient {
        self.http.get_or_init(|| self.client(None)).clone()
    }

    /// An HTTP client that keeps at most this many idle connections per host; without a limit if `None`.
    fn client(&self, max_idle: Option<usize>) -> SharedHttpClient {
        let roots = self.roots.clone().unwrap_or_else(|| AMAZON_ROOTS.to_vec());
        let context = TlsContext::builder()
            .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
            .build()
            // Cannot fail: `TlsContextBuilder::build` only moves its fields and always returns `Ok`. The certificates are
            // parsed later, and both sources of them contain valid ones only (see `roots` and the test of AMAZON_ROOTS).
            .expect("TlsContextBuilder::build returns Ok");
        // This client also connects to http:// endpoints (a local cloud), so no second one is linked.
        let mut builder = Builder::new();
        builder.set_pool_max_idle_per_host(max_idle);
        let tls = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
        tls.tls_context(context).build_https()
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder();
        aws_sdk_dynamodb::Client::from_conf(configure!(config, self))
    }

    /// An SQS client.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = configure!(aws_sdk_sqs::Config::builder(), self)
            .to_builder()
            .timeout_config(timeouts(QUEUE_TIMEOUT, QUEUE_TIMEOUT))
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// A client for the connections of a WebSocket API, which never retries: a push that fails is lost. `endpoint` is the URL
    /// of the API's stage.
    pub fn live(&self, endpoint: String) -> aws_sdk_apigatewaymanagement::Client {
        let config = configure!(aws_sdk_apigatewaymanagement::Config::builder(), self)
            .to_builder()
            .endpoint_url(endpoint)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(LIVE_TIMEOUT, LIVE_TIMEOUT))
            .build();
        aws_sdk_apigatewaymanagement::Client::from_conf(config)
    }

    /// An SSM client.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::from_conf(configure!(aws_sdk_ssm::Config::builder(), self))
    }

    /// An SES client that never retries: SES has no idempotency, so a second attempt after a lost answer would send a second
    /// mail.
    ///
    /// It opens a connection for each mail. SES may have closed an idle connection while the function was frozen; the
    /// function would notice that only when it writes the request, and then it is unknown whether SES received the mail.
    pub fn ses(&self) -> aws_sdk_ses::Client {
        let config = configure!(aws_sdk_ses::Config::builder(), self)
            .to_builder()
            .http_client(self.client(Some(0)))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(MAIL_TIMEOUT, MAIL_TIMEOUT))
            .build();
        aws_sdk_ses::Client::from_conf(config)
    }
}

fn timeouts(attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(call)
        .build()
}

/// A macro, because each SDK has its own type of configuration builder with the same methods.
macro_rules! configure {
    ($builder:expr, $connection:ident) => {{
        let mut builder = $builder
            .behavior_version(BehaviorVersion::latest())
            .region($connection.region.clone())
            .credentials_provider($connection.credentials.clone())
            .http_client($connection.http())
            // For large answers only; these calls have timeouts.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts(ATTEMPT_TIMEOUT, CALL_TIMEOUT));
        builder.set_endpoint_url($connection.endpoint.clone());
        builder.build()
    }};
}
use configure;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_amazon_roots_are_valid() {
        let five = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let read = String::from_utf8(roots(five).unwrap()).unwrap();
        assert_eq!(read.matches("-----END CERTIFICATE-----").count(), 5);
    }

    #[test]
    fn an_invalid_certificate_of_a_bundle_is_ignored() {
        let five = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        for broken in ["AAAA", "not base64!", ""] {
            let certificate =
                format!("-----BEGIN CERTIFICATE-----\n{broken}\n-----END CERTIFICATE-----\n");
            assert_eq!(roots(&certificate), None, "{broken}");
            let read = roots(&format!("# a bundle\n{certificate}{five}")).unwrap();
            let read = String::from_utf8(read).unwrap();
            assert_eq!(read.matches("-----END CERTIFICATE-----").count(), 5, "{broken}");
        }
        assert_eq!(roots("no certificate"), None);
    }
}
