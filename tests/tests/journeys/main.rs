//! End-to-end tests: what users do with Taskbell, on a deployed stack.

mod accounts;
mod api;
mod api_tokens;
mod changes;
mod lists;
mod live;
mod own_account;
mod reminders;
mod spaces;
mod tasks;
mod transfer;

use serde_json::Value;

/// No body.
const NONE: &Value = &Value::Null;
