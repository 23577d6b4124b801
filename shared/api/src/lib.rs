//! The logic of every function, independent of the Lambda runtime: handlers for API routes, workers for queues, streams
//! and schedules, and shared modules.
//!
//! A handler takes an [`http::Call`] and the ports it needs, and returns an [`http::Reply`] or an [`http::Problem`].
//! [`http::respond`] adds what all responses have in common.

mod access;
mod account_deletion;
mod assignments;
pub mod endpoint;
mod enqueue_if_soon;
pub mod handlers;
pub mod http;
pub mod keys;
pub mod links;
pub mod live;
mod log_id;
pub mod logging;
pub mod mail;
pub mod metrics;
pub mod openapi;
pub mod passwords;
mod profiles;
pub mod system;
pub mod tokens;
pub mod trace;
mod update;
pub mod workers;
