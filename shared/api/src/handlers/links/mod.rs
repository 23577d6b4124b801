//! What links in emails open, without logging in.

pub mod run_action;
pub mod unsubscribe;
