//! The adapters behind the domain's ports: DynamoDB, SQS, SES and SSM.
//!
//! No AWS type leaves this crate but the clients that a function's `main` builds from a [`Connection`].

mod connection;
mod custom_resource;
pub mod dynamodb;
mod error;
mod mail_events;
mod mailer;
mod queue;
mod send_boxed;
mod signing_key;
mod task_stream;

pub use connection::{Connection, Credentials, roots};
pub use custom_resource::put_json;
pub use mail_events::MailEvent;
pub use mailer::SesMailer;
pub use queue::SqsTimerQueue;
pub use signing_key::SigningKeyParameter;
pub use task_stream::{Record, TaskStream};
