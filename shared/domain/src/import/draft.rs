//! A record while it is being read. Its texts are cleaned and shortened to what Taskbell's tasks can hold.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;

use super::{ImportProblem, ImportedDue, ImportedReminder, ImportedTask, MAX_PROBLEMS, MAX_TASKS, due};
use crate::{
    checklist::MAX_ITEMS,
    comment::MAX_COMMENTS,
    recurrence::{RecurrenceFrom, Rule},
    reminder::MAX_REMINDERS,
    secret::sha256_hex,
    task::{Priority, Status},
    text::{Category, ItemTitle, MAX_COMMENT, MAX_TAGS, Tag, Title},
    violation::Violation,
};

/// The limits of the types in [`crate::text`], in characters.
const MAX_TITLE: usize = 500;
const MAX_DESCRIPTION: usize = 16_000;
const MAX_CATEGORY: usize = 100;
const MAX_ITEM: usize = 200;

/// The maximum length of an id that is kept as it is, in bytes. A longer one is replaced by its hash.
const MAX_ID: usize = 200;

/// The maximum number of problems of a record, those of its subtasks excluded.
const MAX_DRAFT_PROBLEMS: usize = 50;

/// The records of a file, and problems that belong to none of them.
#[derive(Default)]
pub(super) struct Drafts {
    pub(super) list: Vec<Draft>,
    pub(super) problems: Vec<ImportProblem>,
}

impl Drafts {
    /// Whether another record may be read. If not, that is reported once, at the line of the first one that is left out.
    pub(super) fn has_room(&mut self, line: usize) -> bool {
        let room = self.list.len() < MAX_TASKS;
        if !room {
            let why = format!(
                "Only the first {MAX_TASKS} records of a file are imported, subtasks included."
            );
            self.problem(line, "file", Violation::new("too_many", why));
        }
        room
    }

    pub(super) fn problem(&mut self, line: usize, field: &'static str, violation: Violation) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(ImportProblem::new(line, field, violation));
        }
    }
}

/// A record.
pub(super) struct Draft {
    pub(super) task: ImportedTask,
    /// What the records of its subtasks name as their parent.
    pub(super) key: Option<String>,
    /// The key of its parent.
    pub(super) parent: Option<String>,
    pub(super) problems: Vec<ImportProblem>,
    paragraphs: Vec<String>,
}

impl Draft {
    /// An empty record. `id` is that of the file.
    pub(super) fn new(line: usize, id: &str) -> Self {
        let source_id = if id.len() > MAX_ID { sha256_hex(id.as_bytes()) } else { id.to_owned() };
        Self {
            task: ImportedTask {
                source_id,
                line,
                title: String::new(),
                description: None,
                status: Status::Pending,
                priority: Priority::Medium,
                category: None,
                tags: Vec::new(),
                due: None,
                recurrence: None,
                recurrence_from: RecurrenceFrom::Due,
                reminders: Vec::new(),
                checklist: Vec::new(),
                comments: Vec::new(),
                created_at: None,
                completed_at: None,
            },
            key: None,
            parent: None,
            problems: Vec::new(),
            paragraphs: Vec::new(),
        }
    }

    /// Reports that something was not carried over.
    pub(super) fn problem(&mut self, field: &'static str, code: &'static str, message: &str) {
        self.refused(field, Violation::new(code, message));
    }

    /// Reports why a value was refused.
    pub(super) fn refused(&mut self, field: &'static str, violation: Violation) {
        if self.problems.len() < MAX_DRAFT_PROBLEMS {
            self.problems.push(ImportProblem::new(self.task.line, field, violation));
        }
    }

    /// Sets the title. The full text of one that is too long is kept in the description.
    pub(super) fn set_title(&mut self, text: &str) {
        let (title, whole) = shorten(&one_line(text), MAX_TITLE);
        if !whole {
            self.problem(
                "title",
                "too_long",
                "The title was shortened. The description has all of it.",
            );
            self.describe(text);
        }
        self.task.title = Title::parse(&title).map_or(String::new(), |title| title.as_str().to_owned());
    }

