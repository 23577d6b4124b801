//! Test support for the AWS adapters: a local DynamoDB, intercepted calls, and scripted services. It is not part of
//! `taskbell-test`, so that tests of the domain do not wait for the AWS SDK.

mod dynamodb;
pub mod intercept;
pub mod service;

pub use dynamodb::Server;
