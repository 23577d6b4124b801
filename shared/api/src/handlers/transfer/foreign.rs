//! Backups of other programs, as lines of an import.

use jiff::{Timestamp, civil, tz::TimeZone};
use taskbell_domain::{
    checklist::ChecklistItem,
    clock::{At, Random},
    id::{CommentId, ItemId, SpaceId, TaskId},
    import::{ImportFormat, ImportProblem, ImportedTask, read},
    recurrence::Rule,
    task::{Completion, OccurrenceImport, Status, TaskDraft, TaskImport},
    text::{Category, CommentText, Description, ItemTitle, Tag, Title},
    user::User,
    violation::{FieldError, Violation},
};

use super::import_lines::{CommentLine, TaskLine};

/// A file of another program: its tasks, and what cannot be carried over.
pub(super) struct ForeignFile {
    format: ImportFormat,
    tasks: Vec<ImportedTask>,
    problems: Vec<ImportProblem>,
}

/// A record that is imported, or why it is not.
pub(super) type ForeignTask = (usize, Result<(TaskLine, Vec<CommentLine>), FieldError>);

impl ForeignFile {
    /// Reads a file. Keeps at most `max_tasks` of its tasks after the first `skip` ones, and at most
    /// `max_all` tasks and comments together. Returns also how many to skip next, if there are
    /// more.
    ///
    /// # Errors
    /// A [`FieldError`] of `body` if it is no file of this format.
    pub(super) fn read(
        format: ImportFormat,
        body: &[u8],
        (skip, max_tasks, max_all): (usize, usize, usize),
    ) -> Result<(Self, Option<usize>), FieldError> {
        let not_text = || Violation::new("invalid_file", "It is not text in UTF-8.").for_field("body");
        let text = std::str::from_utf8(body).map_err(|_| not_text())?;
        let (mut tasks, mut problems) = read(format, text);
        if let (true, Some(problem)) = (tasks.is_empty(), problems.iter().find(|one| one.line == 0)) {
            return Err(Violation::new(problem.code, problem.message.clone()).for_field("body"));
        }
        // At least one task, so that each request makes progress.
        let mut all = 0;
        let fits = |task: &&ImportedTask| {
            all += 1 + task.comments.len();
            all <= max_all
        };
        let count = tasks.iter().skip(skip).take(max_tasks).take_while(fits).count().max(1);
        let next = (tasks.len() > skip + count).then_some(skip + count);
        tasks = tasks.into_iter().skip(skip).take(count).collect();
        let is_kept = |line: usize| tasks.iter().any(|task| task.line == line);
        // What is about no task of this request is reported with the first ones.
        problems.retain(|problem| is_kept(problem.line) || skip == 0 && problem.line == 0);
        Ok((Self { format, tasks, problems }, next))
    }

    /// What was not carried over of the record at this line.
    pub(super) fn warnings(&self, line: usize) -> Vec<FieldError> {
        let of_line = self.problems.iter().filter(|problem| problem.line == line);
        let error = |problem: &ImportProblem| {
            Violation::new(problem.code, problem.message.clone()).for_field(problem.field)
        };
        of_line.map(error).collect()
    }

    /// The tasks, as they are imported by a user now.
    pub(super) fn lines(
        &self,
        space: SpaceId,
        user: &User,
        (now, random): (Timestamp, &dyn Random),
    ) -> Vec<ForeignTask> {
        let line = |task: &ImportedTask| (task.line, self.line(task, space, user, (now, random)));
        self.tasks.iter().map(line).collect()
    }

    fn line(
        &self,
        task: &ImportedTask,
        space: SpaceId,
        user: &User,
        (now, random): (Timestamp, &dyn Random),
    ) -> Result<(TaskLine, Vec<CommentLine>), FieldError> {
        let zone = &user.time_zone;
        let text = |field: &'static str| move |violation: Violation| violation.for_field(field);
        let rule =
            task.recurrence.as_deref().map(Rule::parse).transpose().map_err(text("recurrence"))?;
        let due = task.due.as_ref().map(|due| {
            let no_time =
                || Violation::new("no_occurrence", "It has no time from now on.").for_field("due");
            due.resolve(rule.as_ref(), now, zone).ok_or_else(no_time)
        });
        let tags = task.tags.iter().map(|tag| Tag::parse(tag));
        let description = task.description.as_deref().map(Description::parse);
        let reminders = task.reminders.iter().filter_map(|reminder| reminder.resolve(now, zone));
        let draft = TaskDraft {
            title: Title::parse(&task.title).map_err(text("title"))?,
            description: description.transpose().map_err(text("description"))?.unwrap_or_default(),
            status: task.status,
            priority: task.priority,
            category: task
                .category
                .as_deref()
                .map(Category::parse)
                .transpose()
                .map_err(text("category"))?,
            tags: tags.collect::<Result<_, _>>().map_err(text("tags"))?,
            due: due.transpose()?,
            reminders: Some(reminders.collect()),
            recurrence_from: rule.is_some().then_some(task.recurrence_from),
            recurrence: rule,
            auto_complete_after: None,
            assigned_to: None,
            checklist: Vec::new(),
        };
        let item = |(title, done): &(String, bool)| {
            let id = ItemId::generate(&At(now), random);
            Ok(ChecklistItem { id, title: ItemTitle::parse(title)?, done: *done })
        };
        let checklist = task.checklist.iter().map(item).collect::<Result<_, Violation>>();
        // The ids depend on the file only, so that what was imported before is found.
        let parts = [self.format.as_str(), task.source_id.as_str()];
        let source = TaskId::derived(first_day(), &parts);
        let created_at = task.created_at.filter(|at| *at <= now).unwrap_or(now);
        let completed_at = task.completed_at.filter(|at| *at <= now).unwrap_or(now).max(created_at);
        let import = TaskImport {
            draft,
            time_zone: zone.clone(),
            occurrence: OccurrenceImport { time: None, number: 1 },
            next_occurrence: None,
            checklist: checklist.map_err(text("checklist"))?,
            created_at,
            completed: (task.status == Status::Completed).then_some((completed_at, Completion::Person)),
        };
        let comments = task.comments.iter().enumerate().map(|(number, comment)| {
            let parts = [self.format.as_str(), task.source_id.as_str(), &number.to_string()];
            let id = CommentId::derived(first_day(), &parts);
            let text = CommentText::parse(comment).map_err(text("comments"))?;
            Ok(CommentLine { space, task: source, source: id, text })
        });
        let comments = comments.collect::<Result<_, FieldError>>()?;
        Ok((TaskLine { space, source, import }, comments))
    }
}

/// The time in ids that come from a file. It must not depend on when the file is imported.
fn first_day() -> Timestamp {
    let day = civil::date(2000, 1, 1).to_zoned(TimeZone::UTC);
    day.map(|day| day.timestamp()).unwrap_or_default()
}
