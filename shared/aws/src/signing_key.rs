//! The signing keys of the stack, in an SSM parameter (SecureString). Only functions that issue tokens may read it, since it
//! contains the private keys.

use aws_sdk_ssm::{Client, types::ParameterType};
use taskbell_domain::ports::{PortError, SigningKeyStore};

use crate::{
    error::{corrupt, port_error},
    send_boxed::SendBoxed,
};

/// The SSM parameter with the signing keys.
#[derive(Clone)]
pub struct SigningKeyParameter {
    client: Client,
    name: String,
}

impl SigningKeyParameter {
    /// `name` is the name of the parameter.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

impl SigningKeyStore for SigningKeyParameter {
    async fn read(&self) -> Result<Option<String>, PortError> {
        const OPERATION: &str = "reading the signing key";
        let answer =
            self.client.get_parameter().name(&self.name).with_decryption(true).send_boxed().await;
        match answer {
            Ok(answer) => {
                let value = answer.parameter.and_then(|parameter| parameter.value);
                value.map(Some).ok_or_else(|| corrupt(OPERATION, "no value"))
            }
            Err(error) => match error.as_service_error() {
                Some(missing) if missing.is_parameter_not_found() => Ok(None),
                _ => Err(port_error(OPERATION)(error)),
            },
        }
    }

    async fn write(&self, keys: &str) -> Result<(), PortError> {
        let put = self
            .client
            .put_parameter()
            .name(&self.name)
            .value(keys)
            .r#type(ParameterType::SecureString)
            .description("Signs Taskbell's access tokens")
            .overwrite(true);
        put.send_boxed().await.map(drop).map_err(port_error("storing the signing key"))
    }

    async fn delete(&self) -> Result<(), PortError> {
        match self.client.delete_parameter().name(&self.name).send_boxed().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(missing) if missing.is_parameter_not_found() => Ok(()),
                _ => Err(port_error("deleting the signing key")(error)),
            },
        }
    }
}
