//! The API reference as an HTML page.

pub mod get_docs;
