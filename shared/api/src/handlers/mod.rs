//! What each route does: `handlers/<resource>/<verb>.rs`.

pub(crate) mod access;
pub mod actions;
pub mod auth;
pub(crate) mod codes;
pub mod comments;
pub mod counts;
pub(crate) mod delivery;
pub mod health;
pub(crate) mod idempotency;
pub mod invitations;
pub mod me;
pub mod notifications;
pub mod openapi;
pub mod spaces;
pub mod tasks;
pub mod users;

/// How often a change is tried when others change the same thing at the same time. One of them succeeds in
/// every round.
const TRIES: usize = 10;
