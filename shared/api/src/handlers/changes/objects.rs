//! Changed objects as they are now.

use std::fmt;

use futures_util::try_join;
use serde::Serialize;
use serde_json::{json, value::RawValue};
use taskbell_domain::{
    feed::Subject,
    id::SpaceId,
    ports::{Comments, SpaceReads},
};

use crate::{
    handlers::{comments, spaces, tasks},
    http::Problem,
};

/// What became of a changed object, as JSON.
pub(crate) enum Found {
    /// A task.
    Task(Box<RawValue>),
    /// A comment.
    Comment(Box<RawValue>),
    /// A member.
    Member(Box<RawValue>),
    /// The space itself, which every member sees differently.
    Space,
    /// It does not exist any more.
    Removed(Box<RawValue>),
}

/// An object of a space as it is now. A task that has moved to another space is removed from this one with its comments: who
/// follows this space may not be a member of the other.
pub(crate) async fn find(
    store: &(impl SpaceReads + Comments),
    space: SpaceId,
    subject: Subject,
) -> Result<Found, Problem> {
    let removed = |kind: &str, id: &dyn fmt::Display| {
        raw(&json!({ "type": kind, "id": id.to_string(), "space": space })).map(Found::Removed)
    };
    match subject {
        Subject::Space => Ok(Found::Space),
        Subject::Task(id) => match store.task(id).await?.filter(|task| task.space == space) {
            Some(task) => raw(&tasks::TaskView::from(&task)).map(Found::Task),
            None => removed("task", &id),
        },
        Subject::Comment(task, id) => {
            let (task, comment) = try_join!(store.task(task), store.comment(task, id))?;
            match comment.filter(|_| task.is_some_and(|task| task.space == space)) {
                Some(comment) => raw(&comments::view(&comment)).map(Found::Comment),
                None => removed("comment", &id),
            }
        }
        Subject::Member(id) => {
            let (found, user) = try_join!(store.space_and_member(space, id), store.user(id))?;
            match found.zip(user) {
                Some(((_, member), user)) => {
                    let mut view = spaces::member_view(&member, &user);
                    view["space"] = json!(space);
                    raw(&view).map(Found::Member)
                }
                None => removed("member", &id),
            }
        }
    }
}

/// A value as JSON.
pub(crate) fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Problem> {
    serde_json::value::to_raw_value(value).map_err(|_| Problem::internal())
}
