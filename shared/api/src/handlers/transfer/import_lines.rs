//! The lines of an import.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use taskbell_domain::{
    checklist::{ChecklistItem, MAX_ITEMS},
    clock::At,
    due::Due,
    id::{CommentId, ItemId, SpaceId, TaskId, UserId},
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    reminder::{LeadTime, MAX_REMINDERS, ReminderSpec},
    task::{Completion, ImportOrigin, OccurrenceImport, Priority, Status, TaskDraft, TaskImport},
    text::{Category, CommentText, Description, ItemTitle, Title},
    violation::{FieldError, Violation},
    zone::Zone,
};

use super::FORMAT;
use crate::http::{Call, Errors, Fields, parse_line, read};

/// A line that can be imported.
pub(super) enum Item {
    Task(Box<TaskLine>),
    Comment(CommentLine),
}

/// A task of an export.
pub(super) struct TaskLine {
    pub(super) space: SpaceId,
    pub(super) source: TaskId,
    pub(super) import: TaskImport,
}

/// A comment of an export.
pub(super) struct CommentLine {
    pub(super) space: SpaceId,
    pub(super) task: TaskId,
    pub(super) source: CommentId,
    pub(super) text: CommentText,
}

/// The result of reading a line.
pub(super) enum ReadLine {
    /// It has nothing to import: the header, the profile, a space, the end of a page.
    Nothing,
    /// A task or a comment.
    Item(Item),
}

/// Lines with nothing to import.
const DESCRIBING: [&str; 4] = ["export", "profile", "space", "page"];

/// Reads a line. Ids that it refers to are those of the import already, except `source`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read_line(
    call: &Call<'_>,
    origin: ImportOrigin,
    line: &[u8],
) -> Result<ReadLine, Errors> {
    let mut value = parse_line(line)?;
    let Some(object) = value.as_object_mut() else {
        return Err(error("line", "wrong_type", "It must be an object.").into());
    };
    let kind = object.remove("type");
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
    let now = call.now();
    let read = match kind {
        "export" if value["format"] != FORMAT => {
            return Err(error("format", "unknown_value", "Only format 1 is supported.").into());
        }
        _ if DESCRIBING.contains(&kind) => return Ok(ReadLine::Nothing),
        "task" => Fields::inside(&value, |fields| task(fields, call, origin).map(Item::Task)),
        "comment" => Fields::inside(&value, |fields| comment(fields, now).map(Item::Comment)),
        _ => {
            let why = "It must be one of export, profile, space, task, comment, page.";
            return Err(error("type", "unknown_value", why).into());
        }
    };
    // The fields of a line have no leading dot.
    let read = read.map_err(|errors| errors.map(|field| field.trim_start_matches('.').to_owned()));
    read.map(ReadLine::Item)
}

fn error(field: &str, code: &'static str, why: &str) -> FieldError {
    Violation::new(code, why).for_field(field)
}

/// A time that has passed, in whole seconds.
fn past(now: Timestamp) -> impl Fn(&str) -> Result<Timestamp, Violation> {
    move |text| {
        let at: Timestamp = text.parse().map_err(|_| {
            Violation::new("invalid_time", "It must be an instant, such as 2026-03-01T08:00:00Z.")
        })?;
        if !(Timestamp::UNIX_EPOCH..=now).contains(&at) {
            return Err(Violation::new("out_of_range", "It must be after 1970 and not in the future."));
        }
        Timestamp::from_second(at.as_second())
            .map_err(|_| Violation::new("out_of_range", "It is out of range."))
    }
}

/// Fields of a task that follow from others or belong to where it comes from.
const DERIVED: [&str; 7] =
    ["due_at", "auto_complete_at", "assigned_to", "created_by", "version", "updated_at", "moved_at"];

fn ignore(fields: &mut Fields, names: &[&str]) {
    for name in names {
        fields.optional(name, |_| Ok(()));
    }
}

