//! Positions in the feeds of several spaces: what a cursor contains.

use std::{collections::BTreeMap, fmt};

use taskbell_domain::{
    feed::{FeedEntry, FeedHead, Subject},
    id::SpaceId,
};

/// A position in the feed of each space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions(pub(super) BTreeMap<SpaceId, u64>);

/// The position in a space that is being deleted, so that it is reported once.
pub(super) const HIDDEN: u64 = u64::MAX;

impl Positions {
    /// The spaces whose position is behind the end of their feed: it has ended, or the table was restored.
    pub(super) fn without_feed(&self, heads: &BTreeMap<SpaceId, FeedHead>) -> Vec<SpaceId> {
        let end = |space: &SpaceId| heads.get(space).map_or(0, |head| head.sequence);
        let is_lost = |(space, after): &(&SpaceId, &u64)| **after > end(space) && **after != HIDDEN;
        self.0.iter().filter(is_lost).map(|(space, _)| *space).collect()
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| {
            let (space, sequence) = part.split_once(':')?;
            Some((SpaceId::from_body(space).ok()?, sequence.parse().ok()?))
        };
        text.split_terminator(' ').map(part).collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(space, sequence)| write!(f, "{}:{sequence} ", space.body()))
    }
}

/// Changed objects, each once, and up to where in the feeds they reach.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The objects, in the order of their first change.
    pub(super) objects: Vec<(SpaceId, Subject)>,
    /// For each entry: its space, its number, and how many of the objects are changed up to it.
    entries: Vec<(SpaceId, u64, usize)>,
}

impl Taken {
    /// Takes entries of a space until there are `end` objects.
    pub(super) fn take(&mut self, space: SpaceId, entries: &[FeedEntry], end: usize) {
        for entry in entries {
            let object = (space, entry.change.subject);
            if !self.objects.contains(&object) {
                if self.objects.len() >= end {
                    return;
                }
                self.objects.push(object);
            }
            self.entries.push((space, entry.sequence, self.objects.len()));
        }
    }

    /// Moves positions behind the entries of the first `objects` objects.
    pub(super) fn advance(&self, objects: usize, positions: &mut Positions) {
        let covered = self.entries.iter().take_while(|(_, _, needed)| *needed <= objects);
        positions.0.extend(covered.map(|(space, sequence, _)| (*space, *sequence)));
    }
}

/// The spaces in which something happened after the positions.
pub(super) fn changed(
    positions: &Positions,
    heads: &BTreeMap<SpaceId, FeedHead>,
) -> Vec<(SpaceId, u64)> {
    let is_behind =
        |(space, after): &(SpaceId, u64)| heads.get(space).is_some_and(|head| head.sequence > *after);
    positions.0.iter().map(|(space, after)| (*space, *after)).filter(is_behind).collect()
}

#[cfg(test)]
mod tests {
    use taskbell_domain::feed::{Change, Operation};
    use taskbell_test::fixtures::user;

    use super::*;

    fn space(number: u64) -> SpaceId {
        SpaceId::personal(user(number).id)
    }

    fn entries(members: &[u64]) -> Vec<FeedEntry> {
        let entry = |(sequence, member): (u64, &u64)| {
            let (subject, operation) = (Subject::Member(user(*member).id), Operation::Updated);
            FeedEntry { sequence, change: Change { id: String::new(), subject, operation, version: 0 } }
        };
        (1..).zip(members).map(entry).collect()
    }

    #[test]
    fn positions_are_read_as_they_were_written() {
        for positions in [vec![], vec![(space(1), 0)], vec![(space(1), 7), (space(2), u64::MAX)]] {
            let positions = Positions(positions.into_iter().collect());
            assert_eq!(Positions::parse(&positions.to_string()), Some(positions));
        }
        for bad in [":", "x:1", "01JQ0000000000000000000001", "01JQ0000000000000000000001:-1 "] {
            assert_eq!(Positions::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_entry_up_to_a_position_is_of_an_object_that_was_taken() {
        let mut taken = Taken::default();
        taken.take(space(1), &entries(&[1, 2, 1]), 4);
        taken.take(space(2), &entries(&[1, 1, 3, 1, 4, 1]), 4);
        assert_eq!(taken.objects.len(), 4, "the last one is beyond the limit");
        let after = |objects| {
            let mut positions = Positions::default();
            taken.advance(objects, &mut positions);
            (positions.0.get(&space(1)).copied(), positions.0.get(&space(2)).copied())
        };
        assert_eq!(after(4), (Some(3), Some(4)));
        assert_eq!(after(3), (Some(3), Some(2)));
        assert_eq!(after(2), (Some(3), None));
        assert_eq!(after(1), (Some(1), None));
        assert_eq!(after(0), (None, None));
    }
}
