//! Sort keys of the indexes that lists of tasks read.

use jiff::Timestamp;
use taskbell_domain::{
    id::TaskId,
    list::{DueKey, Position, SortBy, SortKey, TaskQuery},
    task::Priority,
};

/// Sorts after every position.
const LAST_POSITION: &str = "\u{10ffff}\u{10ffff}";

/// Sorts after every due time.
const NO_DUE: &str = "~";

/// Sort key of a position in the indexes of tasks. As text, positions sort as the tasks do: instants have a fixed width,
/// and ids sort by creation. In the index by creation the key follows the prefix of the partition.
pub(super) fn position(position: &Position) -> String {
    let id = position.task.body();
    match &position.key {
        SortKey::Created => id,
        SortKey::Due(due) => format!("{}#{id}", due_key(*due)),
        SortKey::Priority(priority, due) => format!("{}#{}#{id}", rank(*priority), due_key(*due)),
        SortKey::Updated(at) => format!("{}#{id}", instant(*at)),
        // Titles have no control characters, so the shorter of two with the same start sorts first.
        SortKey::Title(title) => format!("{title}\u{1}{id}"),
    }
}

/// Reads what [`position`] wrote for a sort key.
pub(super) fn parse_position(by: SortBy, text: &str) -> Option<Position> {
    let (key, id) = text.split_at_checked(text.len().checked_sub(ID_LENGTH)?)?;
    let task = TaskId::from_body(id).ok()?;
    let key = match by {
        SortBy::Created => key.is_empty().then_some(SortKey::Created)?,
        SortBy::Due => SortKey::Due(parse_due_key(key.strip_suffix('#')?)?),
        SortBy::Priority => {
            let (digit, due) = key.strip_suffix('#')?.split_once('#')?;
            let priority =
                Priority::ALL.iter().find(|priority| rank(**priority).to_string() == digit)?;
            SortKey::Priority(*priority, parse_due_key(due)?)
        }
        SortBy::Updated => SortKey::Updated(parse_instant(key.strip_suffix('#')?)?),
        SortBy::Title => SortKey::Title(key.strip_suffix('\u{1}')?.to_owned()),
    };
    Some(Position { key, task })
}

/// Between which sort keys the positions of a query are: from the first, inclusive, to the second, exclusive.
pub(super) fn position_bounds(query: &TaskQuery) -> (String, String) {
    if !query.is_bounded_by_due() {
        return (String::new(), LAST_POSITION.to_owned());
    }
    let priority = query.filter.priority.filter(|_| query.key() == SortBy::Priority);
    let prefix = priority.map_or_else(String::new, |priority| format!("{}#", rank(priority)));
    let start = query.filter.due_after.map_or_else(String::new, instant);
    let end = match (query.filter.due_before, query.filter.due_after) {
        (Some(before), _) => instant(before),
        (None, Some(_)) => NO_DUE.to_owned(),
        (None, None) => LAST_POSITION.to_owned(),
    };
    (format!("{prefix}{start}"), format!("{prefix}{end}"))
}

/// Length of an id without its prefix.
const ID_LENGTH: usize = 26;

/// Added to seconds before 1970, so that they sort as text.
const BEFORE_1970: i64 = 1_000_000_000_000;

/// An instant: seconds since 1970 in ten digits, until the year 2286. Earlier ones count up to 1970 after a minus, which
/// sorts before every digit.
fn instant(at: Timestamp) -> String {
    match at.as_second() {
        before if before < 0 => format!("-{:012}", BEFORE_1970 + before),
        second => format!("{second:010}"),
    }
}

fn parse_instant(text: &str) -> Option<Timestamp> {
    let second = match text.strip_prefix('-') {
        Some(before) => before.parse::<i64>().ok()?.checked_sub(BEFORE_1970)?,
        None => text.parse().ok()?,
    };
    Timestamp::from_second(second).ok()
}

fn due_key(due: DueKey) -> String {
    match due {
        DueKey::At(at) => instant(at),
        DueKey::None => NO_DUE.to_owned(),
    }
}

fn parse_due_key(text: &str) -> Option<DueKey> {
    if text == NO_DUE { Some(DueKey::None) } else { parse_instant(text).map(DueKey::At) }
}

/// The digit of a priority.
fn rank(priority: Priority) -> u8 {
    priority as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_parsed_from_its_sort_key() {
        let task = TaskId::from_body("01JQ0000000000000000000001").unwrap();
        for second in [-62_135_596_800, -86_401, -1, 0, 1, 999_999_999, 7_258_118_399] {
            let at = Timestamp::from_second(second).unwrap();
            for (by, key) in [
                (SortBy::Created, SortKey::Created),
                (SortBy::Due, SortKey::Due(DueKey::At(at))),
                (SortBy::Due, SortKey::Due(DueKey::None)),
                (SortBy::Priority, SortKey::Priority(Priority::Urgent, DueKey::At(at))),
                (SortBy::Priority, SortKey::Priority(Priority::Low, DueKey::None)),
                (SortBy::Updated, SortKey::Updated(at)),
                (SortBy::Title, SortKey::Title("a # title".to_owned())),
            ] {
                let one = Position { key, task };
                assert_eq!(parse_position(by, &position(&one)), Some(one));
            }
        }
        for bad in ["", "x", "é1JQ0000000000000000000000", "1767225600#not-an-id"] {
            for by in [SortBy::Created, SortBy::Due, SortBy::Priority, SortBy::Updated, SortBy::Title] {
                assert_eq!(parse_position(by, bad), None, "{bad:?}");
            }
        }
    }

    #[test]
    fn instants_sort_as_text() {
        let seconds = [
            -62_135_596_800,
            -86_401,
            -50_400,
            -32_400,
            -1,
            0,
            1,
            999_999_999,
            1_000_000_000,
            7_258_118_399,
        ];
        let texts = seconds.map(|second| instant(Timestamp::from_second(second).unwrap()));
        assert!(texts.is_sorted(), "{texts:?}");
    }
}
