//! The health check.

pub mod get_health;
