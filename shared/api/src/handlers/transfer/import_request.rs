//! What a request to import has: its lines with their numbers, and the results of those that cannot be imported.

use serde::Serialize;
use taskbell_domain::{
    id::SpaceId,
    import::ImportFormat,
    task::ImportOrigin,
    violation::{FieldError, Violation},
};

use super::{
    foreign::ForeignTask,
    import_lines::{CommentLine, Item, ReadLine, TaskLine, read_line},
};
use crate::http::{Call, Problem};

/// The maximum number of lines in a request.
pub(super) const MAX_LINES: usize = 1_000;

/// The maximum number of tasks in a request.
pub(super) const MAX_TASKS: usize = 100;

/// The result of a line.
#[derive(Serialize)]
pub(super) struct LineResult {
    /// Its number, starting at 1.
    pub(super) line: usize,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<FieldError>,
    /// What of the record of another program was not carried over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<FieldError>,
}

pub(super) const CREATED: &str = "created";
pub(super) const EXISTS: &str = "exists";
pub(super) const ERROR: &str = "error";

impl LineResult {
    pub(super) fn of(line: usize, status: &'static str, id: &impl ToString) -> Self {
        Self { line, status, id: Some(id.to_string()), errors: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn refused(line: usize, errors: Vec<FieldError>) -> Self {
        Self { line, status: ERROR, id: None, errors, warnings: Vec::new() }
    }

    /// A line that could not be imported now.
    pub(super) fn failed(line: usize, problem: Problem) -> Self {
        let error = || Violation::new(problem.code, problem.detail.clone()).for_field("line");
        let errors = match problem.errors.is_empty() {
            true => vec![error()],
            false => problem.errors,
        };
        Self::refused(line, errors)
    }
}

/// Which program wrote the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// This one: lines of an export.
    Taskbell,
    /// Another one.
    Foreign(ImportFormat),
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self, Violation> {
        match text {
            "taskbell" => Ok(Self::Taskbell),
            other => ImportFormat::parse(other).map(Self::Foreign).map_err(|mut violation| {
                violation.message = violation.message.replace("one of ", "one of taskbell, ");
                violation
            }),
        }
    }
}

/// The lines of a request, with their numbers.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) tasks: Vec<(usize, TaskLine)>,
    pub(super) comments: Vec<(usize, CommentLine)>,
    /// The lines that cannot be imported.
    pub(super) results: Vec<LineResult>,
}

impl Lines {
    pub(super) fn read(call: &Call<'_>, origin: ImportOrigin) -> Result<Self, Problem> {
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

    /// Adds the records of another program. The comments on a task have its line.
    pub(super) fn add_foreign(&mut self, tasks: Vec<ForeignTask>) {
        for (number, task) in tasks {
            match task {
                Ok((task, comments)) => {
                    self.tasks.push((number, task));
                    self.comments.extend(comments.into_iter().map(|comment| (number, comment)));
                }
                Err(error) => self.results.push(LineResult::refused(number, vec![error])),
            }
        }
    }

    /// Keeps the lines of one space of the export: the given one, otherwise that of the first line.
    pub(super) fn keep_space(&mut self, from: Option<SpaceId>) {
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

    /// Enforces the limit of tasks.
    ///
    /// # Errors
    /// 422.
    pub(super) fn check_tasks(&self) -> Result<(), Problem> {
        let tasks = self.tasks.len();
        if tasks > MAX_TASKS {
            let why = format!("The body has {tasks} tasks; the limit is {MAX_TASKS}.");
            return Err(Violation::new("too_many", why).for_field("body").into());
        }
        Ok(())
    }
}
