//! Tests of the API and the workers, driven by the event files in `events/`, on the in-memory store and, where
//! concurrency, calls or capacity matter, on DynamoDB.

mod access;
mod accounts;
mod alarms;
mod authorization;
mod bad_input;
mod batch;
mod budget;
mod comments;
mod concurrency;
mod conflicts;
mod cursors;
mod deadlines;
mod described;
mod digests;
mod documented_values;
#[path = "../../../aws/tests/support/mod.rs"]
mod dynamodb_server;
mod faults;
mod functions;
mod generated;
mod head;
mod hostile;
mod idempotency;
#[path = "../../../aws/tests/support/intercept.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod intercept;
mod invitations;
mod limits;
mod links;
mod lists;
mod mail_limits;
mod mailboxes;
mod mails;
mod meter;
mod openapi;
mod operators;
mod pace;
mod races;
mod recurrence;
mod reminders;
mod roles;
mod scale;
mod schemas;
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
