//! The browser app.

pub mod get_app;
