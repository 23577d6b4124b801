//! Functions that are not invoked by the API: `workers/<binary name>.rs`, and the parts of `send-reminders`.

pub mod connect_live;
pub mod create_signing_key;
mod delivery;
mod digests;
pub mod disconnect_live;
pub mod dispatch_due_timers;
pub mod finish_deletions;
mod invitations;
mod mail_limits;
mod notifications;
mod offer;
mod outcomes;
mod pace;
pub mod push_changes;
pub mod receive_live;
mod recipients;
pub mod record_mail_events;
pub mod relay_changes;
mod reminders;
pub mod send_reminders;
mod stream;
pub mod update_statistics;

pub use pace::Pace;
