//! Exports everything that the caller may read, page by page.
//!
//! A page is a list of lines, each a JSON object with a `type`. The order is stable: the caller's account, then space by space in
//! the order of their ids; in each space its tasks in the order of their creation, each followed by its comments.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};
use taskbell_domain::{
    api_token::ApiScope,
    comment::Comment,
    due::Due,
    id::{CommentId, SpaceId, TaskId, UserId},
    list::{self, Scope, SortKey, TaskFilter, TaskQuery},
    ports::{CommentPage, Comments, SpaceReads},
    space::{Role, Space},
    task::Task,
    user::User,
};

use super::{BY_CREATION, FORMAT, Format};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::{
        comments,
        spaces::{member_view, personal_view, space_view},
        tasks::TaskView,
    },
    http::{Call, Cursor, CursorKey, MAX_PAGE, Params, Problem, Reply},
    profiles::profile_view,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "export-data",
    tag: Tag::Transfer,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/export",
    operations: &[Operation {
        method: "GET",
        summary: "Export data",
        description: "Returns one page of everything that the caller may read, as newline-delimited JSON: the profile (not with an API token), spaces, tasks and comments, each a line with its `type`. The last line has `next_cursor`. `limit` is the number of tasks. A page can be short and still have a `next_cursor`.",
        parameters: &["format", "limit", "cursor"],
        request: None,
        responses: &[(200, Body::Lines)],
        errors: &[],
    }],
};

/// How many spaces a page begins at most: the members of each are read.
const MAX_SPACES: usize = 8;

/// Of how many tasks comments are read at the same time. Each is one call.
const AT_ONCE: usize = 10;

/// How many comments of a task are read with its line, and how many at a time after that. Together they bound what is read for a
/// page that turns out to be full: a comment has up to 16 KB.
const FIRST_COMMENTS: u8 = 10;
const MORE_COMMENTS: u8 = 50;

/// Up to where in a space the export got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
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
struct Position {
    space: SpaceId,
    after: After,
}

