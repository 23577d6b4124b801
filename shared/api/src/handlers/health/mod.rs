//! Whether the API answers.

pub mod get_health;
