//! Running requests and invocations.

use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};

use super::cloud::SesEvent;
use crate::support::Answer;

/// The result of an actor.
pub(super) enum Done {
    /// The response to a request.
    Request(Answer),
    /// A dispatch run, or one of `finish-deletions`.
    Dispatch,
    /// The failed messages of a batch.
    Batch(Vec<u64>),
    /// An SES event, if it could not be recorded.
    DeliveryEvent(Option<SesEvent>),
}

/// A running request or invocation.
pub(super) struct Actor<'a> {
    pub(super) kind: &'static str,
    pub(super) skew: SignedDuration,
    pub(super) times_out_at: Timestamp,
    /// Whether it waits for a time.
    pub(super) stalled: bool,
    /// The messages that it has received.
    pub(super) messages: Vec<u64>,
    pub(super) work: Pin<Box<dyn Future<Output = Done> + 'a>>,
}
