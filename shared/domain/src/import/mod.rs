//! Reading the backups of other task managers.
//!
//! [`read`] turns a file into neutral records, which the caller turns into tasks. It needs neither a clock nor a user: times
//! that depend on them are resolved later ([`ImportedDue::resolve`]).
//!
//! Nothing is lost without a word. What Taskbell has no place for becomes an [`ImportProblem`] that names the record, the
//! field and the reason, the rest of the task is kept, and where a text can hold it, the original is appended to the
//! description. Subtasks become items of the checklist of their topmost task.
//!
//! What is read from a file is bounded: [`MAX_TASKS`], [`MAX_PROBLEMS`], and in each task the limits that Taskbell's own tasks
//! have. The size of a file is not: the caller limits it.

mod draft;
mod due;
mod google_tasks;
mod microsoft_todo;
mod phrase;
mod records;
mod repeat;
mod table;
mod ticktick;
mod todoist_csv;
mod todoist_json;
mod tree;
mod windows_zones;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::{
    recurrence::RecurrenceFrom,
    string_enum::string_enum,
    task::{Priority, Status},
    violation::Violation,
};
pub use due::{ImportedDue, ImportedReminder};

/// The maximum number of records that are read from a file, subtasks included. Later ones are left out, with a problem.
pub const MAX_TASKS: usize = 1_000;

/// The maximum number of problems that are reported for a file. Later ones are left out.
pub const MAX_PROBLEMS: usize = 1_000;

string_enum!(ImportFormat, "A format of a backup.",
    TodoistCsv = "todoist_csv":
        "Todoist's CSV: a file of a backup, or a project exported as a template. One file is one project.",
    TodoistJson = "todoist_json": "Todoist's JSON: an answer of its Sync API, or the list of tasks of its REST API.",
    MicrosoftTodo = "microsoft_todo": "Microsoft To Do: lists with their tasks as Microsoft Graph returns them.",
    GoogleTasks = "google_tasks": "Google Tasks: `Tasks.json` of Google Takeout.",
    TicktickCsv = "ticktick_csv": "TickTick: the CSV file of its backup.",
);

/// A task of a file. Its texts fit the types of [`crate::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTask {
    /// Identifies the record when the same file is imported again: the id in the file, otherwise a hash of the line number and
    /// the content. For TickTick, whose ids are only positions in the file, it is a hash of the creation time, the list and
    /// the title. Unique within the file.
    pub source_id: String,
    /// Where the record is in the file: the line that it starts at in a CSV file, its number among the records in a JSON file.
    /// Both start at 1.
    pub line: usize,
    /// The title. A longer one is shortened.
    pub title: String,
    /// The description, followed by what could not be carried over.
    pub description: Option<String>,
    /// The status.
    pub status: Status,
    /// The priority.
    pub priority: Priority,
    /// The name of the project or list. `None` for the inbox.
    pub category: Option<String>,
    /// The labels, in lower case, without duplicates.
    pub tags: Vec<String>,
    /// The due time. Always present if there is a recurrence.
    pub due: Option<ImportedDue>,
    /// The rule of the series, as [`crate::recurrence::Rule::parse`] accepts it. `None` for a completed task: the file has the
    /// next occurrence as a record of its own.
    pub recurrence: Option<String>,
    /// What the next occurrence is counted from.
    pub recurrence_from: RecurrenceFrom,
    /// The reminders.
    pub reminders: Vec<ImportedReminder>,
    /// Titles of the items of the checklist, and whether they are done.
    pub checklist: Vec<(String, bool)>,
    /// The comments, oldest first. A longer one is split.
    pub comments: Vec<String>,
    /// When the task was created, in whole seconds.
    pub created_at: Option<Timestamp>,
    /// When the task was completed, in whole seconds.
    pub completed_at: Option<Timestamp>,
}

/// Something in a file that was not carried over, or not unchanged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImportProblem {
    /// Where it is in the file, as in [`ImportedTask::line`]. 0 for the file as a whole.
    pub line: usize,
    /// The field of the task, such as `due`, or `file`.
    pub field: &'static str,
    /// A stable code in snake_case for clients. Of the whole file: `invalid_file`, `too_many`. Of a record:
    /// `invalid_record`, `too_large`, `unknown_parent`. Of a field: `not_supported` if Taskbell has no such thing,
    /// `unknown_value`, `unknown_time_zone`, `needs_due`, `too_long`, `too_short`, `too_many`, and the codes with which
    /// Taskbell refuses such a value, such as `invalid_time`, `invalid_recurrence` and `out_of_range`.
    pub code: &'static str,
    /// A message for users. It never contains text of the file.
    pub message: String,
}

impl ImportProblem {
    fn new(line: usize, field: &'static str, violation: Violation) -> Self {
        Self { line, field, code: violation.code, message: violation.message }
    }

    fn of_file(code: &'static str, message: &str) -> Self {
        Self::new(0, "file", Violation::new(code, message))
    }
}

/// The result of [`read`]: tasks in the order of the file, and problems in the order of their lines.
pub type Imported = (Vec<ImportedTask>, Vec<ImportProblem>);

/// Reads a file. A byte order mark is ignored.
///
/// A file that is not of the format yields no task and one problem with code `invalid_file`.
pub fn read(format: ImportFormat, text: &str) -> Imported {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = match format {
        ImportFormat::TodoistCsv => todoist_csv::read(text),
        ImportFormat::TodoistJson => todoist_json::read(text),
        ImportFormat::MicrosoftTodo => microsoft_todo::read(text),
        ImportFormat::GoogleTasks => google_tasks::read(text),
        ImportFormat::TicktickCsv => ticktick::read(text),
    };
    match read {
        Ok(drafts) => tree::build(drafts),
        Err(problem) => (Vec::new(), vec![problem]),
    }
}
