//! End-to-end tests: what users do with Taskbell, on a deployed stack.

mod accounts;
mod api;
mod changes;
mod lists;
mod live;
mod reminders;
mod spaces;
mod tasks;

use serde_json::Value;

/// No body.
const NONE: &Value = &Value::Null;
