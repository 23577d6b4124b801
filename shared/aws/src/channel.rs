//! The management API of a WebSocket API: sends to connections, and closes them.
//!
//! Source: "Use @connections commands in your backend service", Amazon API Gateway developer guide.

use aws_sdk_apigatewaymanagement::{Client, primitives::Blob};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use taskbell_domain::ports::{LiveChannel, PortError, Reached};

use crate::{error::port_error, send_boxed::SendBoxed};

/// The connections of the WebSocket API.
#[derive(Clone)]
pub struct ApiGatewayChannel(Client);

impl ApiGatewayChannel {
    /// The connections that `client` manages.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

/// Whether the connection has ended (410).
fn is_gone<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == 410)
}

impl LiveChannel for ApiGatewayChannel {
    async fn send(&self, connection: &str, message: &str) -> Result<Reached, PortError> {
        let data = Blob::new(message);
        let post = self.0.post_to_connection().connection_id(connection).data(data);
        match post.send_boxed().await {
            Ok(_) => Ok(Reached::Yes),
            Err(error) if is_gone(&error) => Ok(Reached::Gone),
            Err(error) => Err(port_error("sending to a live connection")(error)),
        }
    }

    async fn close(&self, connection: &str) -> Result<(), PortError> {
        let delete = self.0.delete_connection().connection_id(connection);
        match delete.send_boxed().await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(port_error("closing a live connection")(error)),
        }
    }
}
