//! Lists of tasks: what can be asked for, and in which order it comes.

use jiff::Timestamp;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{
    due_days::DueDays,
    id::{SpaceId, TaskId, UserId},
    search::SearchTerm,
    task::{Priority, Status, Task},
    text::{Category, Tag, Title},
    violation::Violation,
};

/// The fewest and the most tasks a page can be asked to have.
pub const PAGE_LIMITS: std::ops::RangeInclusive<u8> = 1..=100;

/// How many tasks a page has when nobody says.
pub const DEFAULT_PAGE_LIMIT: u8 = 50;

/// What a list is sorted by. Equal keys are in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The due time; tasks without one come last.
    Due,
    /// The time of creation.
    Created,
    /// The priority, the least first; then the due time.
    Priority,
    /// The time of the last change.
    Updated,
    /// The title, without case and accents.
    Title,
}

/// A sorting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The key.
    pub by: SortBy,
    /// The whole order turned round: tasks without a due time come first then.
    pub descending: bool,
}

impl Sort {
    /// The order when nobody says.
    pub const DEFAULT: Self = Self { by: SortBy::Due, descending: false };

    /// Reads `due`, `created`, `updated`, `priority` or `title`, with a `-` before it for the reverse.
    ///
    /// # Errors
    /// A [`Violation`] with code `unknown_value`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let by = match word {
            "due" => SortBy::Due,
            "created" => SortBy::Created,
            "priority" => SortBy::Priority,
            "updated" => SortBy::Updated,
            "title" => SortBy::Title,
            _ => {
                let why = "It must be due, created, updated, priority or title, or one of them after a minus.";
                return Err(Violation::new("unknown_value", why));
            }
        };
        Ok(Self { by, descending })
    }
}

/// Which tasks are wanted. All conditions that are there must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// In this space.
    pub space: Option<SpaceId>,
    /// Assigned to this user.
    pub assigned_to: Option<UserId>,
    /// Not completed.
    pub open: bool,
    /// With this in their title or description.
    pub search: Option<SearchTerm>,
    /// With this status.
    pub status: Option<Status>,
    /// With this priority.
    pub priority: Option<Priority>,
    /// In this category.
    pub category: Option<Category>,
    /// With this tag among theirs.
    pub tag: Option<Tag>,
    /// Due before this instant; tasks without a due time are not.
    pub due_before: Option<Timestamp>,
    /// Due at this instant or later; tasks without a due time are not.
    pub due_after: Option<Timestamp>,
    /// Due on these days.
    pub due_days: Option<DueDays>,
}

impl TaskFilter {
    /// Narrows it to what is due on some days, and so to the instants between which all of that lies, which an index
    /// can find.
    pub fn due_on(&mut self, days: DueDays) {
        let days = self.due_days.map_or(days, |present| present.and(days));
        let (start, end) = days.bounds();
        self.due_after = self.due_after.max(start);
        self.due_before = Some(self.due_before.map_or(end, |present| present.min(end)));
        self.due_days = Some(days);
    }

    /// Whether the filter lets the task through.
    pub fn admits(&self, task: &Task) -> bool {
        self.space.is_none_or(|space| task.space == space)
            && self.assigned_to.is_none_or(|user| task.assigned_to == Some(user))
            && !(self.open && task.status == Status::Completed)
            && self.status.is_none_or(|status| task.status == status)
            && self.priority.is_none_or(|priority| task.priority == priority)
            && self.category.as_ref().is_none_or(|category| task.category.as_ref() == Some(category))
            && self.tag.as_ref().is_none_or(|tag| task.tags.contains(tag))
            && self.due_before.is_none_or(|end| task.due_at.is_some_and(|due| due < end))
            && self.due_after.is_none_or(|start| task.due_at.is_some_and(|due| due >= start))
            && self.due_days.is_none_or(|days| days.admit(task))
            // The last, since it takes the longest.
            && self.search.as_ref().is_none_or(|term| {
                term.is_in(task.title.as_str()) || term.is_in(task.description.as_str())
            })
    }
}

/// Whose tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of a space.
    Space(SpaceId),
    /// Those that are assigned to a user, in all spaces; sorted by due time only.
    AssignedTo(UserId),
}

impl Scope {
    /// Whether the task is among them.
    pub fn holds(&self, task: &Task) -> bool {
        match self {
            Self::Space(space) => task.space == *space,
            Self::AssignedTo(user) => task.assigned_to == Some(*user),
        }
    }
}

/// A request for one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    /// Whose tasks are listed.
    pub scope: Scope,
    /// Which of them.
    pub filter: TaskFilter,
    /// In which order.
    pub sort: Sort,
    /// At most how many.
    pub limit: u8,
    /// Behind which position, one of those between [`TaskQuery::bounds`]; none is the beginning.
    pub after: Option<Position>,
}

/// Sorts behind every position: those of tasks without a due time, and those of titles in any script.
const END: &str = "\u{10ffff}\u{10ffff}";

impl TaskQuery {
    /// What its positions are made of. Within one priority of a space, tasks by due time stand as they do by
    /// priority.
    fn positions_by(&self) -> SortBy {
        match (self.sort.by, self.scope) {
            (SortBy::Due, Scope::Space(_)) if self.filter.priority.is_some() => SortBy::Priority,
            (by, _) => by,
        }
    }

