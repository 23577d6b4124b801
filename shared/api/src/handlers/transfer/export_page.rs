//! What the pages of all formats have in common: where they end, and how tasks are read.

use std::fmt;

use futures_util::future::try_join_all;
use taskbell_domain::{
    id::{CommentId, SpaceId, TaskId},
    list::{self, Scope, Sort, SortBy, SortKey, TaskFilter, TaskQuery},
    ports::TaskReads,
    space::{Role, Space},
    task::Task,
};

use crate::http::{MAX_REQUEST_BODY, Problem};

/// In which order tasks are exported: it never changes, so a task that changes meanwhile is exported once.
const BY_CREATION: Sort = Sort { by: SortBy::Created, descending: false };

/// The maximum size of a page, in bytes: that of an import. Every line and every row is smaller.
pub(super) const MAX_PAGE: usize = MAX_REQUEST_BODY;

/// A space of the caller. A personal one has no role in it.
pub(super) type Shared = Option<(Space, Role)>;

/// A page of one of the formats.
pub(super) trait Page {
    /// Exports the rest of a space. Returns where the next page continues if this one has no more room.
    async fn space(
        &mut self,
        space: SpaceId,
        shared: &Shared,
        after: After,
    ) -> Result<Option<After>, Problem>;
}

/// Up to where in a space the export got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing of the space was exported.
    Nothing,
    /// The space itself, and no task.
    Space,
    /// The task with all its comments.
    Task(TaskId),
    /// The task with its comments up to this one, or none of them.
    Comments(TaskId, Option<CommentId>),
}

/// A position in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) space: SpaceId,
    pub(super) after: After,
}

impl Position {
    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let space = SpaceId::from_body(parts.next()?).ok()?;
        let task = |text: &str| TaskId::from_body(text).ok();
        let after = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => After::Nothing,
            (Some("-"), None, None) => After::Space,
            (Some(of), None, None) => After::Task(task(of)?),
            (Some(of), Some("-"), None) => After::Comments(task(of)?, None),
            (Some(of), Some(last), None) => {
                After::Comments(task(of)?, Some(CommentId::from_body(last).ok()?))
            }
            _ => return None,
        };
        Some(Self { space, after })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = self.space.body();
        match self.after {
            After::Nothing => f.write_str(&space),
            After::Space => write!(f, "{space} -"),
            After::Task(task) => write!(f, "{space} {}", task.body()),
            After::Comments(task, None) => write!(f, "{space} {} -", task.body()),
            After::Comments(task, Some(last)) => write!(f, "{space} {} {}", task.body(), last.body()),
        }
    }
}

/// Tasks of a space after one, at most `limit`. Returns also after which one more can follow.
///
/// The index that lists tasks can be behind: it may still have a task that was deleted, that has changed, or that has moved to a
/// space which the caller may not enter. So the tasks themselves are read, and those that are not in the space are left out. A task
/// that has just been created or moved here can be missing.
pub(super) async fn tasks_after(
    store: &impl TaskReads,
    space: SpaceId,
    after: Option<TaskId>,
    limit: usize,
) -> Result<(Vec<Task>, Option<TaskId>), Problem> {
    let query = TaskQuery {
        scope: Scope::Space(space),
        filter: TaskFilter::default(),
        sort: BY_CREATION,
        limit: u8::try_from(limit).unwrap_or(u8::MAX),
        after: after.map(|task| list::Position { key: SortKey::Created, task }),
    };
    let found = store.list(&query).await?;
    let next = found.next.map(|next| next.task);
    let tasks = try_join_all(found.items.iter().map(|task| store.task(task.id))).await?;
    Ok((tasks.into_iter().flatten().filter(|task| task.space == space).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        const ID: &str = "01JQ0000000000000000000001";
        let (task, comment) = (TaskId::from_body(ID).unwrap(), CommentId::from_body(ID).unwrap());
        for after in [
            After::Nothing,
            After::Space,
            After::Task(task),
            After::Comments(task, None),
            After::Comments(task, Some(comment)),
        ] {
            let position = Position { space: SpaceId::from_body(ID).unwrap(), after };
            assert_eq!(Position::parse(&position.to_string()), Some(position));
        }
        for bad in
            ["", "x", &format!("{ID} x"), &format!("{ID} {ID} x"), &format!("{ID} {ID} {ID} {ID}")]
        {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
