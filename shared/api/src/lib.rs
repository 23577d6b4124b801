//! What each function does, free of how it is started: handlers for the API's routes, workers for the
//! rest, and what they share.
//!
//! A handler is a function of a [`http::Call`] and the ports it needs; it gives a [`http::Reply`] or a
//! [`http::Problem`]. [`http::respond`] does for all of them what is the same for all.

pub mod endpoint;
mod enqueue_if_soon;
pub mod handlers;
pub mod http;
pub mod keys;
pub mod links;
pub mod mail;
pub mod openapi;
pub mod passwords;
pub mod system;
pub mod tokens;
mod update;
pub mod workers;
