//! The OpenAPI document.

pub mod get_openapi;
