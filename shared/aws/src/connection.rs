//! How every client reaches AWS: region, credentials, endpoint, HTTP and its time limits.
//!
//! All of it comes from the environment that Lambda sets, so nothing has to be looked up at start: no
//! profile files, no metadata service, no second HTTP stack, no store of 145 roots.

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

/// The roots by which AWS's endpoints are known (<https://www.amazontrust.com/repository/>). Reading these five
/// takes a tenth of a millisecond; reading those of a whole system takes four.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Longest wait for a connection. Inside a region it takes a millisecond or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest wait for an answer to one attempt, and for all attempts of one call. A handler makes two or
/// three calls and perhaps queues timers; together they stay within the 15 seconds that an API function has, but
/// for those that read more, where each call would have to take its longest.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for SQS, which can be done without for two minutes: the dispatcher finds what was not queued.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for SES, which is asked only once.
const MAIL_TIMEOUT: Duration = Duration::from_secs(10);

/// The roots among the certificates of a file (PEM); nothing if there are none. What cannot be read is left out, as
/// a system's bundle may hold some such.
pub fn roots(pem: &str) -> Option<Vec<u8>> {
    let parts = pem.split_inclusive("-----END CERTIFICATE-----");
    let readable: Vec<_> = parts.filter(|part| is_root(part)).collect();
    (!readable.is_empty()).then(|| readable.join("\n").into_bytes())
}

fn is_root(pem: &str) -> bool {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
}

/// What all clients of a function share.
pub struct Connection {
    region: Region,
    credentials: SharedCredentialsProvider,
    endpoint: Option<String>,
    roots: Option<Vec<u8>>,
    /// Made for the first client: a function that has none is smaller by all that speaks TLS.
    http: OnceCell<SharedHttpClient>,
}

impl Connection {
    /// A connection to a region, or to another endpoint that speaks for it (a local cloud). Endpoints prove
    /// themselves by Amazon's roots, or by those given instead, as [`roots`] gives them.
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

    /// An HTTP client that keeps at most so many idle connections, or as many as there are.
    fn client(&self, max_idle: Option<usize>) -> SharedHttpClient {
        let roots = self.roots.clone().unwrap_or_else(|| AMAZON_ROOTS.to_vec());
        let context = TlsContext::builder()
            .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
            .build()
            // It returns a Result for what a later version may check; this one checks nothing.
            .expect("building it does nothing that fails");
        // It reaches a local cloud without TLS as well: a client for that alone would be compiled in beside it.
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
        let quick = configure!(aws_sdk_sqs::Config::builder(), self)
            .to_builder()
            .timeout_config(timeouts(QUEUE_TIMEOUT, QUEUE_TIMEOUT))
            .build();
        aws_sdk_sqs::Client::from_conf(quick)
    }

    /// An SSM client.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::from_conf(configure!(aws_sdk_ssm::Config::builder(), self))
    }

    /// An SES client that never retries by itself: SES knows no idempotency, so a second attempt after a
    /// lost answer would be a second mail.
    ///
    /// Each mail has a connection of its own. One that has been idle may have been closed by the other side, which a
    /// function that was frozen meanwhile learns only when it writes to it; and then nobody can know whether the mail
    /// was read.
    pub fn ses(&self) -> aws_sdk_ses::Client {
        let once = configure!(aws_sdk_ses::Config::builder(), self)
            .to_builder()
            .http_client(self.client(Some(0)))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(MAIL_TIMEOUT, MAIL_TIMEOUT))
            .build();
        aws_sdk_ses::Client::from_conf(once)
    }
}

fn timeouts(attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(call)
        .build()
}

/// The SDKs have one configuration builder each, of different types with the same methods.
macro_rules! configure {
    ($builder:expr, $connection:ident) => {{
        let mut builder = $builder
            .behavior_version(BehaviorVersion::latest())
            .region($connection.region.clone())
            .credentials_provider($connection.credentials.clone())
            .http_client($connection.http())
            // Watching how fast an answer comes is for long ones: these have the time limits below.
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
    fn all_of_amazons_roots_can_be_read() {
        let five = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let read = String::from_utf8(roots(five).unwrap()).unwrap();
        assert_eq!(read.matches("-----END CERTIFICATE-----").count(), 5);
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_left_out_of_a_bundle() {
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
