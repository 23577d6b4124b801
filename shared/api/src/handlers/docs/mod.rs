//! The reference of the API, for people.

pub mod get_docs;
