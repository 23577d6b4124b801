//! Microsoft To Do: the lists of a user with their tasks, as Microsoft Graph returns them (`todoTaskList`, `todoTask`) and
//! exporters write them: a list of lists, or an object with `lists` or `value`. The tasks of a list are in `tasks`.
//!
//! To Do knows days only, but Graph writes them as the start of the day in some time zone, usually UTC.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    ImportProblem, ImportedDue, ImportedReminder,
    draft::{Draft, Drafts},
    due,
    records::{self, Limited, Records, flag, id, object, text},
    repeat,
};
use crate::{
    task::{Priority, Status},
    zone::Zone,
};

const NAME: &str = "Microsoft To Do";

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, alias = "value")]
    lists: Limited<List<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default, alias = "wellKnownListName")]
    wellknown_list_name: Option<String>,
    #[serde(borrow, default)]
    tasks: Option<Records<'a>>,
}

pub(super) fn read(file: &str) -> Result<Drafts, ImportProblem> {
    let lists: Limited<List<'_>> = match file.trim_start().starts_with('[') {
        true => records::file(file, NAME)?,
        false => records::file::<File<'_>>(file, NAME)?.lists,
    };
    if !lists.kept.is_empty() && lists.kept.iter().all(|list| list.tasks.is_none()) {
        return Err(ImportProblem::of_file(
            "invalid_file",
            "The lists have no tasks: tasks is missing.",
        ));
    }
    let mut drafts = Drafts::default();
    let all = lists.kept.iter().flat_map(|list| {
        // The list that every user has is the inbox.
        let inbox = list.wellknown_list_name.as_deref() == Some("defaultList");
        let category = list.display_name.as_deref().filter(|_| !inbox).unwrap_or_default();
        let tasks = list.tasks.iter().flat_map(|tasks| tasks.kept.iter());
        tasks.map(move |raw| (category, *raw))
    });
    for (line, (category, raw)) in (1..).zip(all) {
        let record = match records::record(raw) {
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
        draft.key = id(&record, "id");
        draft.set_category(category);
        read_task(&mut draft, &record);
        drafts.list.push(draft);
    }
    Ok(drafts)
}

fn read_task(draft: &mut Draft, record: &Map<String, Value>) {
    draft.set_title(text(record, "title").unwrap_or_default());
    if let Some(body) = object(record, "body") {
        let content = text(body, "content").unwrap_or_default();
        match text(body, "contentType") {
            Some(kind) if kind.eq_ignore_ascii_case("html") => draft.describe(&plain_text(content)),
            _ => draft.describe(content),
        }
    }
    draft.task.status = match text(record, "status") {
        Some("completed") => Status::Completed,
        Some("inProgress") => Status::InProgress,
        Some("notStarted") | None => Status::Pending,
        Some(other) => {
            let why = "There is no such status: the task was imported as pending.";
            draft.problem("status", "not_supported", why);
            if matches!(other, "waitingOnOthers" | "deferred") {
                draft.keep("Status", other);
            }
            Status::Pending
        }
    };
    draft.task.priority = match text(record, "importance") {
        Some("low") => Priority::Low,
        Some("normal") | None => Priority::Medium,
        Some("high") => Priority::High,
        Some(_) => {
            draft.problem("priority", "unknown_value", "The importance must be low, normal or high.");
            Priority::Medium
        }
    };
    for category in records::list(record, "categories") {
        draft.add_tag(category.as_str().unwrap_or_default());
    }
    for item in records::list(record, "checklistItems").filter_map(Value::as_object) {
        draft.add_item(text(item, "displayName").unwrap_or_default(), flag(item, "isChecked"));
    }
    for link in records::list(record, "linkedResources").filter_map(Value::as_object) {
        draft.keep("Link", text(link, "webUrl").or(text(link, "displayName")).unwrap_or_default());
    }
    if flag(record, "hasAttachments") {
        draft.problem("attachments", "not_supported", "The attachments were not imported.");
    }
    read_times(draft, record);
}

fn read_times(draft: &mut Draft, record: &Map<String, Value>) {
    if let Some(due) = time(draft, "due", record, "dueDateTime") {
        draft.task.due = Some(day(due));
    }
    let reminds = !matches!(record.get("isReminderOn"), Some(Value::Bool(false)));
    if reminds && let Some(at) = time(draft, "reminders", record, "reminderDateTime") {
        draft.add_reminder(ImportedReminder::At(at));
    }
    if let Some(recurrence) = object(record, "recurrence") {
        match repeat::rule(recurrence) {
            Some(rule) => draft.set_rule(&rule),
            None => {
                let why = "The recurrence has an unknown pattern: the description has it.";
                draft.problem("recurrence", "invalid_recurrence", why);
                let pattern = recurrence.get("pattern").map(Value::to_string);
                draft.keep("Repeats", &pattern.unwrap_or_default());
            }
        }
    }
    draft.task.created_at = draft.instant("created_at", text(record, "createdDateTime"));
    let completed = time(draft, "completed_at", record, "completedDateTime");
    draft.task.completed_at = completed.and_then(|at| match at {
        ImportedDue::Instant(at) => Some(at),
        ImportedDue::Wall(local, Some(zone)) => {
            let zoned = local.to_zoned(zone.rules().clone()).ok()?;
            Some(crate::clock::whole_seconds(zoned.timestamp()))
        }
        _ => None,
    });
}

/// Reads a `dateTimeTimeZone`: a wall time and its time zone. One in UTC is an instant.
fn time(
    draft: &mut Draft,
    field: &'static str,
    record: &Map<String, Value>,
    name: &str,
) -> Option<ImportedDue> {
    let value = object(record, name)?;
    let zone = due::zone(text(value, "timeZone").unwrap_or_default()).unwrap_or_else(|violation| {
        draft.refused(field, violation);
        None
    });
    let written = text(value, "dateTime")?;
    let read = match zone {
        Some(zone) if zone == Zone::utc() => due::instant(written).map(ImportedDue::Instant),
        zone => due::parse(written, zone),
    };
    match read {
        Ok(ImportedDue::Date(date)) => Some(ImportedDue::Wall(date.at(0, 0, 0, 0), None)),
        Ok(time) => Some(time),
        Err(violation) => {
            draft.refused(field, violation);
            None
        }
    }
}

/// The day of a due time. Midnight in UTC is the start of the day that the user chose; another time in UTC is the start of
/// that day in the user's time zone.
fn day(due: ImportedDue) -> ImportedDue {
    match due {
        ImportedDue::Instant(at) if at.as_second().rem_euclid(86_400) == 0 => {
            ImportedDue::Date(due::date_in(at, &Zone::utc()))
        }
        ImportedDue::Instant(at) => ImportedDue::DayOf(at),
        ImportedDue::Wall(local, _) => ImportedDue::Date(local.date()),
        other => other,
    }
}

/// The text of an HTML body: tags are removed, those that end a line become line breaks.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before.trim_matches(['\r', '\n']));
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        if ["br", "br/", "/p", "/div", "/li"].contains(&name.to_ascii_lowercase().as_str()) {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    let entities = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    let text = entities.iter().fold(text, |text, (entity, plain)| text.replace(entity, plain));
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_plain_text() {
        let html = "<html><head>\r\n</head><body><div>One &amp; two</div><div>Three<br>four &lt;3</div></body></html>\r\n";
        assert_eq!(plain_text(html), "One & two\nThree\nfour <3");
        assert_eq!(plain_text("a < b <"), "a");
    }
}
