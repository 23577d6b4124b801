//! The rules of Taskbell, without I/O.
//!
//! Tasks, due times, reminders and accounts, the changes that are allowed, and the delivery of mail. The crate reaches
//! storage, queues and mail through [`ports`] only: its manifest names no AWS, Lambda, HTTP or async runtime crate.

pub mod account_changes;
pub mod account_deletion;
pub mod account_event;
pub mod api_token;
pub mod checklist;
pub mod clock;
pub mod comment;
pub mod credential;
pub mod csv;
pub mod delivery;
pub mod digest;
pub mod due;
pub mod due_days;
pub mod email;
pub mod feed;
pub mod id;
pub mod import;
pub mod invitation;
pub mod list;
pub mod live;
pub mod membership;
mod name;
pub mod notification;
pub mod one_time_code;
pub mod policy;
pub mod ports;
pub mod quota;
pub mod rate_limit;
pub mod recurrence;
pub mod registration;
pub mod reminder;
pub mod search;
pub mod second_factor;
pub mod secret;
pub mod session_label;
pub mod space;
pub mod statistics;
mod string_enum;
pub mod task;
pub mod text;
pub mod timer;
mod timestamp;
pub mod totp;
pub mod unknown;
pub mod user;
pub mod violation;
pub mod zone;
