//! The API and the workers without the cloud: driven by the files in `events/`, on the in-memory store and,
//! where calls and capacity are counted, on DynamoDB.

mod access;
mod accounts;
mod alarms;
mod authorization;
mod bad_input;
mod batch;
mod budget;
mod comments;
mod cursors;
mod deadlines;
mod digests;
#[path = "../../../aws/tests/support/mod.rs"]
mod dynamodb_server;
mod faults;
mod functions;
mod head;
mod hostile;
mod idempotency;
#[path = "../../../aws/tests/support/intercept.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod intercept;
mod limits;
mod links;
mod lists;
mod mail_limits;
mod mailboxes;
mod mails;
mod once;
mod openapi;
mod operators;
mod pace;
mod promises;
mod races;
mod recurrence;
mod reminders;
mod roles;
mod scale;
mod search;
mod sessions;
mod signing_key;
mod simulation;
mod sizes;
mod snapshots;
mod spaces;
mod statistics;
mod support;
mod tasks;
mod template;
