//! The description of the API.

pub mod get_openapi;
