//! What people say about a task.

use jiff::Timestamp;

use crate::{
    id::{CommentId, TaskId, UserId},
    text::CommentText,
    unknown::Unknown,
};

/// The most comments on one task.
pub const MAX_COMMENTS: u32 = 500;

/// A comment on a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Names it.
    pub id: CommentId,
    /// The task.
    pub task: TaskId,
    /// Who said it, and may change it.
    pub author: UserId,
    /// What they said.
    pub text: CommentText,
    /// Counts its changes.
    pub version: u64,
    /// When it was said.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

impl Comment {
    /// A new comment.
    pub fn new(id: CommentId, task: TaskId, author: UserId, text: CommentText, now: Timestamp) -> Self {
        let unknown = Unknown::default();
        Self { id, task, author, text, version: 1, created_at: now, updated_at: now, unknown }
    }

    /// Changes what it says. Returns whether that is anything else; then the version is one higher.
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
