//! Numbers of spaces, and what tasks have been counted as.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taskbell_domain::{
    counts::{Counts, Number, Numbers},
    unknown::Unknown,
};

use super::{Unreadable, unknown};
use crate::dynamodb::{Item, keys};

/// What a task has been counted as: its share of each number, by sort key and word. Kept as it was, so that what
/// was added is what is taken away, also by a later version of the program.
#[derive(Serialize, Deserialize, Default)]
pub(in crate::dynamodb) struct CountedItem {
    pub(in crate::dynamodb) version: u64,
    counts: BTreeMap<String, BTreeMap<String, i64>>,
    #[serde(flatten, deserialize_with = "unknown")]
    pub(in crate::dynamodb) unknown: Unknown,
}

impl CountedItem {
    pub(in crate::dynamodb) fn new(version: u64, counts: &Counts, unknown: Unknown) -> Self {
        let words = |numbers: &Numbers| numbers.iter().map(|(n, many)| (n.word(), *many)).collect();
        let counts = counts.iter().map(|(tally, numbers)| (keys::tally_sort(tally), words(numbers)));
        Self { version, counts: counts.collect(), unknown }
    }

    pub(in crate::dynamodb) fn counts(&self) -> Result<Counts, Unreadable> {
        let mut counts = Counts::new();
        for (sort, words) in &self.counts {
            let tally = keys::parse_tally(sort).ok_or("tally")?;
            let each = words.iter().map(|(word, many)| Some((Number::parse(word)?, *many)));
            counts.insert(tally, each.collect::<Option<_>>().ok_or("number")?);
        }
        Ok(counts)
    }
}

/// The numbers in the item of a tally.
pub(in crate::dynamodb) fn numbers(item: &Item) -> Numbers {
    let each = item.iter().filter_map(|(word, value)| {
        let many: i64 = value.as_n().ok()?.parse().ok()?;
        Some((Number::parse(word)?, many)).filter(|_| many != 0)
    });
    each.collect()
}
