//! `create-signing-key`, a CloudFormation custom resource: makes the stack's key pair once, and tells the
//! stack its public half, and the key for cursors that comes from it.

use serde::{Deserialize, Serialize};
use taskbell_domain::ports::{PortError, SigningKeyStore};

use crate::tokens::SigningKey;

/// What CloudFormation asks ("Custom resource request objects", CloudFormation template reference).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    request_type: RequestType,
    /// Where the answer goes: a presigned URL, so a secret.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// What CloudFormation is told ("Custom resource response objects").
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    status: &'static str,
    reason: String,
    physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    data: Data,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    #[serde(skip_serializing_if = "String::is_empty")]
    public_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor_key: String,
}

impl From<SigningKey> for Data {
    fn from(key: SigningKey) -> Self {
        Self { public_key: key.public_key(), cursor_key: key.cursor_key() }
    }
}

/// The physical id. It stays the same for ever: a new one would make CloudFormation delete the "old" key.
const PHYSICAL_ID: &str = "taskbell-signing-key";

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Key(#[from] crate::tokens::InvalidKey),
}

/// Does what is asked. It always has an answer: a stack that gets none waits for an hour.
pub async fn handle(request: &Request, keys: &impl SigningKeyStore) -> Answer {
    let result = match request.request_type {
        RequestType::Create | RequestType::Update => ensure(keys).await,
        RequestType::Delete => keys.delete().await.map(|()| Data::default()).map_err(Failure::from),
    };
    let (status, reason, data) = match result {
        Ok(data) => ("SUCCESS", String::new(), data),
        Err(error) => {
            tracing::error!(%error, "the signing key could not be made");
            ("FAILED", error.to_string(), Data::default())
        }
    };
    let known_as = request.physical_resource_id.clone();
    Answer {
        status,
        reason,
        physical_resource_id: known_as.unwrap_or_else(|| PHYSICAL_ID.to_owned()),
        stack_id: request.stack_id.clone(),
        request_id: request.request_id.clone(),
        logical_resource_id: request.logical_resource_id.clone(),
        data,
    }
}

/// What the stack may know of its key, which is made if there is none. An existing one is kept: a new key
/// would void every token.
async fn ensure(keys: &impl SigningKeyStore) -> Result<Data, Failure> {
    let key = SigningKey::generate()?;
    if keys.create(&key.to_text()).await? {
        return Ok(key.into());
    }
    Ok(SigningKey::parse(&keys.read().await?)?.into())
}
