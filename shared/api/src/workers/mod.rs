//! What runs without anybody calling: `workers/<job>.rs`.

pub mod create_signing_key;
mod digests;
pub mod dispatch_due_timers;
mod mail_limits;
mod notifications;
mod pace;
pub mod record_mail_events;
pub mod send_reminders;
pub mod update_statistics;

pub use pace::Pace;