fn task(fields: &mut Fields, call: &Call<'_>, origin: ImportOrigin) -> Option<Box<TaskLine>> {
    let now = call.now();
    let source = fields.required("id", read::text(read::id::<TaskId>));
    let space = fields.required("space", read::text(read::id::<SpaceId>));
    let title = fields.required("title", read::text(Title::parse));
    let description = fields.optional("description", read::text(Description::parse));
    let status = fields.optional("status", read::text(Status::parse)).unwrap_or(Status::Pending);
    let priority = fields.optional("priority", read::text(Priority::parse));
    let category = fields.optional("category", read::text(Category::parse));
    let tags = fields.optional("tags", read::tags);
    let due = fields.optional("due", read::text(Due::parse));
    let time_zone = fields.required("time_zone", read::text(Zone::parse));
    // One more than a client can set: a snooze adds one.
    let reminders = fields.optional("reminders", read::list(MAX_REMINDERS + 1, reminder));
    let recurrence = fields.optional("recurrence", read::text(Rule::parse));
    let recurrence_from = fields.optional("recurrence_from", read::text(RecurrenceFrom::parse));
    let number = fields.optional("occurrence", read::whole_number).unwrap_or(1);
    let time = fields.optional("occurrence_time", read::text(Due::parse));
    let next_occurrence = fields.optional("next_occurrence", read::text(read::id::<TaskId>));
    let auto_complete_after = fields.optional("auto_complete_after", read::text(AutoComplete::parse));
    let checklist = fields.optional("checklist", |value| checklist(value, call));
    let created_at = fields.required("created_at", read::text(past(now)));
    let completed_at = fields.optional("completed_at", read::text(past(now)));
    let completed_by = fields.optional("completed_by", read::text(Completion::parse));
    ignore(fields, &DERIVED);
    let draft = TaskDraft {
        title: title?,
        description: description.unwrap_or_default(),
        status,
        priority: priority.unwrap_or(Priority::Medium),
        category,
        tags: tags.unwrap_or_default(),
        due,
        reminders,
        recurrence,
        recurrence_from,
        auto_complete_after,
        assigned_to: None,
        checklist: Vec::new(),
    };
    let created_at = created_at?;
    let import = TaskImport {
        draft,
        time_zone: time_zone?,
        // 0 is refused, too.
        occurrence: OccurrenceImport { time, number: u32::try_from(number).unwrap_or(0) },
        next_occurrence: next_occurrence.map(|next| origin.task(next)),
        checklist: checklist.unwrap_or_default(),
        created_at,
        completed: completed_at
            .map(|at| (at.max(created_at), completed_by.unwrap_or(Completion::Person))),
    };
    Some(Box::new(TaskLine { space: space?, source: source?, import }))
}

/// A reminder. Its id and the instant at which it fires follow from the import.
fn reminder(value: &Value) -> read::Read<ReminderSpec> {
    Fields::inside(value, |fields| {
        let before = fields.optional("before", read::text(LeadTime::parse));
        let at = fields.optional("at", read::text(ReminderSpec::parse_at));
        let is_snoozed = fields.optional("snoozed", read::boolean).unwrap_or(false);
        ignore(fields, &["id", "fire_at"]);
        match (before, at) {
            (Some(before), None) if !is_snoozed => Some(ReminderSpec::Before(before)),
            (None, Some(ReminderSpec::At(Due::Instant(until)))) if is_snoozed => {
                Some(ReminderSpec::Snoozed(until))
            }
            (None, Some(at)) if !is_snoozed => Some(at),
            _ => fields.refuse("wrong_type", "Give either before or at."),
        }
    })
}

/// The items of a checklist, with their ids.
fn checklist(value: &Value, call: &Call<'_>) -> read::Read<Vec<ChecklistItem>> {
    let items = read::list(MAX_ITEMS, |value| {
        Fields::inside(value, |fields| {
            let id = fields.optional("id", read::text(read::id::<ItemId>));
            let title = fields.required("title", read::text(ItemTitle::parse));
            let done = fields.optional("done", read::boolean).unwrap_or(false);
            let id = id.unwrap_or_else(|| ItemId::generate(&At(call.now()), call.random()));
            title.map(|title| ChecklistItem { id, title, done })
        })
    })(value)?;
    let distinct: BTreeSet<_> = items.iter().map(|item| item.id).collect();
    match distinct.len() == items.len() {
        true => Ok(items),
        false => Err(error("", "duplicate", "Duplicate item: each id can be used only once.").into()),
    }
}

/// A comment. Its text names the original author and time, because it becomes a comment of the importer.
fn comment(fields: &mut Fields, now: Timestamp) -> Option<CommentLine> {
    let source = fields.required("id", read::text(read::id::<CommentId>));
    let space = fields.required("space", read::text(read::id::<SpaceId>));
    let task = fields.required("task", read::text(read::id::<TaskId>));
    let author = fields.required("author", read::text(read::id::<UserId>));
    let name =
        fields.optional("author_name", read::text(taskbell_domain::text::PersonName::parse_trusted));
    let created_at = fields.required("created_at", read::text(past(now)));
    let text = fields.required("text", read::text(CommentText::parse_trusted));
    ignore(fields, &["updated_at"]);
    let (author, created_at) = (author?, created_at?);
    let name = name.map_or_else(|| author.to_string(), |name| name.as_str().to_owned());
    let text = text?.attributed(&name, created_at);
    Some(CommentLine { space: space?, task: task?, source: source?, text })
}