    /// The position of a task in this list.
    pub fn position(&self, task: &Task) -> Position {
        Position::of(task, self.positions_by())
    }

    /// How the positions of all its tasks begin before their due time; nothing if the due time does not follow, and
    /// the filter's due times say nothing about positions.
    fn before_due(&self) -> Option<String> {
        match (self.positions_by(), self.filter.priority) {
            (SortBy::Due, _) => Some(String::new()),
            (SortBy::Priority, Some(priority)) => Some(format!("{}#", rank(priority))),
            _ => None,
        }
    }

    /// Whether a task is due within the filter's times if, and only if, its position is between the bounds.
    pub fn is_bounded_by_due(&self) -> bool {
        self.before_due().is_some()
    }

    /// Between which positions all its tasks stand: from the first, inclusive, to the second, exclusive.
    pub fn bounds(&self) -> (String, String) {
        let Some(prefix) = self.before_due() else { return (String::new(), END.to_owned()) };
        let start = self.filter.due_after.map_or_else(String::new, moment);
        let end = match (self.filter.due_before, self.filter.due_after) {
            (Some(before), _) => moment(before),
            (None, Some(_)) => NO_DUE.to_owned(),
            (None, None) => END.to_owned(),
        };
        (format!("{prefix}{start}"), format!("{prefix}{end}"))
    }

    /// Whether it can go on behind its position: it is one, and stands between the bounds.
    pub fn can_go_on(&self) -> bool {
        let (start, end) = self.bounds();
        self.after.as_ref().is_none_or(|after| {
            after.task().is_some() && (start.as_str()..end.as_str()).contains(&after.0.as_str())
        })
    }
}

/// One page. It can be short of the limit, even empty, and still have a next one: the work that one page
/// may cost is bounded, and a rare match can lie beyond the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// Where the next page begins; none after the last.
    pub next: Option<Position>,
}

/// A place in a sorted list: the sort key of the last task that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub String);

/// Sorts behind every instant, and so puts tasks without a due time last.
const NO_DUE: &str = "~";

impl Position {
    /// The place of a task in a list of that order. As text, places sort as the tasks do: instants have a
    /// fixed width, and ids sort by creation.
    pub fn of(task: &Task, by: SortBy) -> Self {
        let id = task.id.body();
        let due = || task.due_at.map_or_else(|| NO_DUE.to_owned(), moment);
        Self(match by {
            SortBy::Created => id,
            SortBy::Due => format!("{}#{id}", due()),
            SortBy::Priority => format!("{}#{}#{id}", rank(task.priority), due()),
            SortBy::Updated => format!("{}#{id}", moment(task.updated_at)),
            SortBy::Title => {
                let title = title_key(&task.title);
                // No title has a control character, so the shorter of two that begin alike comes first.
                format!("{title}\u{1}{id}")
            }
        })
    }

    /// The task that stands at the place; none if this is not a place at all.
    pub fn task(&self) -> Option<TaskId> {
        let start = self.0.len().checked_sub(TASK_ID_LENGTH)?;
        TaskId::from_body(self.0.get(start..)?).ok()
    }
}

/// How the position of a title begins: without case and accents. Positions are stored, so this must not change.
fn title_key(title: &Title) -> String {
    // By way of the upper case, in which the sharp s is two letters.
    let plain = title.as_str().nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_uppercase);
    plain.flat_map(char::to_lowercase).take(TITLE_KEY).collect()
}

/// How much of a title counts for its place, in characters: with four bytes each it fits a sort key (1,024
/// bytes, DynamoDB quotas).
const TITLE_KEY: usize = 200;

const TASK_ID_LENGTH: usize = 26;

/// An instant in a position: seconds since 1970 in ten digits, which last until the year 2286. What lies before counts
/// up to them behind a minus, which sorts before every digit.
pub fn moment(at: Timestamp) -> String {
    match at.as_second() {
        before if before < 0 => format!("-{:012}", 1_000_000_000_000 + before),
        second => format!("{second:010}"),
    }
}

/// The digit that stands for a priority in a position.
pub fn rank(priority: Priority) -> u8 {
    priority as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_is_a_word_with_an_optional_minus() {
        assert_eq!(Sort::parse("-due"), Ok(Sort { by: SortBy::Due, descending: true }));
        for bad in ["", "-", "--due", "Due", "titles", "due "] {
            assert_eq!(Sort::parse(bad).unwrap_err().code, "unknown_value", "{bad:?}");
        }
    }

    #[test]
    fn the_key_of_a_title_is_the_one_that_is_stored() {
        for (title, key) in [
            ("Élan der Straße", "elan der strasse"),
            ("đường ø", "đuong ø"),
            ("கோட", "கட"),
            ("\u{1e9e} ﬁn İ ①", "ß fin i 1"),
        ] {
            assert_eq!(title_key(&Title::parse(title).unwrap()), key);
        }
        let longest = title_key(&Title::parse(&"\u{fdfa}".repeat(500)).unwrap());
        assert_eq!(longest.chars().count(), TITLE_KEY);
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
        let texts = seconds.map(|second| moment(Timestamp::from_second(second).unwrap()));
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn a_position_that_is_none_names_no_task() {
        for bad in ["", "x", "é1JQ0000000000000000000000", "1767225600#not-an-id"] {
            assert_eq!(Position(bad.to_owned()).task(), None, "{bad:?}");
        }
    }
}
