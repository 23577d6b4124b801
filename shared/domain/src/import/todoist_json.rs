//! Todoist's JSON: an answer of the Sync API (versions 8, 9 and 1), or a list of tasks of the REST API.
//!
//! A priority of 4 is the highest, unlike in the CSV files. Labels are names, in version 8 ids. A due time is a day, a wall time
//! without a time zone, or an instant with one; that of a recurring task is its next occurrence.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    ImportProblem, ImportedReminder,
    draft::{Draft, Drafts},
    due, phrase,
    records::{self, Records, flag, id, number, object, text},
};
use crate::{
    reminder::LeadTime,
    task::{Priority, Status},
    violation::Violation,
};

const NAME: &str = "Todoist";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Backup<'a> {
    #[serde(borrow)]
    projects: Records<'a>,
    #[serde(borrow)]
    sections: Records<'a>,
    #[serde(borrow)]
    labels: Records<'a>,
    #[serde(borrow, alias = "tasks")]
    items: Option<Records<'a>>,
    #[serde(borrow, alias = "comments")]
    notes: Records<'a>,
    #[serde(borrow)]
    reminders: Records<'a>,
}

/// Names by id.
type Names = HashMap<String, String>;

pub(super) fn read(file: &str) -> Result<Drafts, ImportProblem> {
    let backup = match file.trim_start().starts_with('[') {
        true => Backup { items: Some(records::file(file, NAME)?), ..Backup::default() },
        false => records::file(file, NAME)?,
    };
    let Some(items) = backup.items else {
        return Err(ImportProblem::of_file(
            "invalid_file",
            "The file has no list of tasks: items is missing.",
        ));
    };
    let (projects, sections) = (names(&backup.projects), names(&backup.sections));
    let labels = names(&backup.labels);
    let mut drafts = Drafts::default();
    for (line, raw) in (1..).zip(&items.kept) {
        let record = match records::record(raw) {
            Ok(record) if flag(&record, "is_deleted") => continue,
            Ok(record) => record,
            Err(violation) => {
                drafts.problem(line, "file", violation);
                continue;
            }
        };
        if !drafts.has_room(line) {
            break;
        }
        let mut draft = Draft::new(line, &records::source_id(&record, raw, line));
        read_item(&mut draft, &record, &labels);
        let category = [("project_id", &projects), ("section_id", &sections)];
        let category = category.iter().filter_map(|(field, names)| names.get(&id(&record, field)?));
        draft.set_category(&category.map(String::as_str).collect::<Vec<_>>().join(" / "));
        drafts.list.push(draft);
    }
    attach(&mut drafts, &backup.notes, "comments", read_note);
    attach(&mut drafts, &backup.reminders, "reminders", read_reminder);
    Ok(drafts)
}

/// The names of records, without the inbox.
fn names(list: &Records<'_>) -> Names {
    let parsed = list.kept.iter().filter_map(|raw| records::record(raw).ok());
    let named = parsed.filter(|one| !flag(one, "inbox_project") && !flag(one, "is_inbox_project"));
    named.filter_map(|one| Some((id(&one, "id")?, text(&one, "name")?.to_owned()))).collect()
}

fn read_item(draft: &mut Draft, record: &Map<String, Value>, labels: &Names) {
    draft.key = id(record, "id");
    draft.parent = id(record, "parent_id");
    draft.set_title(text(record, "content").unwrap_or_default());
    draft.describe(text(record, "description").unwrap_or_default());
    draft.task.priority = match number(record, "priority") {
        Some(4) => Priority::Urgent,
        Some(3) => Priority::High,
        Some(2) => Priority::Medium,
        Some(1) => Priority::Low,
        other => {
            if other.is_some() {
                draft.problem(
                    "priority",
                    "unknown_value",
                    "The priority must be a number from 1 to 4.",
                );
            }
            Priority::Medium
        }
    };
    if flag(record, "checked") || flag(record, "is_completed") {
        draft.task.status = Status::Completed;
    }
    for label in records::list(record, "labels") {
        match label {
            Value::String(name) => draft.add_tag(labels.get(name).unwrap_or(name)),
            other => match labels.get(&other.to_string()) {
                Some(name) => draft.add_tag(name),
                None => draft.problem(
                    "tags",
                    "unknown_value",
                    "A label is not in the file: it was left out.",
                ),
            },
        }
    }
    if let Some(due) = object(record, "due") {
        read_due(draft, due);
    }
    let deadline = object(record, "deadline").and_then(|deadline| text(deadline, "date"));
    match deadline {
        Some(date) if draft.task.due.is_none() => draft.set_due(date, due::parse(date, None)),
        Some(date) => draft.unsupported("deadline", "Deadline", date),
        None => {}
    }
    if let Some(duration) = object(record, "duration")
        && let (Some(amount), Some(unit)) = (number(duration, "amount"), text(duration, "unit"))
    {
        draft.unsupported("duration", "Duration", &format!("{amount} {unit}"));
    }
    if id(record, "responsible_uid").is_some() {
        draft.problem(
            "assigned_to",
            "not_supported",
            "The assignee was left out: the file does not have the name.",
        );
    }
    let first = |names: [&str; 3]| names.iter().find_map(|name| text(record, name));
    draft.task.created_at =
        draft.instant("created_at", first(["added_at", "date_added", "created_at"]));
    draft.task.completed_at =
        draft.instant("completed_at", first(["completed_at", "date_completed", "completed_date"]));
}

