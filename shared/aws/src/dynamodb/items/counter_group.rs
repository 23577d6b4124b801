//! Counter groups of spaces.

use taskbell_domain::statistics::Counters;

use crate::dynamodb::{Item, keys};

/// The counters of a group that are not 0.
pub(in crate::dynamodb) fn counters(item: &Item) -> Counters {
    let counters = item.iter().filter_map(|(name, value)| {
        let value: i64 = value.as_n().ok()?.parse().ok()?;
        Some((keys::parse_counter(name)?, value)).filter(|_| value != 0)
    });
    counters.collect()
}
