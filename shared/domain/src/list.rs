//! Lists of tasks: filters, sort orders and positions.

use std::{fmt, str::FromStr};

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

/// The numbers of tasks that can be requested per page.
pub const PAGE_LIMITS: std::ops::RangeInclusive<u8> = 1..=100;

/// The default number of tasks per page.
pub const DEFAULT_PAGE_LIMIT: u8 = 50;

/// What a list is sorted by. Tasks with equal values are sorted by their creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The due time. Tasks without one come last.
    Due,
    /// The time of creation.
    Created,
    /// The priority, then the due time.
    Priority,
    /// The time of the last change.
    Updated,
    /// The title, ignoring case and accents.
    Title,
}

/// A sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The sort key.
    pub by: SortBy,
    /// Whether the order is reversed. Then tasks without a due time come first.
    pub descending: bool,
}

impl Sort {
    /// The default order: by due time, ascending.
    pub const DEFAULT: Self = Self { by: SortBy::Due, descending: false };

    /// Reads `due`, `created`, `updated`, `priority` or `title`. A leading `-` means descending.
    ///
    /// # Errors
    /// A [`Violation`] with code `unknown_value`.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
        let by = match key {
            "due" => SortBy::Due,
            "created" => SortBy::Created,
            "priority" => SortBy::Priority,
            "updated" => SortBy::Updated,
            "title" => SortBy::Title,
            _ => {
                let why = "It must be due, created, updated, priority or title, or one of them with a leading -.";
                return Err(Violation::new("unknown_value", why));
            }
        };
        Ok(Self { by, descending })
    }
}

/// The conditions of a list. A task must meet all that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// The space.
    pub space: Option<SpaceId>,
    /// The assignee.
    pub assigned_to: Option<UserId>,
    /// Whether completed tasks are excluded.
    pub open: bool,
    /// A term in the title or the description.
    pub search: Option<SearchTerm>,
    /// The status.
    pub status: Option<Status>,
    /// The priority.
    pub priority: Option<Priority>,
    /// The category.
    pub category: Option<Category>,
    /// One of the tags.
    pub tag: Option<Tag>,
    /// The due time is before this instant. Excludes tasks without a due time.
    pub due_before: Option<Timestamp>,
    /// The due time is at this instant or later. Excludes tasks without a due time.
    pub due_after: Option<Timestamp>,
    /// The task is due on these days.
    pub due_days: Option<DueDays>,
}

impl TaskFilter {
    /// Adds the condition that a task is due on some days. Sets `due_after` and `due_before` too, which an index can
    /// serve.
    pub fn due_on(&mut self, days: DueDays) {
        let days = self.due_days.map_or(days, |current| current.and(days));
        let (start, end) = days.bounds();
        self.due_after = self.due_after.max(start);
        self.due_before = Some(self.due_before.map_or(end, |current| current.min(end)));
        self.due_days = Some(days);
    }

    /// Whether a task meets all conditions.
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
            // Last, because it is the slowest condition.
            && self.search.as_ref().is_none_or(|term| {
                term.is_in(task.title.as_str()) || term.is_in(task.description.as_str())
            })
    }
}

/// The set of tasks that a list is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The tasks of a space.
    Space(SpaceId),
    /// The tasks assigned to a user in all spaces. They can be sorted by due time only.
    AssignedTo(UserId),
}

impl Scope {
    /// Whether the scope contains a task.
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
    /// The set of tasks.
    pub scope: Scope,
    /// The conditions.
    pub filter: TaskFilter,
    /// The sort order.
    pub sort: Sort,
    /// The maximum number of tasks.
    pub limit: u8,
    /// The position after which the page starts. `None` means the start of the list.
    pub after: Option<Position>,
}

impl TaskQuery {
    /// The sort key of its positions. Within one priority of a space, the order by due time is the order by priority.
    pub fn key(&self) -> SortBy {
        match (self.sort.by, self.scope) {
            (SortBy::Due, Scope::Space(_)) if self.filter.priority.is_some() => SortBy::Priority,
            (by, _) => by,
        }
    }

    /// The position of a task in this list.
    pub fn position(&self, task: &Task) -> Position {
        Position::of(task, self.key())
    }

    /// Whether the due times of the filter are bounds of its positions.
    pub fn is_bounded_by_due(&self) -> bool {
        match self.key() {
            SortBy::Due => true,
            SortBy::Priority => self.filter.priority.is_some(),
            SortBy::Created | SortBy::Updated | SortBy::Title => false,
        }
    }

    /// Whether `after` is a position of this list: of its sort key, and within its bounds.
    pub fn has_valid_position(&self) -> bool {
        self.after.as_ref().is_none_or(|after| match (&after.key, self.key()) {
            (SortKey::Created, SortBy::Created)
            | (SortKey::Updated(_), SortBy::Updated)
            | (SortKey::Title(_), SortBy::Title) => true,
            (SortKey::Due(due), SortBy::Due) => self.admits_due(*due),
            (SortKey::Priority(priority, due), SortBy::Priority) => {
                let bounded = self.is_bounded_by_due();
                !bounded || (self.filter.priority == Some(*priority) && self.admits_due(*due))
            }
            _ => false,
        })
    }

    fn admits_due(&self, due: DueKey) -> bool {
        let TaskFilter { due_after, due_before, .. } = self.filter;
        match due {
            DueKey::At(at) => {
                due_after.is_none_or(|start| start <= at) && due_before.is_none_or(|end| at < end)
            }
            DueKey::None => due_after.is_none() && due_before.is_none(),
        }
    }
}

