//! The caller's own profile.

pub mod become_operator;
pub mod change_email;
pub mod change_password;
pub mod confirm_email;
pub mod delete_account;
pub mod get_profile;
pub mod send_verification;
pub mod update_profile;
