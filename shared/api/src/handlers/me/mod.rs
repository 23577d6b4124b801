//! The caller's own profile.

pub mod become_operator;
pub mod get_profile;
pub mod send_verification;
pub mod update_profile;
