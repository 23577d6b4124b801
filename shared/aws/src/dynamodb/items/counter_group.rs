//! Counter groups of spaces.

use taskbell_domain::statistics::{Counter, Counters};

use crate::dynamodb::Item;

/// The counters of a group that are not 0.
pub(in crate::dynamodb) fn counters(item: &Item) -> Counters {
    let counters = item.iter().filter_map(|(name, value)| {
        let value: i64 = value.as_n().ok()?.parse().ok()?;
        Some((Counter::parse(name)?, value)).filter(|_| value != 0)
    });
    counters.collect()
}
