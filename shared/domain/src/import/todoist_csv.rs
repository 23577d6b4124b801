//! Todoist's CSV files.
//!
//! A row has a TYPE: `section` starts a section, `task` is a task, `note` a comment on the task before it, `meta` and empty rows
//! say nothing about tasks. INDENT is the depth, and the parent of a task is the last one with a smaller depth. Labels are
//! words of CONTENT that begin with `@`. PRIORITY 1 is the highest, unlike in the API. DATE is a phrase in the language
//! DATE_LANG; a file has only open tasks. The project is named by the file, not in it, so the section is the category.

use super::{
    ImportProblem, ImportedDue,
    draft::{Draft, Drafts},
    due, phrase,
    table::{self, Row, Table},
};
use crate::{secret::sha256_hex, task::Priority, violation::Violation};

pub(super) fn read(text: &str) -> Result<Drafts, ImportProblem> {
    let mut reader = table::reader(text);
    let mut table = Table::find(&mut reader, text, &["type", "content"])?;
    let mut drafts = Drafts::default();
    let (mut section, mut root) = (String::new(), None);
    while let Some(row) = table.next() {
        let content = row.get("content");
        match row.get("type").to_ascii_lowercase().as_str() {
            "task" => {
                if !drafts.has_room(row.line) {
                    break;
                }
                let mut draft = task(&row);
                draft.set_category(&section);
                let indent = row.get("indent").parse().unwrap_or(1);
                match &root {
                    Some(root) if indent > 1 => draft.parent = Some(String::clone(root)),
                    _ => root = draft.key.clone(),
                }
                drafts.list.push(draft);
            }
            "section" => {
                section = content.to_owned();
                root = None;
            }
            "note" => match drafts.list.last_mut() {
                Some(draft) => draft.add_comment(content),
                None => {
                    let why = "The comment belongs to the project, not to a task: it was left out.";
                    drafts.problem(row.line, "comments", Violation::new("not_supported", why));
                }
            },
            "meta" | "" => {}
            _ => {
                let why = "The type of the row must be task, section, note or meta.";
                drafts.problem(row.line, "file", Violation::new("unknown_value", why));
            }
        }
    }
    Ok(drafts)
}

fn task(row: &Row<'_>) -> Draft {
    let id = sha256_hex(format!("{}\n{}", row.line, row.content()).as_bytes());
    let mut draft = Draft::new(row.line, &id);
    draft.key = Some(id);
    set_title_and_tags(&mut draft, row.get("content"));
    draft.describe(row.get("description"));
    draft.task.priority = match row.get("priority") {
        "1" => Priority::Urgent,
        "2" => Priority::High,
        "3" => Priority::Medium,
        "4" => Priority::Low,
        text => {
            if !text.is_empty() {
                draft.problem(
                    "priority",
                    "unknown_value",
                    "The priority must be a number from 1 to 4.",
                );
            }
            Priority::Medium
        }
    };
    set_due(&mut draft, row.get("date"), row.get("timezone"));
    set_deadline(&mut draft, row.get("deadline"));
    draft.unsupported("assigned_to", "Assigned to", row.get("responsible"));
    let (duration, unit) = (row.get("duration"), row.get("duration_unit"));
    if !duration.is_empty() && duration != "None" {
        draft.unsupported("duration", "Duration", &format!("{duration} {unit}"));
    }
    draft
}

/// Sets the title to the content without its labels, unless it has nothing else.
fn set_title_and_tags(draft: &mut Draft, content: &str) {
    let is_label = |word: &&str| word.len() > 1 && word.starts_with('@');
    let (labels, words): (Vec<_>, Vec<_>) = content.split_whitespace().partition(is_label);
    for label in &labels {
        draft.add_tag(label.trim_start_matches('@'));
    }
    match words.is_empty() {
        true => draft.set_title(content),
        false if labels.is_empty() => draft.set_title(content),
        false => draft.set_title(&words.join(" ")),
    }
}

fn set_due(draft: &mut Draft, text: &str, zone: &str) {
    if text.is_empty() {
        return;
    }
    let zone = due::zone(zone).unwrap_or_else(|violation| {
        draft.refused("due", violation);
        None
    });
    if let Some(phrase) = phrase::parse(text) {
        draft.task.recurrence_from = phrase.from;
        match phrase.date {
            Some(date) => draft.set_due(text, due::at(date, phrase.time, zone)),
            None => draft.task.due = Some(ImportedDue::FirstOccurrence(phrase.time, zone)),
        }
        if let Some(rule) = phrase.rule {
            draft.set_rule(&rule);
        }
    } else if let Ok(due) = due::parse(text, zone) {
        draft.task.due = Some(due);
    } else if text.to_ascii_lowercase().starts_with("ev") {
        let why = "The recurrence is not understood: the description has it.";
        draft.problem("recurrence", "invalid_recurrence", why);
        draft.keep("Repeats", text);
    } else {
        let why = "The due time is not understood, because it is relative to a day or has another form: the description has it.";
        draft.problem("due", "invalid_time", why);
        draft.keep("Due", text);
    }
}

/// A deadline is the due time of a task that has no other one.
fn set_deadline(draft: &mut Draft, text: &str) {
    let date =
        phrase::parse(text).filter(|phrase| phrase.rule.is_none()).and_then(|phrase| phrase.date);
    match date {
        Some(date) if draft.task.due.is_none() => draft.set_due(text, due::at(date, None, None)),
        _ => draft.unsupported("deadline", "Deadline", text),
    }
}
