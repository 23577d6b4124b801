//! The adapters for the domain's ports: DynamoDB, SQS, SES and SSM.
//!
//! The only AWS types in the public interface are the clients that a function's `main` builds from a [`Connection`].

mod channel;
mod connection;
pub mod dynamodb;
mod error;
mod events;
mod mailer;
mod queue;
mod send_boxed;
mod signing_key;

pub use channel::ApiGatewayChannel;
pub use connection::{Connection, Credentials, roots};
pub use events::{LiveEvent, MailEvent, Record, TaskStream, put_json};
pub use mailer::SesMailer;
pub use queue::{SqsPushQueue, SqsTimerQueue, parse_push};
pub use signing_key::SigningKeyParameter;