impl Position {
    /// Reads what [`fmt::Display`] wrote.
    fn parse(text: &str) -> Option<Self> {
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
#[derive(Default)]
struct Page {
    text: String,
    tasks: usize,
    spaces: usize,
}

impl Page {
    fn add(&mut self, kind: &'static str, content: impl Serialize) -> Result<(), Problem> {
        let line = serde_json::to_string(&Line { r#type: kind, content });
        self.text.push_str(&line.map_err(|_| Problem::internal())?);
        self.text.push('\n');
        Ok(())
    }

    /// Whether there is room for no more.
    fn is_full(&self) -> bool {
        self.text.len() > MAX_PAGE
    }
}

/// A space of the caller. A personal one has no role in it.
type Shared = Option<(Space, Role)>;

/// Responds with a page.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SpaceReads + Comments),
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let (caller, now) = (call.caller()?, call.now());
    let mut params = Params::of(call);
    let Format::Taskbell = params.optional("format", Format::parse).unwrap_or(Format::Taskbell);
    let (limit, cursor) = params.page();
    params.finish()?;
    let cursors = Cursor::new(key, caller, &"export");
    let begun = cursors.read(cursor.as_deref(), Position::parse)?;

    let (user, shared) =
        futures_util::try_join!(store.user(caller.user), store.spaces_of(caller.user))?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    let mut page = Page::default();
    if begun.is_none() {
        let header = json!({ "format": FORMAT, "user": caller.user, "exported_at": now });
        page.add("export", header)?;
        // Programs get no part of the account.
        if caller.api_token().is_none() {
            page.add("profile", profile_view(&user))?;
        }
    }
    let shared = shared.into_iter().map(|(space, role)| (space.id, Some((space, role))));
    let personal = (SpaceId::personal(caller.user), None);
    let spaces = shared.chain([personal]).filter(|(space, _)| caller.may_enter(*space));
    let spaces: BTreeMap<SpaceId, Shared> = spaces.collect();
    let mut next = None;
    // A space that the caller has left meanwhile is not among them any more.
    let rest = spaces.range(begun.map_or(SpaceId::FIRST, |begun| begun.space)..);
    for (space, shared) in rest {
        let after =
            begun.filter(|begun| begun.space == *space).map_or(After::Nothing, |begun| begun.after);
        let (limit, names) = (usize::from(limit), HashMap::new());
        let is_program = caller.api_token().is_some();
        let page = &mut page;
        let mut export = Export { store, user: &user, space: *space, is_program, limit, names, page };
        if let Some(after) = export.space(shared, after).await? {
            next = Some(Position { space: *space, after });
            break;
        }
    }
    let next_cursor = next.map(|position| cursors.write(&position.to_string()));
    page.add("page", json!({ "next_cursor": next_cursor }))?;
    Ok(Reply::lines(page.text))
}

/// The export of a space into a page.
struct Export<'a, S> {
    store: &'a S,
    user: &'a User,
    space: SpaceId,
    /// Whether the caller is a program. It gets no members: they need another scope.
    is_program: bool,
    /// The number of tasks on the page.
    limit: usize,
    /// The names of the members, once they were read.
    names: HashMap<UserId, String>,
    page: &'a mut Page,
}

impl<S: SpaceReads + Comments> Export<'_, S> {
    /// Exports the rest of the space. Returns where the next page goes on if the page has no more room.
    async fn space(&mut self, shared: &Shared, after: After) -> Result<Option<After>, Problem> {
        if after == After::Nothing {
            if self.page.spaces == MAX_SPACES || self.page.is_full() {
                return Ok(Some(After::Nothing));
            }
            self.page.spaces += 1;
            let (mut view, mut members) = (personal_view(self.user.id), Vec::new());
            if let Some((space, role)) = shared {
                view = space_view(space, *role);
                let found = match self.is_program {
                    true => Vec::new(),
                    false => self.store.members(self.space).await?,
                };
                self.know(&found);
                members = found.iter().map(|(member, user)| member_view(member, user)).collect();
            }
            view["members"] = Value::Array(members);
            self.page.add("space", view)?;
        }
        let mut last = match after {
            After::Nothing | After::Space => None,
            After::Task(task) => Some(task),
            After::Comments(task, from) => {
                let found = self.store.task(task).await?;
                if found.is_some_and(|found| found.space == self.space)
                    && let Some(cut) = self.comments(task, from, shared).await?
                {
                    return Ok(Some(cut));
                }
                Some(task)
            }
        };
        loop {
            let room = self.limit.saturating_sub(self.page.tasks);
            if room == 0 || self.page.is_full() {
                return Ok(Some(last.map_or(After::Space, After::Task)));
            }
            let query = TaskQuery {
                scope: Scope::Space(self.space),
                filter: TaskFilter::default(),
                sort: BY_CREATION,
                limit: u8::try_from(room).unwrap_or(u8::MAX),
                after: last.map(|task| list::Position { key: SortKey::Created, task }),
            };
            let found = self.store.list(&query).await?;
            for some in found.items.chunks(AT_ONCE) {
                let first = some.iter().map(|task| self.store.comments(task.id, None, FIRST_COMMENTS));
                let first = try_join_all(first).await?;
                for (task, comments) in some.iter().zip(first) {
                    if self.page.is_full() {
                        return Ok(Some(last.map_or(After::Space, After::Task)));
                    }
                    if let Some(cut) = self.task(task, comments, shared).await? {
                        return Ok(Some(cut));
                    }
                    last = Some(task.id);
                }
            }
            match found.next {
                Some(next) => last = Some(next.task),
                None => return Ok(None),
            }
        }
    }

    /// Exports a task with its comments.
    async fn task(
        &mut self,
        task: &Task,
        first: CommentPage,
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        let occurrence_time = task.recurrence.as_ref().map(|series| &series.occurrence_time);
        self.page.add("task", ExportedTask { view: task.into(), occurrence_time })?;
        self.page.tasks += 1;
        if let Some(cut) = self.some_comments(task.id, None, &first.items, shared).await? {
            return Ok(Some(cut));
        }
        match first.next {
            Some(next) => self.comments(task.id, Some(next), shared).await,
            None => Ok(None),
        }
    }

    /// Exports the comments on a task after one.
    async fn comments(
        &mut self,
        task: TaskId,
        mut after: Option<CommentId>,
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        loop {
            let found = self.store.comments(task, after, MORE_COMMENTS).await?;
            if let Some(cut) = self.some_comments(task, after, &found.items, shared).await? {
                return Ok(Some(cut));
            }
            after = found.next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    async fn some_comments(
        &mut self,
        task: TaskId,
        mut last: Option<CommentId>,
        comments: &[Comment],
        shared: &Shared,
    ) -> Result<Option<After>, Problem> {
        for comment in comments {
            if self.page.is_full() {
                return Ok(Some(After::Comments(task, last)));
            }
            let mut view = comments::view(comment);
            view["space"] = json!(self.space);
            view["author_name"] = json!(self.name_of(comment.author, shared).await?);
            self.page.add("comment", view)?;
            last = Some(comment.id);
        }
        Ok(None)
    }

    /// The name of the author of a comment, if they are the caller or a member of the space.
    async fn name_of(&mut self, author: UserId, shared: &Shared) -> Result<Option<String>, Problem> {
        if author == self.user.id {
            return Ok(Some(self.user.name.as_str().to_owned()));
        }
        if self.names.is_empty() && shared.is_some() && !self.is_program {
            let found = self.store.members(self.space).await?;
            self.know(&found);
        }
        Ok(self.names.get(&author).cloned())
    }

    fn know(&mut self, members: &[(taskbell_domain::space::Member, User)]) {
        let names = members.iter().map(|(_, user)| (user.id, user.name.as_str().to_owned()));
        self.names.extend(names);
    }
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
