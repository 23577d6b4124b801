//! The keys that sign access tokens.

use std::future::Future;

use super::PortError;

/// Stores the signing keys of the deployment, private keys included.
pub trait SigningKeyStore: Send + Sync {
    /// The decrypted keys, or `None`.
    fn read(&self) -> impl Future<Output = Result<Option<String>, PortError>> + Send;

    /// Replaces the stored keys.
    fn write(&self, keys: &str) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes the keys. Missing keys are not an error.
    fn delete(&self) -> impl Future<Output = Result<(), PortError>> + Send;
}
