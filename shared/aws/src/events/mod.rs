//! The events that Lambda delivers to functions, and the answer that CloudFormation expects.

mod custom_resource;
mod live_event;
pub(crate) mod mail_event;
mod task_stream;

pub use custom_resource::put_json;
pub use live_event::LiveEvent;
pub use mail_event::MailEvent;
pub use task_stream::{Record, TaskStream};
