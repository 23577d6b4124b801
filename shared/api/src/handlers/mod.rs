//! What each route does: `handlers/<resource>/<verb>.rs`.

pub mod auth;
pub mod health;
pub mod me;
pub mod tasks;

/// How often a change is tried when others change the same thing at the same time. One of them succeeds in
/// every round.
const TRIES: usize = 10;