fn read_due(draft: &mut Draft, due: &Map<String, Value>) {
    if let Some(date) = text(due, "datetime").or(text(due, "date")) {
        let time = read_time(draft, "due", due, date);
        draft.set_due(date, time);
    }
    if !flag(due, "is_recurring") {
        return;
    }
    let string = text(due, "string").unwrap_or_default();
    match phrase::parse(string) {
        Some(phrase::Phrase { rule: Some(rule), from, .. }) => {
            draft.task.recurrence_from = from;
            draft.set_rule(&rule);
        }
        _ => {
            let why = "The recurrence is not understood: the description has it.";
            draft.problem("recurrence", "invalid_recurrence", why);
            draft.keep("Repeats", string);
        }
    }
}

/// Reads the time of a due time or reminder in the time zone beside it.
fn read_time(
    draft: &mut Draft,
    field: &'static str,
    due: &Map<String, Value>,
    date: &str,
) -> Result<super::ImportedDue, Violation> {
    let zone = due::zone(text(due, "timezone").unwrap_or_default()).unwrap_or_else(|violation| {
        draft.refused(field, violation);
        None
    });
    due::parse(date, zone)
}

/// Reads records that belong to tasks.
fn attach(
    drafts: &mut Drafts,
    list: &Records<'_>,
    field: &'static str,
    read: impl Fn(&mut Draft, &Map<String, Value>),
) {
    let keys = drafts.list.iter().enumerate();
    let keys: HashMap<_, _> =
        keys.filter_map(|(index, draft)| Some((draft.key.clone()?, index))).collect();
    for raw in &list.kept {
        let Ok(record) = records::record(raw) else {
            let why = "A record does not have the expected form, or is too large: it was left out.";
            drafts.problem(0, field, Violation::new("invalid_record", why));
            continue;
        };
        let item = id(&record, "item_id").or_else(|| id(&record, "task_id"));
        let index = item.and_then(|item| keys.get(&item)).copied();
        // Those of completed and deleted tasks, which are not in the file, are of no use.
        if let Some(draft) = index.and_then(|index| drafts.list.get_mut(index))
            && !flag(&record, "is_deleted")
        {
            read(draft, &record);
        }
    }
    if list.more {
        let why = "The file has more records of this kind than are imported.";
        drafts.problem(0, field, Violation::new("too_many", why));
    }
}

fn read_note(draft: &mut Draft, note: &Map<String, Value>) {
    draft.add_comment(text(note, "content").unwrap_or_default());
    if let Some(file) = object(note, "file_attachment").or(object(note, "attachment")) {
        draft.problem(
            "comments",
            "not_supported",
            "An attachment was not imported: the comment has its address.",
        );
        let parts = [text(file, "file_name"), text(file, "file_url")];
        draft.add_comment(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
    }
}

fn read_reminder(draft: &mut Draft, reminder: &Map<String, Value>) {
    let minutes = number(reminder, "minute_offset").or(number(reminder, "mm_offset"));
    let date = object(reminder, "due").and_then(|due| Some((due, text(due, "date")?)));
    match (text(reminder, "type"), minutes, date) {
        (Some("relative"), Some(minutes), _) => match LeadTime::parse(&format!("PT{minutes}M")) {
            Ok(lead_time) => draft.add_reminder(ImportedReminder::Before(lead_time)),
            Err(violation) => draft.refused("reminders", violation),
        },
        (Some("absolute"), _, Some((due, date))) => match read_time(draft, "reminders", due, date) {
            Ok(super::ImportedDue::Date(_)) => {
                draft.problem("reminders", "invalid_time", "A reminder needs a time of day.");
            }
            Ok(time) => draft.add_reminder(ImportedReminder::At(time)),
            Err(violation) => draft.refused("reminders", violation),
        },
        _ => {
            let why = "The reminder depends on a place, or has an unknown form: it was left out.";
            draft.problem("reminders", "not_supported", why);
        }
    }
}
