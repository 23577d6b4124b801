//! Comments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    comment::Comment,
    id::{CommentId, TaskId, UserId},
    text::CommentText,
    unknown::Unknown,
};

use super::{InvalidAttribute, unknown};

#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct CommentItem {
    id: CommentId,
    task: TaskId,
    author: UserId,
    text: String,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(flatten, deserialize_with = "unknown")]
    unknown: Unknown,
}

impl From<&Comment> for CommentItem {
    fn from(comment: &Comment) -> Self {
        Self {
            id: comment.id,
            task: comment.task,
            author: comment.author,
            text: comment.text.as_str().to_owned(),
            version: comment.version,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
            unknown: comment.unknown.clone(),
        }
    }
}

impl TryFrom<CommentItem> for Comment {
    type Error = InvalidAttribute;

    fn try_from(item: CommentItem) -> Result<Self, InvalidAttribute> {
        Ok(Self {
            id: item.id,
            task: item.task,
            author: item.author,
            text: CommentText::parse_trusted(&item.text)?,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            unknown: item.unknown,
        })
    }
}