/// One page of a list. A page can have fewer tasks than the limit, or none, and still have a next page: the work per page
/// is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub items: Vec<Task>,
    /// The position after which the next page starts. `None` on the last page.
    pub next: Option<Position>,
}

/// The position of a task in a sorted list. Positions of one sort key compare as the tasks are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value that the task is sorted by.
    pub key: SortKey,
    /// The task.
    pub task: TaskId,
}

/// The value that a task is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Only the id, which sorts by creation.
    Created,
    /// The due time.
    Due(DueKey),
    /// The priority and the due time.
    Priority(Priority, DueKey),
    /// The time of the last change.
    Updated(Timestamp),
    /// The start of the title without case and accents.
    Title(String),
}

/// A due time as a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueKey {
    /// A due time.
    At(Timestamp),
    /// No due time: sorts after all due times.
    None,
}

impl Position {
    /// The position of a task in a list sorted by `by`.
    pub fn of(task: &Task, by: SortBy) -> Self {
        let due = task.due_at.map_or(DueKey::None, DueKey::At);
        let key = match by {
            SortBy::Created => SortKey::Created,
            SortBy::Due => SortKey::Due(due),
            SortBy::Priority => SortKey::Priority(task.priority, due),
            SortBy::Updated => SortKey::Updated(task.updated_at),
            SortBy::Title => SortKey::Title(title_key(&task.title)),
        };
        Self { key, task: task.id }
    }
}

/// The position as text, for cursors.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task.body();
        match &self.key {
            SortKey::Created => write!(f, "created {id}"),
            SortKey::Due(due) => write!(f, "due {id} {due}"),
            SortKey::Priority(priority, due) => write!(f, "priority {id} {} {due}", priority.as_str()),
            SortKey::Updated(at) => write!(f, "updated {id} {at}"),
            SortKey::Title(title) => write!(f, "title {id} {title}"),
        }
    }
}

/// The text is not a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut parts = text.splitn(3, ' ');
        let mut part = || parts.next().ok_or(InvalidPosition);
        let (by, id) = (part()?, part()?);
        let key = match by {
            "created" => SortKey::Created,
            "due" => SortKey::Due(part()?.parse()?),
            "priority" => {
                let (priority, due) = part()?.split_once(' ').ok_or(InvalidPosition)?;
                SortKey::Priority(Priority::parse(priority).map_err(|_| InvalidPosition)?, due.parse()?)
            }
            "updated" => SortKey::Updated(part()?.parse().map_err(|_| InvalidPosition)?),
            "title" => SortKey::Title(part()?.to_owned()),
            _ => return Err(InvalidPosition),
        };
        Ok(Self { key, task: TaskId::from_body(id).map_err(|_| InvalidPosition)? })
    }
}

impl fmt::Display for DueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::None => f.write_str("-"),
        }
    }
}

impl FromStr for DueKey {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        match text {
            "-" => Ok(Self::None),
            at => at.parse().map(Self::At).map_err(|_| InvalidPosition),
        }
    }
}

/// The maximum length of the sort key of a title, in characters. At four bytes per character it fits an index key of 1,024
/// bytes.
const MAX_TITLE_KEY: usize = 200;

/// The sort key of a title: its first characters without case and accents. Sort keys are stored, so this must not change.
fn title_key(title: &Title) -> String {
    // In upper case ß is two letters.
    let plain = title.as_str().nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_uppercase);
    plain.flat_map(char::to_lowercase).take(MAX_TITLE_KEY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_order_is_a_key_with_an_optional_minus() {
        assert_eq!(Sort::parse("-due"), Ok(Sort { by: SortBy::Due, descending: true }));
        for bad in ["", "-", "--due", "Due", "titles", "due "] {
            assert_eq!(Sort::parse(bad).unwrap_err().code, "unknown_value", "{bad:?}");
        }
    }

    #[test]
    fn the_sort_key_of_a_title_does_not_change() {
        for (title, key) in [
            ("Élan der Straße", "elan der strasse"),
            ("đường ø", "đuong ø"),
            ("கோட", "கட"),
            ("\u{1e9e} ﬁn İ ①", "ß fin i 1"),
        ] {
            assert_eq!(title_key(&Title::parse(title).unwrap()), key);
        }
        let longest = title_key(&Title::parse(&"\u{fdfa}".repeat(500)).unwrap());
        assert_eq!(longest.chars().count(), MAX_TITLE_KEY);
    }

    #[test]
    fn a_position_is_parsed_from_its_text() {
        let task = TaskId::from_body("01JQ0000000000000000000001").unwrap();
        let at: Timestamp = "1969-12-31T15:00:00Z".parse().unwrap();
        for key in [
            SortKey::Created,
            SortKey::Due(DueKey::At(at)),
            SortKey::Due(DueKey::None),
            SortKey::Priority(Priority::Urgent, DueKey::At(at)),
            SortKey::Priority(Priority::Low, DueKey::None),
            SortKey::Updated(at),
            SortKey::Title("a title - with spaces".to_owned()),
            SortKey::Title(String::new()),
        ] {
            let position = Position { key, task };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for bad in ["", "created", "created x", "due 01JQ0000000000000000000001", "first 1 2"] {
            assert_eq!(bad.parse::<Position>(), Err(InvalidPosition), "{bad:?}");
        }
    }

    #[test]
    fn tasks_without_a_due_time_are_last() {
        let due = |at: i64| DueKey::At(Timestamp::from_second(at).unwrap());
        assert!([due(-1), due(0), due(7_258_118_399), DueKey::None].is_sorted());
    }
}
