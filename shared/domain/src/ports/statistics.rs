//! Statistics about the tasks of a space.

use std::future::Future;

use super::{Memberships, PortError};
use crate::{
    id::SpaceId,
    statistics::{Contribution, CounterGroup, CounterGroups, Counters},
};

/// Updates statistics.
pub trait StatisticsUpdates: Send + Sync {
    /// Replaces the recorded contributions of different tasks. What a task has contributed to another space, which it has
    /// left, is subtracted there. Recording a contribution twice has no effect, and one that is older than the recorded one
    /// is ignored. Nothing is subtracted from groups that were deleted with their space.
    fn record_contributions(
        &self,
        contributions: &[Contribution],
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// A page of groups of counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterGroupPage {
    /// The groups in ascending order, without those that have no tasks.
    pub items: Vec<(CounterGroup, Counters)>,
    /// The last group that was read. `None` on the last page.
    pub next: Option<CounterGroup>,
}

/// Reads statistics. Eventually consistent.
pub trait StatisticsReads: Memberships + Quotas {
    /// The groups of a space in a range, after `after`. Without a limit, as many as fit into one response of the store.
    fn counter_groups(
        &self,
        space: SpaceId,
        of: CounterGroups,
        after: Option<CounterGroup>,
        limit: Option<u8>,
    ) -> impl Future<Output = Result<CounterGroupPage, PortError>> + Send;
}

/// Reads the counters that quotas are checked against. Eventually consistent.
pub trait Quotas: Send + Sync {
    /// The counters of all tasks in a space.
    fn counters(&self, space: SpaceId) -> impl Future<Output = Result<Counters, PortError>> + Send;
}
