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
    id::{CommentId, TaskId},
    import,
    policy::Action,
    ports::{Commented, Imported, RateLimits, TaskImports, TimerQueue},
    quota::Quota,
    rate_limit::{OPERATIONS, RateLimitKey},
    statistics::{Counter, Counters},
    task::{ImportOrigin, Task},
    text::CommentText,
    user::User,
    violation::Violation,
};

use super::{
    foreign::ForeignFile,
    import_lines::{CommentLine, TaskLine},
    import_request::{CREATED, ERROR, EXISTS, LineResult, Lines, MAX_LINES, MAX_TASKS, Source},
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
        description: "Imports up to 100 tasks and their comments into the caller's personal space, or into the space given by `space`, from lines of an export. Each line has its own result; a line that cannot be imported does not stop the others. What was imported before is reported as `exists`. Comments become comments of the caller, and name their original author and time. Assignees are not imported. With `dry_run=true`, nothing is stored. With `source`, the body is a file of another program: the first 100 tasks are imported, or those after `skip`; send the same file again with `next_skip` until it is null.",
        parameters: &["space", "from", "dry_run", "source", "skip"],
        request: Some(NDJSON),
        responses: &[(200, Body::Json("ImportResult"))],
        errors: &["not_found", "forbidden"],
    }],
};

/// The highest number of tasks that can be skipped: what a file can have.
const MAX_SKIP: usize = import::MAX_TASKS;

/// How many tasks, or the comments of how many tasks, are stored at the same time. Each may need its own connection.
const AT_ONCE: usize = 25;

/// The maximum duration of one write. It is not started with less time left.
const TIME_FOR_ONE: SignedDuration = SignedDuration::from_secs(6);

/// The body of the response.
#[derive(Serialize)]
struct ImportResult {
    dry_run: bool,
    created: usize,
    exists: usize,
    failed: usize,
    next_skip: Option<usize>,
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
    let source = params.optional("source", Source::parse).unwrap_or(Source::Taskbell);
    let skip = params.optional("skip", read::within(0..=MAX_SKIP)).unwrap_or(0);
    let space = params.optional("space", read::id).unwrap_or(caller.default_space());
    let from = params.optional("from", read::id);
    let is_dry = params.optional("dry_run", true_or_false).unwrap_or(false);
    params.finish()?;
    let origin = ImportOrigin { importer: caller.user, target: space };
    let (mut lines, mut foreign, mut next_skip) = (Lines::default(), None, None);
    match source {
        Source::Taskbell => {
            lines = Lines::read(call, origin)?;
            lines.keep_space(from);
            lines.check_tasks()?;
        }
        Source::Foreign(format) => {
            let (file, next) = ForeignFile::read(format, call.file()?, (skip, MAX_TASKS, MAX_LINES))?;
            (foreign, next_skip) = (Some(file), next);
        }
    }

    let permission = require(store, caller, space, Action::WriteTasks);
    let reads = async {
        let (user, counters) = futures_util::try_join!(store.user(caller.user), store.counters(space))?;
        Ok((user.ok_or_else(Problem::unauthorized)?, counters))
    };
    let (_, (user, counters)) = futures_util::try_join!(permission, reads)?;
    if let Some(file) = &foreign {
        lines.add_foreign(file.lines(space, &user, (now, call.random())));
    }
    call.admit().await?;
    // A dry run reads as much.
    let count = lines.tasks.len() + lines.comments.len();
    enforce_limit(store, OPERATIONS, RateLimitKey::user(caller.user), count, now).await?;
    let import = Import { call, store, queue, origin, user: &user, quota, is_dry };
    let mut results = lines.results;
    let known = import.tasks(lines.tasks, &lines.comments, counters, &mut results).await?;
    import.comments(lines.comments, known, &mut results).await?;

    results.sort_by_key(|result| result.line);
    if let Some(file) = &foreign {
        // A task and its comments are one record. A comment that fails does not undo the task.
        results.dedup_by(|later, first| {
            let is_same = later.line == first.line;
            if is_same {
                first.warnings.append(&mut later.errors);
            }
            is_same
        });
        results.iter_mut().for_each(|result| result.warnings.extend(file.warnings(result.line)));
    }
    let mut errors_left = MAX_ERRORS;
    for result in &mut results {
        result.errors.truncate(errors_left.max(1));
        errors_left = errors_left.saturating_sub(result.errors.len());
    }
    let count = |status| results.iter().filter(|result| result.status == status).count();
    let (created, exists, failed) = (count(CREATED), count(EXISTS), count(ERROR));
    let body = ImportResult { dry_run: is_dry, created, exists, failed, next_skip, results };
    Reply::json(StatusCode::OK, &body)
}

fn true_or_false(text: &str) -> Result<bool, Violation> {
    text.parse().map_err(|_| Violation::new("unknown_value", "It must be one of true, false."))
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
