//! Comments on tasks.

use jiff::Timestamp;

use crate::{
    id::{CommentId, TaskId, UserId},
    text::CommentText,
    unknown::Unknown,
};

/// The maximum number of comments on a task.
pub const MAX_COMMENTS: u32 = 500;

/// A comment on a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The task.
    pub task: TaskId,
    /// The author, who can change it.
    pub author: UserId,
    /// The text.
    pub text: CommentText,
    /// The number of changes.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Attributes stored by a later version.
    pub unknown: Unknown,
}

impl Comment {
    /// A new comment.
    pub fn new(id: CommentId, task: TaskId, author: UserId, text: CommentText, now: Timestamp) -> Self {
        let unknown = Unknown::default();
        Self { id, task, author, text, version: 1, created_at: now, updated_at: now, unknown }
    }

    /// Changes the text. Returns whether the comment changed; then its version increased by one.
    pub fn edit(&mut self, text: CommentText, now: Timestamp) -> bool {
        let changed = self.text != text;
        if changed {
            self.text = text;
            self.version += 1;
            self.updated_at = now;
        }
        changed
    }
}
