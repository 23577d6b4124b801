//! Imports tasks and comments from an export.
//!
//! The id of an imported task follows from the importer, the space and the id in the export. So a repeated import, also of a request
//! that was interrupted, creates nothing twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, future::try_join_all, stream};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Serialize;
use taskbell_domain::{
    api_token::ApiScope,
    comment::{Comment, MAX_COMMENTS},
    id::{CommentId, SpaceId, TaskId},
    policy::Action,
    ports::{Commented, Imported, RateLimits, TaskImports, TimerQueue},
    quota::Quota,
    rate_limit::{OPERATIONS, RateLimitKey},
    statistics::{Counter, Counters},
    task::{ImportOrigin, Task},
    text::CommentText,
    user::User,
    violation::{FieldError, Violation},
};

use super::{
    Format,
    import_lines::{CommentLine, Item, ReadLine, TaskLine, read_line},
};
use crate::{
    access::require,
    endpoint::{Access, Body, Endpoint, NDJSON, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, MAX_ERRORS, Params, Problem, Reply, enforce_limit, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "import-data",
    tag: Tag::Transfer,
    access: Access::User(Programs::WithScope(ApiScope::TasksWrite)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/import",
    operations: &[Operation {
        method: "POST",
        summary: "Import data",
        description: "Imports up to 100 tasks and their comments into the caller's personal space, or into the space given by `space`, from lines of an export. Each line has its own result; a line that cannot be imported does not stop the others. What was imported before is reported as `exists`. Comments become comments of the caller, and name their original author and time. Assignees are not imported. With `dry_run=true`, nothing is stored.",
        parameters: &["space", "from", "dry_run", "format"],
        request: Some(NDJSON),
        responses: &[(200, Body::Json("ImportResult"))],
        errors: &["not_found", "forbidden"],
    }],
};

/// The maximum number of tasks in a request.
const MAX_TASKS: usize = 100;

/// The maximum number of lines in a request.
const MAX_LINES: usize = 1_000;

/// How many tasks, or the comments of how many tasks, are stored at the same time. Each may need its own connection.
const AT_ONCE: usize = 25;

/// The maximum duration of one write. It is not started with less time left.
const TIME_FOR_ONE: SignedDuration = SignedDuration::from_secs(6);

/// The result of a line.
#[derive(Serialize)]
struct LineResult {
    /// Its number, starting at 1.
    line: usize,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

const CREATED: &str = "created";
const EXISTS: &str = "exists";
const ERROR: &str = "error";

impl LineResult {
    fn of(line: usize, status: &'static str, id: &impl ToString) -> Self {
        Self { line, status, id: Some(id.to_string()), errors: Vec::new() }
    }

    fn refused(line: usize, errors: Vec<FieldError>) -> Self {
        Self { line, status: ERROR, id: None, errors }
    }

    /// A line that could not be imported now.
    fn failed(line: usize, problem: Problem) -> Self {
        let error = || Violation::new(problem.code, problem.detail.clone()).for_field("line");
        let errors = match problem.errors.is_empty() {
            true => vec![error()],
            false => problem.errors,
        };
        Self::refused(line, errors)
    }
}

/// The body of the response.
#[derive(Serialize)]
struct ImportResult {
    dry_run: bool,
    created: usize,
    exists: usize,
    failed: usize,
    results: Vec<LineResult>,
}

/// Imports what the lines have, tasks first. A dry run does everything but store.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl TaskImports + RateLimits),
    queue: &impl TimerQueue,
    quota: Quota,
) -> Result<Reply, Problem> {
    let (caller, now) = (call.caller()?, call.now());
    let mut params = Params::of(call);
    let Format::Taskbell = params.optional("format", Format::parse).unwrap_or(Format::Taskbell);
    let space = params.optional("space", read::id).unwrap_or(caller.default_space());
    let from = params.optional("from", read::id);
    let is_dry = params.optional("dry_run", true_or_false).unwrap_or(false);
    params.finish()?;
    let origin = ImportOrigin { importer: caller.user, target: space };
    let mut lines = Lines::read(call, origin)?;
    lines.keep_space(from);
    lines.check_size()?;

    let permission = require(store, caller, space, Action::WriteTasks);
    let reads = async {
        let (user, counters) = futures_util::try_join!(store.user(caller.user), store.counters(space))?;
        Ok((user.ok_or_else(Problem::unauthorized)?, counters))
    };
    let (_, (user, counters)) = futures_util::try_join!(permission, reads)?;
    call.admit().await?;
    if !is_dry {
        let count = lines.tasks.len() + lines.comments.len();
        enforce_limit(store, OPERATIONS, RateLimitKey::user(caller.user), count, now).await?;
    }
    let import = Import { call, store, queue, origin, user: &user, quota, is_dry };
    let mut results = lines.results;
    let known = import.tasks(lines.tasks, &lines.comments, counters, &mut results).await?;
    import.comments(lines.comments, known, &mut results).await?;

    results.sort_by_key(|result| result.line);
    let mut errors_left = MAX_ERRORS;
    for result in &mut results {
        result.errors.truncate(errors_left.max(1));
        errors_left = errors_left.saturating_sub(result.errors.len());
    }
    let count = |status| results.iter().filter(|result| result.status == status).count();
    let (created, exists, failed) = (count(CREATED), count(EXISTS), count(ERROR));
    let body = ImportResult { dry_run: is_dry, created, exists, failed, results };
    Reply::json(StatusCode::OK, &body)
}

fn true_or_false(text: &str) -> Result<bool, Violation> {
    text.parse().map_err(|_| Violation::new("unknown_value", "It must be one of true, false."))
}

/// The lines of a request, with their numbers.
struct Lines {
    tasks: Vec<(usize, TaskLine)>,
    comments: Vec<(usize, CommentLine)>,
    /// The lines that cannot be imported.
    results: Vec<LineResult>,
}

impl Lines {
    fn read(call: &Call<'_>, origin: ImportOrigin) -> Result<Self, Problem> {
        let mut all = Self { tasks: Vec::new(), comments: Vec::new(), results: Vec::new() };
        let lines = (1..).zip(call.lines()?.split(|byte| *byte == b'\n'));
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        for (count, (number, line)) in lines.enumerate() {
            if count == MAX_LINES {
                let why = format!("The body has too many lines: the limit is {MAX_LINES}.");
                return Err(Violation::new("too_many", why).for_field("body").into());
            }
            match read_line(call, origin, line) {
                Ok(ReadLine::Nothing) => {}
                Ok(ReadLine::Item(Item::Task(task))) => all.tasks.push((number, *task)),
                Ok(ReadLine::Item(Item::Comment(comment))) => all.comments.push((number, comment)),
                Err(errors) => {
                    all.results.push(LineResult::refused(number, Problem::invalid(errors).errors));
                }
            }
        }
        Ok(all)
    }

    /// Keeps the lines of one space of the export: the given one, otherwise that of the first line.
    fn keep_space(&mut self, from: Option<SpaceId>) {
        let first_task = self.tasks.first().map(|(line, task)| (*line, task.space));
        let first_comment = self.comments.first().map(|(line, comment)| (*line, comment.space));
        let first = first_task.into_iter().chain(first_comment).min().map(|(_, space)| space);
        let Some(from) = from.or(first) else { return };
        let others = self.tasks.extract_if(.., |(_, task)| task.space != from).map(|(line, _)| line);
        let mut others: Vec<_> = others.collect();
        let comments = self.comments.extract_if(.., |(_, comment)| comment.space != from);
        others.extend(comments.map(|(line, _)| line));
        let refused = others.into_iter().map(|line| {
            let why =
                "It is in another space of the export: import that by a request of its own, with from.";
            LineResult::refused(line, vec![Violation::new("other_space", why).for_field("space")])
        });
        self.results.extend(refused);
    }

    /// Enforces the limits of a request.
    ///
    /// # Errors
    /// 422.
    fn check_size(&self) -> Result<(), Problem> {
        let (tasks, all) = (self.tasks.len(), self.tasks.len() + self.comments.len());
        if tasks > MAX_TASKS || all > MAX_LINES {
            let why = format!("The body has {tasks} tasks; the limit is {MAX_TASKS}.");
            return Err(Violation::new("too_many", why).for_field("body").into());
        }
        Ok(())
    }
}

/// The tasks that comments can be added to.
type Known = BTreeSet<TaskId>;

struct Import<'a, S, Q> {
    call: &'a Call<'a>,
    store: &'a S,
    queue: &'a Q,
    origin: ImportOrigin,
    user: &'a User,
    quota: Quota,
    is_dry: bool,
}

impl<S: TaskImports, Q: TimerQueue> Import<'_, S, Q> {
    fn has_time(&self) -> bool {
        self.call.now() < self.call.deadline() - TIME_FOR_ONE
    }

    /// Imports tasks. Returns those that exist then in the space, also those of earlier imports that comments are on.
    async fn tasks(
        &self,
        lines: Vec<(usize, TaskLine)>,
        comments: &[(usize, CommentLine)],
        mut counters: Counters,
        results: &mut Vec<LineResult>,
    ) -> Result<Known, Problem> {
        let Self { call, origin, .. } = *self;
        let sources = lines.iter().map(|(_, line)| line.source);
        let sources = sources.chain(comments.iter().map(|(_, comment)| comment.task));
        let ids: BTreeSet<_> = sources.map(|source| origin.task(source)).collect();
        let found = try_join_all(ids.iter().map(|id| self.store.task(*id))).await?;
        let found: HashMap<_, _> =
            found.into_iter().flatten().map(|task| (task.id, task.space)).collect();
        let in_space = found.iter().filter(|(_, space)| **space == origin.target);
        let mut known: Known = in_space.map(|(id, _)| *id).collect();
        let (mut new, mut begun) = (Vec::new(), BTreeSet::new());
        for (number, line) in lines {
            let id = origin.task(line.source);
            // The same task twice in a request exists the second time.
            if found.contains_key(&id) || begun.contains(&id) {
                results.push(LineResult::of(number, EXISTS, &id));
                continue;
            }
            let built =
                Task::import(id, origin.target, line.import, self.user, call.now(), call.random());
            let admitted = built.map_err(Problem::from).and_then(|task| {
                let reminders = task.open_reminders();
                self.quota.admit_task(&counters, reminders).map_err(Problem::refused)?;
                for (counter, more) in [(Counter::All, 1), (Counter::Reminders, reminders)] {
                    *counters.entry(counter).or_default() += i64::try_from(more).unwrap_or(i64::MAX);
                }
                Ok(task)
            });
            match admitted {
                Ok(task) => {
                    begun.insert(id);
                    new.push((number, task));
                }
                Err(problem) => results.push(LineResult::failed(number, problem)),
            }
        }
        let storing = new.into_iter().map(async |(number, task)| {
            let stored = self.store_task(&task).await;
            (number, task.id, stored)
        });
        let stored: Vec<_> = stream::iter(storing).buffer_unordered(AT_ONCE).collect().await;
        for (number, id, stored) in stored {
            results.push(match stored {
                Ok(status) => {
                    known.insert(id);
                    LineResult::of(number, status, &id)
                }
                Err(problem) => LineResult::failed(number, problem),
            });
        }
        Ok(known)
    }

    async fn store_task(&self, task: &Task) -> Result<&'static str, Problem> {
        if self.is_dry {
            return Ok(CREATED);
        }
        if !self.has_time() {
            return Err(Problem::not_finished());
        }
        match self.store.import_task(task).await? {
            Imported::Exists => Ok(EXISTS),
            Imported::Created => {
                enqueue_if_soon(self.queue, [task.timer()], self.call.now()).await;
                Ok(CREATED)
            }
        }
    }

    /// Imports comments on known tasks: those of one task one after the other, because they share a counter.
    async fn comments(
        &self,
        lines: Vec<(usize, CommentLine)>,
        known: Known,
        results: &mut Vec<LineResult>,
    ) -> Result<(), Problem> {
        let mut of_task = BTreeMap::<TaskId, Vec<(usize, CommentId, CommentText)>>::new();
        for (number, line) in lines {
            let task = self.origin.task(line.task);
            if !known.contains(&task) {
                let why = "Its task is not in the space: import the task first.";
                let error = Violation::new("unknown_task", why).for_field("task");
                results.push(LineResult::refused(number, vec![error]));
                continue;
            }
            let id = self.origin.comment(line.source);
            of_task.entry(task).or_default().push((number, id, line.text));
        }
        let adding = of_task.into_iter().map(|(task, comments)| self.comments_on(task, comments));
        let added: Vec<_> = stream::iter(adding).buffer_unordered(AT_ONCE).collect().await;
        results.extend(added.into_iter().flatten());
        Ok(())
    }

    async fn comments_on(
        &self,
        task: TaskId,
        comments: Vec<(usize, CommentId, CommentText)>,
    ) -> Vec<LineResult> {
        let mut results = Vec::with_capacity(comments.len());
        let mut begun = BTreeSet::new();
        for (number, id, text) in comments {
            let added = match begun.insert(id) {
                true => self.add_comment(task, id, text).await,
                false => Ok(EXISTS),
            };
            results.push(match added {
                Ok(status) => LineResult::of(number, status, &id),
                Err(problem) => LineResult::failed(number, problem),
            });
        }
        results
    }

    async fn add_comment(
        &self,
        task: TaskId,
        id: CommentId,
        text: CommentText,
    ) -> Result<&'static str, Problem> {
        if !self.has_time() {
            return Err(Problem::not_finished());
        }
        if self.store.comment(task, id).await?.is_some() {
            return Ok(EXISTS);
        }
        if self.is_dry {
            return Ok(CREATED);
        }
        let comment = Comment::new(id, task, self.user.id, text, self.call.now());
        match self.store.add_comment(&comment, None).await? {
            Commented::Created(_) => Ok(CREATED),
            Commented::NoTask => Err(Problem::not_found()),
            Commented::Full => match self.store.comment(task, id).await? {
                Some(_) => Ok(EXISTS),
                None => {
                    let detail = format!("The task has {MAX_COMMENTS} comments, which is the limit.");
                    Err(Problem::conflict("too_many_comments", detail))
                }
            },
        }
    }
}
