//! Counters of spaces, and what tasks have been counted as.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taskbell_domain::{
    statistics::{Counters, Counts},
    unknown::Unknown,
};

use super::{Unreadable, unknown};
use crate::dynamodb::{Item, keys};

/// What a task has been counted as: its share of each number, by sort key and word. Kept as it was, so that what
/// was added is what is taken away, also by a later version of the program.
#[derive(Serialize, Deserialize, Default)]
pub(in crate::dynamodb) struct ContributionItem {
    pub(in crate::dynamodb) version: u64,
    counts: BTreeMap<String, BTreeMap<String, i64>>,
    #[serde(flatten, deserialize_with = "unknown")]
    pub(in crate::dynamodb) unknown: Unknown,
}

impl ContributionItem {
    pub(in crate::dynamodb) fn new(version: u64, counts: &Counts, unknown: Unknown) -> Self {
        let words =
            |numbers: &Counters| numbers.iter().map(|(n, many)| (keys::counter(*n), *many)).collect();
        let counts =
            counts.iter().map(|(group, numbers)| (keys::counter_group_sort(group), words(numbers)));
        Self { version, counts: counts.collect(), unknown }
    }

    pub(in crate::dynamodb) fn counts(&self) -> Result<Counts, Unreadable> {
        let mut counts = Counts::new();
        for (sort, words) in &self.counts {
            let group = keys::parse_counter_group(sort).ok_or("group")?;
            let each = words.iter().map(|(word, many)| Some((keys::parse_counter(word)?, *many)));
            counts.insert(group, each.collect::<Option<_>>().ok_or("number")?);
        }
        Ok(counts)
    }
}

/// The numbers in the item of a group.
pub(in crate::dynamodb) fn numbers(item: &Item) -> Counters {
    let each = item.iter().filter_map(|(word, value)| {
        let many: i64 = value.as_n().ok()?.parse().ok()?;
        Some((keys::parse_counter(word)?, many)).filter(|_| many != 0)
    });
    each.collect()
}
