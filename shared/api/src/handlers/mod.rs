//! What each route does: `handlers/<resource>/<verb>.rs`.

pub mod auth;
pub mod health;
pub mod me;
pub mod tasks;