    /// Appends a paragraph to the description.
    pub(super) fn describe(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.paragraphs.push(text.trim_end().to_owned());
        }
    }

    /// Keeps a text that has no place of its own, as `label: text` at the end of the description.
    pub(super) fn keep(&mut self, label: &str, text: &str) {
        self.describe(&format!("{label}: {}", text.trim()));
    }

    /// Reports something that Taskbell has no place for, and keeps it in the description.
    pub(super) fn unsupported(&mut self, field: &'static str, label: &str, text: &str) {
        if !text.trim().is_empty() {
            self.problem(field, "not_supported", "There is no such field: the description has it.");
            self.keep(label, text);
        }
    }

    pub(super) fn set_category(&mut self, name: &str) {
        let (name, whole) = shorten(&one_line(name), MAX_CATEGORY);
        if !whole {
            self.problem("category", "too_long", "The name of the list was shortened.");
        }
        self.task.category = Category::parse(&name).ok().map(|name| name.as_str().to_owned());
    }

    pub(super) fn add_tag(&mut self, text: &str) {
        match Tag::parse(&one_line(text)) {
            Ok(tag) if self.task.tags.iter().any(|known| known == tag.as_str()) => {}
            Ok(_) if self.task.tags.len() >= MAX_TAGS => {
                self.problem_once(
                    "tags",
                    "too_many",
                    "A task has at most 50 tags: the others were left out.",
                );
            }
            Ok(tag) => self.task.tags.push(tag.as_str().to_owned()),
            Err(violation) => self.refused("tags", violation),
        }
    }

    /// Adds a comment. One that is too long is split.
    pub(super) fn add_comment(&mut self, text: &str) {
        let characters: Vec<char> = several_lines(text.trim()).chars().collect();
        for part in characters.chunks(MAX_COMMENT) {
            let part: String = part.iter().collect();
            if part.trim().is_empty() {
                continue;
            }
            if self.task.comments.len() >= usize::try_from(MAX_COMMENTS).unwrap_or_default() {
                let why = "A task has at most 500 comments: the others were left out.";
                return self.problem_once("comments", "too_many", why);
            }
            self.task.comments.push(part);
        }
    }

    /// Adds an item to the checklist. One that does not fit is kept in the description.
    pub(super) fn add_item(&mut self, text: &str, done: bool) {
        let (title, whole) = shorten(&one_line(text), MAX_ITEM);
        let Ok(title) = ItemTitle::parse(&title) else { return };
        let full = self.task.checklist.len() >= MAX_ITEMS;
        if full {
            let why = "A checklist has at most 100 items: the description has the others.";
            self.problem_once("checklist", "too_many", why);
        } else {
            self.task.checklist.push((title.as_str().to_owned(), done));
        }
        if !whole {
            let why = "The title of a checklist item was shortened. The description has all of it.";
            self.problem_once("checklist", "too_long", why);
        }
        if full || !whole {
            self.describe(&format!("- [{}] {}", if done { 'x' } else { ' ' }, text.trim()));
        }
    }

    pub(super) fn add_reminder(&mut self, reminder: ImportedReminder) {
        if self.task.reminders.contains(&reminder) {
            return;
        }
        if self.task.reminders.len() >= MAX_REMINDERS {
            let why = "A task has at most 20 reminders: the others were left out.";
            return self.problem_once("reminders", "too_many", why);
        }
        self.task.reminders.push(reminder);
    }

    /// Sets the due time. The text of one that is refused is kept in the description.
    pub(super) fn set_due(&mut self, written: &str, due: Result<ImportedDue, Violation>) {
        match due {
            Ok(due) => self.task.due = Some(due),
            Err(violation) => {
                self.refused("due", violation);
                self.keep("Due", written);
            }
        }
    }

    /// Sets the rule of the series. The text of one that is refused is kept in the description.
    pub(super) fn set_rule(&mut self, rule: &str) {
        match Rule::parse(rule) {
            Ok(rule) => self.task.recurrence = Some(rule.to_string()),
            Err(violation) => {
                self.refused("recurrence", violation);
                self.keep("Repeats", rule);
            }
        }
    }

    /// Reads a point in time of the history of the task. One that cannot be read is reported.
    pub(super) fn instant(&mut self, field: &'static str, text: Option<&str>) -> Option<Timestamp> {
        match due::instant(text?) {
            Ok(instant) => Some(instant),
            Err(violation) => {
                self.refused(field, violation);
                None
            }
        }
    }

    /// Adds what another record becomes as an item of this record's checklist.
    pub(super) fn absorb(&mut self, child: Self) {
        let Self { task, problems, paragraphs, .. } = child;
        self.problems.extend(problems);
        self.add_item(&task.title, task.status == Status::Completed);
        for (title, done) in &task.checklist {
            self.add_item(title, *done);
        }
        for paragraph in paragraphs {
            self.keep(&task.title, &paragraph);
        }
        for comment in &task.comments {
            self.add_comment(&format!("{}: {comment}", task.title));
        }
        let due = task.due.as_ref().map(|due| format!("due {due}"));
        let rule = task.recurrence.as_ref().map(|rule| format!("repeats {rule}"));
        let times: Vec<_> = [due, rule].into_iter().flatten().collect();
        if !times.is_empty() {
            self.keep(&task.title, &times.join(", "));
        }
        if !times.is_empty() || !task.tags.is_empty() || !task.reminders.is_empty() {
            let why = "An item of a checklist has no due time, reminders and tags of its own. The description has the due time.";
            let violation = Violation::new("not_supported", why);
            self.problems.push(ImportProblem::new(task.line, "checklist", violation));
        }
    }

    /// The task. `None` if the record is empty.
    pub(super) fn finish(mut self) -> (Option<ImportedTask>, Vec<ImportProblem>) {
        let text = several_lines(&self.paragraphs.join("\n\n"));
        let (text, whole) = shorten(&text, MAX_DESCRIPTION);
        if !whole {
            self.problem(
                "description",
                "too_long",
                "The description was shortened to 16,000 characters.",
            );
        }
        if self.task.title.is_empty() {
            if text.is_empty() && self.task.due.is_none() && self.task.checklist.is_empty() {
                self.problem(
                    "title",
                    "too_short",
                    "The record has no title and nothing else: it was left out.",
                );
                return (None, self.problems);
            }
            self.problem(
                "title",
                "too_short",
                "The record has no title: it is named after its description.",
            );
            let first = text.lines().map(one_line).find(|line| !line.is_empty());
            self.task.title = shorten(first.as_deref().unwrap_or("Untitled"), MAX_TITLE).0;
        }
        self.task.description = (!text.is_empty()).then_some(text);
        if self.task.status == Status::Completed {
            self.task.recurrence = None;
        } else {
            self.task.completed_at = None;
        }
        if self.task.recurrence.is_some() && self.task.due.is_none() {
            self.task.due = Some(ImportedDue::FirstOccurrence(None, None));
        }
        let before = |reminder: &ImportedReminder| matches!(reminder, ImportedReminder::Before(_));
        if self.task.due.is_none() && self.task.reminders.iter().any(before) {
            self.task.reminders.retain(|reminder| !before(reminder));
            self.problem(
                "reminders",
                "needs_due",
                "A reminder counts from a due time that the task does not have.",
            );
        }
        (Some(self.task), self.problems)
    }

    /// Reports something that can occur often in one record.
    fn problem_once(&mut self, field: &'static str, code: &'static str, message: &str) {
        if !self.problems.iter().any(|known| (known.field, known.code) == (field, code)) {
            self.problem(field, code, message);
        }
    }
}

/// The text as a single line: control characters become spaces.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().nfc().collect()
}

/// The text without control characters other than line breaks and tabs.
fn several_lines(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).nfc().collect()
}

/// The first `max` characters of a normalized text, the last of which is an ellipsis if there are more. And whether it is the
/// whole text.
fn shorten(text: &str, max: usize) -> (String, bool) {
    if text.chars().nth(max).is_none() {
        return (text.to_owned(), true);
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    (format!("{}…", kept.trim_end()), false)
}
