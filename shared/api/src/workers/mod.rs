//! What runs without anybody calling: `workers/<job>.rs`.

pub mod count_tasks;
pub mod create_signing_key;
mod digests;
pub mod dispatch_due_timers;
mod mail_limits;
mod notices;
mod pace;
pub mod record_mail_events;
pub mod send_reminders;

pub use pace::Pace;
