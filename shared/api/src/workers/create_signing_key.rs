//! `create-signing-key`, a CloudFormation custom resource: stores the stack's keys, creates a new one for each new version
//! in the template, and returns the keys that verify tokens, links and cursors.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    clock::Clock,
    ports::{PortError, SigningKeyStore},
};

use crate::keys::{InvalidKey, KeyRing};

/// A request of CloudFormation ("Custom resource request objects", CloudFormation template reference).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    request_type: RequestType,
    /// Where the response is sent: a presigned URL, and thus a secret.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    /// The version of the keys. CloudFormation sends every property as a string.
    version: String,
}

#[derive(Deserialize, PartialEq, Eq)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// The response to CloudFormation ("Custom resource response objects").
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    status: &'static str,
    reason: String,
    physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    /// Makes CloudFormation mask the values of `data`.
    no_echo: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    public_keys: String,
    link_keys: String,
    cursor_key: String,
}

impl From<&KeyRing> for Data {
    fn from(keys: &KeyRing) -> Self {
        Self {
            public_keys: keys.public_keys().to_string(),
            link_keys: keys.link_keys().to_string(),
            cursor_key: keys.cursor_key(),
        }
    }
}

/// The physical id. It never changes: with a new one, CloudFormation would delete the "old" resource, and the keys.
const PHYSICAL_ID: &str = "taskbell-signing-key";

#[derive(Debug, thiserror::Error)]
enum SigningKeyError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

/// The wait between two attempts. In a new stack, SSM may deny access for some seconds until the function's role has
/// propagated. ("Changes that I make are not always immediately visible", IAM user guide.)
const PAUSE: Duration = Duration::from_millis(2_500);

/// How long before the end of the invocation the last attempt ends: the response to CloudFormation takes a call, too.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_secs(8);

/// Carries out a request. Returns before `deadline` in any case: without a response, the stack waits until its timeout.
pub async fn handle(
    request: &Request,
    keys: &impl SigningKeyStore,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Response {
    let mut reason = "SSM did not respond in time".to_owned();
    let attempts = async {
        loop {
            match carry_out(request, keys, clock).await {
                Ok(data) => break data,
                Err(error) => {
                    tracing::warn!(%error, "signing key attempt failed");
                    reason = error.to_string();
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let left = deadline.duration_since(clock.now()) - TIME_TO_ANSWER;
    let done = tokio::time::timeout(Duration::try_from(left).unwrap_or_default(), attempts).await;
    let (status, reason, data) = match done {
        Ok(data) => ("SUCCESS", String::new(), data),
        Err(_) => {
            tracing::error!(reason, "signing key could not be created");
            ("FAILED", reason, None)
        }
    };
    let physical_resource_id = request.physical_resource_id.clone();
    Response {
        status,
        reason,
        physical_resource_id: physical_resource_id.unwrap_or_else(|| PHYSICAL_ID.to_owned()),
        stack_id: request.stack_id.clone(),
        request_id: request.request_id.clone(),
        logical_resource_id: request.logical_resource_id.clone(),
        data,
        no_echo: true,
    }
}

async fn carry_out(
    request: &Request,
    keys: &impl SigningKeyStore,
    clock: &dyn Clock,
) -> Result<Option<Data>, SigningKeyError> {
    if request.request_type == RequestType::Delete {
        keys.delete().await?;
        return Ok(None);
    }
    let version = &request.resource_properties.version;
    let stored = keys.read().await?.map(|text| KeyRing::parse(&text));
    let ring = match stored {
        Some(Ok(mut ring)) => {
            if ring.rotate(version, clock.now())? {
                keys.write(&ring.to_text()).await?;
            }
            ring
        }
        invalid_or_missing => {
            if invalid_or_missing.is_some() {
                tracing::error!("stored signing key is invalid and is replaced");
            }
            let ring = KeyRing::generate(version)?;
            keys.write(&ring.to_text()).await?;
            ring
        }
    };
    Ok(Some(Data::from(&ring)))
}
