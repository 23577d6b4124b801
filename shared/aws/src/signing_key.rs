//! The private half of the signing key, in an SSM parameter that only functions which issue tokens may
//! read.

use aws_sdk_ssm::{Client, operation::put_parameter::PutParameterError, types::ParameterType};
use taskbell_domain::ports::{PortError, SigningKeyStore};

use crate::{
    error::{corrupt, port_error},
    sent::Sent,
};

/// The parameter, by name.
#[derive(Clone)]
pub struct SigningKeyParameter {
    client: Client,
    name: String,
}

impl SigningKeyParameter {
    /// The parameter with this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

impl SigningKeyStore for SigningKeyParameter {
    async fn read(&self) -> Result<String, PortError> {
        const OPERATION: &str = "reading the signing key";
        let answer = self.client.get_parameter().name(&self.name).with_decryption(true).sent().await;
        let value = answer.map_err(port_error(OPERATION))?.parameter.and_then(|p| p.value);
        value.ok_or_else(|| corrupt(OPERATION, "no value"))
    }

    async fn create(&self, value: &str) -> Result<bool, PortError> {
        let put = self
            .client
            .put_parameter()
            .name(&self.name)
            .value(value)
            .r#type(ParameterType::SecureString)
            .description("Signs Taskbell's access tokens")
            .overwrite(false);
        match put.sent().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutParameterError::ParameterAlreadyExists(_)) => Ok(false),
                _ => Err(port_error("storing the signing key")(error)),
            },
        }
    }

    async fn delete(&self) -> Result<(), PortError> {
        match self.client.delete_parameter().name(&self.name).sent().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(missing) if missing.is_parameter_not_found() => Ok(()),
                _ => Err(port_error("deleting the signing key")(error)),
            },
        }
    }
}
