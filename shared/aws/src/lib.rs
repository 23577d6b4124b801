//! The adapters behind the domain's ports: DynamoDB, SQS, SES and SSM.
//!
//! No AWS type leaves this crate but the clients that a function's `main` builds from a [`Connection`].

mod connection;
pub mod dynamodb;
mod error;
mod events;
mod mailer;
mod queue;
mod send_boxed;
mod signing_key;

pub use connection::{Connection, Credentials, roots};
pub use events::{MailEvent, Record, TaskStream, put_json};
pub use mailer::SesMailer;
pub use queue::SqsTimerQueue;
pub use signing_key::SigningKeyParameter;
