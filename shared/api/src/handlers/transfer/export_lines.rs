//! A page of an export as lines, each a JSON object with a `type`: the caller's account; then each space, followed by its tasks,
//! each followed by its comments.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use taskbell_domain::{
    comment::Comment,
    due::Due,
    id::{CommentId, SpaceId, TaskId, UserId},
    ports::{CommentPage, Comments, SpaceReads},
    space::Member,
    user::User,
};

use super::{
    FORMAT,
    export_page::{After, MAX_PAGE, Page, Shared, tasks_after},
    import_request::MAX_LINES,
};
use crate::{
    endpoint::NDJSON,
    handlers::{
        comments,
        spaces::{member_view, personal_view, space_view},
        tasks::TaskView,
    },
    http::{Problem, Reply},
    profiles::profile_view,
};

/// Of how many tasks comments are read at the same time. Each is one call.
const AT_ONCE: usize = 10;

/// How many comments of a task are read with its line, and how many at a time after that. Together they bound what is read for a
/// page that turns out to be full: a comment has up to 16 KB.
const FIRST_COMMENTS: u8 = 10;
const MORE_COMMENTS: u8 = 50;

/// What is kept free for the last line, which has a cursor.
const LAST_LINE: usize = 1_000;

/// A line with its type.
#[derive(Serialize)]
struct Line<T> {
    r#type: &'static str,
    #[serde(flatten)]
    content: T,
}

/// A task with what its view does not show and an import needs.
#[derive(Serialize)]
struct ExportedTask<'a> {
    #[serde(flatten)]
    view: TaskView<'a>,
    occurrence_time: Option<&'a Due>,
}

/// The lines of a page.
pub(super) struct LinesPage<'a, S> {
    store: &'a S,
    user: &'a User,
    /// Whether the caller is a program. It gets no part of the account, and no members: they need another scope.
    is_program: bool,
    /// The maximum number of tasks.
    limit: u8,
    tasks: usize,
    lines: usize,
    /// Whether it has anything that a page must not end before, or an export would never end.
    has_content: bool,
    /// The names of the members of a space, once they were read.
    names: (Option<SpaceId>, HashMap<UserId, String>),
    text: String,
}

impl<'a, S: SpaceReads + Comments> LinesPage<'a, S> {
    /// A page of an export of a user.
    pub(super) fn new(store: &'a S, user: &'a User, is_program: bool, limit: u8) -> Self {
        let names = (None, HashMap::new());
        let (tasks, lines, has_content, text) = (0, 0, false, String::new());
        Self { store, user, is_program, limit, tasks, lines, has_content, names, text }
    }

    /// Adds the lines about the export as a whole.
    pub(super) fn begin(&mut self, now: Timestamp) -> Result<(), Problem> {
        self.push(
            "export",
            json!({ "format": FORMAT, "user": self.user.id, "exported_at": now }),
            usize::MAX,
        )?;
        if !self.is_program {
            self.push("profile", profile_view(self.user), usize::MAX)?;
        }
        Ok(())
    }

    /// The response. `next` is the cursor of the next page.
    pub(super) fn finish(mut self, next: Option<String>) -> Result<Reply, Problem> {
        self.push("page", json!({ "next_cursor": next }), usize::MAX)?;
        Ok(Reply::text(NDJSON, self.text))
    }

