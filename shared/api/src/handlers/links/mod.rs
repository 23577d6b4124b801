//! The targets of links in mails. They need no access token.

pub mod run_action;
pub mod unsubscribe;
