//! Contributions of tasks to the statistics of their space.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taskbell_domain::{
    id::SpaceId,
    statistics::{Counters, GroupCounters},
    unknown::Unknown,
};

use super::{InvalidAttribute, unknown};
use crate::dynamodb::keys;

/// What a task has added to each counter, by sort key of the group and name of the counter. Stored as it was added, so
/// that exactly this is subtracted later, also by a later version of the program.
#[derive(Serialize, Deserialize, Default)]
pub(in crate::dynamodb) struct ContributionItem {
    pub(in crate::dynamodb) version: u64,
    /// The space whose counters have it. Absent in items that are older than moves between spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::dynamodb) space: Option<SpaceId>,
    counts: BTreeMap<String, BTreeMap<String, i64>>,
    #[serde(flatten, deserialize_with = "unknown")]
    pub(in crate::dynamodb) unknown: Unknown,
}

impl ContributionItem {
    pub(in crate::dynamodb) fn new(
        version: u64,
        space: SpaceId,
        counts: &GroupCounters,
        unknown: Unknown,
    ) -> Self {
        let named = |counters: &Counters| {
            counters.iter().map(|(counter, value)| (keys::counter(*counter), *value)).collect()
        };
        let counts =
            counts.iter().map(|(group, counters)| (keys::counter_group_sort(group), named(counters)));
        Self { version, space: Some(space), counts: counts.collect(), unknown }
    }

    pub(in crate::dynamodb) fn counts(&self) -> Result<GroupCounters, InvalidAttribute> {
        let mut counts = GroupCounters::new();
        for (sort, named) in &self.counts {
            let group = keys::parse_counter_group(sort).ok_or("group")?;
            let counters = named.iter().map(|(name, value)| Some((keys::parse_counter(name)?, *value)));
            counts.insert(group, counters.collect::<Option<_>>().ok_or("counter")?);
        }
        Ok(counts)
    }
}