    /// Adds a line if the page does not exceed `max` bytes then. Returns whether it was added.
    fn push(
        &mut self,
        kind: &'static str,
        content: impl Serialize,
        max: usize,
    ) -> Result<bool, Problem> {
        let line = serde_json::to_string(&Line { r#type: kind, content });
        let line = line.map_err(|_| Problem::internal())?;
        let fits = self.text.len() + line.len() < max;
        if fits {
            self.text.push_str(&line);
            self.text.push('\n');
            self.lines += 1;
        }
        Ok(fits)
    }

    /// Adds a line unless the page has no more room. Returns whether it was added.
    fn add(&mut self, kind: &'static str, content: impl Serialize) -> Result<bool, Problem> {
        let max = match self.has_content {
            true if self.lines + 1 >= MAX_LINES => 0,
            true => MAX_PAGE - LAST_LINE,
            false => usize::MAX,
        };
        let is_added = self.push(kind, content, max)?;
        self.has_content |= is_added;
        Ok(is_added)
    }

    /// Exports the comments on a task, the first of which were read.
    async fn all_comments(
        &mut self,
        task: (SpaceId, TaskId),
        first: CommentPage,
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        if let Some(end) = self.some_comments(task, None, &first.items, shared).await? {
            return Ok(Some(end));
        }
        match first.next {
            Some(next) => self.comments(task, Some(next), shared).await,
            None => Ok(None),
        }
    }

    /// Exports the comments on a task after one.
    async fn comments(
        &mut self,
        task: (SpaceId, TaskId),
        mut after: Option<CommentId>,
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        loop {
            let found = self.store.comments(task.1, after, MORE_COMMENTS).await?;
            if let Some(end) = self.some_comments(task, after, &found.items, shared).await? {
                return Ok(Some(end));
            }
            after = found.next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    async fn some_comments(
        &mut self,
        (space, task): (SpaceId, TaskId),
        mut last: Option<CommentId>,
        comments: &[Comment],
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        for comment in comments {
            let mut view = comments::view(comment);
            view["space"] = json!(space);
            view["author_name"] = json!(self.name_of(comment.author, space, shared).await?);
            if !self.add("comment", view)? {
                return Ok(Some(After::Comments(task, last)));
            }
            last = Some(comment.id);
        }
        Ok(None)
    }

    /// The name of the author of a comment, if they are the caller or a member of the space.
    async fn name_of(
        &mut self,
        author: UserId,
        space: SpaceId,
        shared: &Shared,
    ) -> Result<Option<String>, Problem> {
        if author == self.user.id {
            return Ok(Some(self.user.name.as_str().to_owned()));
        }
        if shared.is_none() || self.is_program {
            return Ok(None);
        }
        if self.names.0 != Some(space) {
            let found = self.store.members(space).await?;
            self.know(space, &found);
        }
        Ok(self.names.1.get(&author).cloned())
    }

    fn know(&mut self, space: SpaceId, members: &[(Member, User)]) {
        let names = members.iter().map(|(_, user)| (user.id, user.name.as_str().to_owned()));
        self.names = (Some(space), names.collect());
    }
}

impl<S: SpaceReads + Comments> Page for LinesPage<'_, S> {
    async fn space(
        &mut self,
        id: SpaceId,
        shared: &Shared,
        after: After,
    ) -> Result<Option<After>, Problem> {
        if after == After::Nothing {
            let (mut view, mut members) = (personal_view(self.user.id), Vec::new());
            if let Some((space, role)) = shared {
                view = space_view(space, *role);
                let found = match self.is_program {
                    true => Vec::new(),
                    false => self.store.members(id).await?,
                };
                self.know(id, &found);
                members = found.iter().map(|(member, user)| member_view(member, user)).collect();
            }
            view["members"] = Value::Array(members);
            if !self.add("space", view)? {
                return Ok(Some(After::Nothing));
            }
        }
        let mut last = match after {
            After::Nothing | After::Space => None,
            After::Task(task) => Some(task),
            After::Comments(task, from) => {
                let found = self.store.task(task).await?;
                if found.is_some_and(|found| found.space == id)
                    && let Some(end) = self.comments((id, task), from, shared).await?
                {
                    return Ok(Some(end));
                }
                Some(task)
            }
        };
        loop {
            let room = usize::from(self.limit).saturating_sub(self.tasks);
            if room == 0 {
                return Ok(Some(last.map_or(After::Space, After::Task)));
            }
            let (tasks, next) = tasks_after(self.store, id, last, room).await?;
            for some in tasks.chunks(AT_ONCE) {
                let first = some.iter().map(|task| self.store.comments(task.id, None, FIRST_COMMENTS));
                let first = try_join_all(first).await?;
                for (task, comments) in some.iter().zip(first) {
                    let occurrence_time =
                        task.recurrence.as_ref().map(|series| &series.occurrence_time);
                    if !self.add("task", ExportedTask { view: task.into(), occurrence_time })? {
                        return Ok(Some(last.map_or(After::Space, After::Task)));
                    }
                    self.tasks += 1;
                    if let Some(end) = self.all_comments((id, task.id), comments, shared).await? {
                        return Ok(Some(end));
                    }
                    last = Some(task.id);
                }
            }
            match next {
                Some(next) => last = Some(next),
                None => return Ok(None),
            }
        }
    }
}
