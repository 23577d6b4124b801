//! TickTick's backup: a CSV file whose first rows are the date, the version and the meaning of the statuses.
//!
//! Times are instants with a time zone beside them; those of all-day tasks are the start of the day in it. `Content` of a
//! checklist has its items, each after `▫` (open) or `▪` (done). `taskId` is the position in the file, so it says which task is
//! whose parent, but not which task it is in the next backup.

use super::{
    ImportProblem, ImportedDue, ImportedReminder,
    draft::{Draft, Drafts},
    due,
    table::{self, Row, Table},
};
use crate::{
    reminder::LeadTime,
    secret::sha256_hex,
    task::{Priority, Status},
};

/// The time that the reminders of Taskbell's all-day tasks count from, in seconds after midnight. TickTick's count from
/// midnight.
const REMINDER_BASE: i64 = 9 * 3_600;

/// The maximum number of reminders in a cell that are read.
const MAX_CELL_REMINDERS: usize = 50;

pub(super) fn read(text: &str) -> Result<Drafts, ImportProblem> {
    let mut reader = table::reader(text);
    let mut table = Table::find(&mut reader, text, &["list name", "title", "status"])?;
    let mut drafts = Drafts::default();
    while let Some(row) = table.next() {
        if row.get("title").is_empty()
            && row.get("content").is_empty()
            && row.get("due date").is_empty()
        {
            continue;
        }
        if !drafts.has_room(row.line) {
            break;
        }
        drafts.list.push(task(&row));
    }
    Ok(drafts)
}

fn task(row: &Row<'_>) -> Draft {
    let identity = [row.get("created time"), row.get("list name"), row.get("title")].join("\n");
    let mut draft = Draft::new(row.line, &sha256_hex(identity.as_bytes()));
    let reference = |column| Some(row.get(column).to_owned()).filter(|id| !id.is_empty() && id != "0");
    draft.key = reference("taskid");
    draft.parent = reference("parentid");
    draft.set_title(row.get("title"));
    if row.get("list name") != "Inbox" {
        draft.set_category(row.get("list name"));
    }
    for tag in row.get("tags").split(',').map(|tag| tag.trim().trim_start_matches('#')) {
        if !tag.is_empty() {
            draft.add_tag(tag);
        }
    }
    let kind = row.get("kind").to_ascii_uppercase();
    match kind.as_str() {
        "CHECKLIST" => read_checklist(&mut draft, row.get("content")),
        _ if ["Y", "true"].contains(&row.get("is check list")) => {
            read_checklist(&mut draft, row.get("content"))
        }
        _ => draft.describe(row.get("content")),
    }
    if kind == "NOTE" {
        draft.problem("kind", "not_supported", "There are no notes: it was imported as a task.");
    }
    draft.task.status = match row.get("status") {
        "" | "0" => Status::Pending,
        "1" | "2" => Status::Completed,
        "-1" => {
            let why = "There is no status for abandoned tasks: it was imported as completed.";
            draft.problem("status", "not_supported", why);
            Status::Completed
        }
        _ => {
            draft.problem("status", "unknown_value", "The status must be 0, 1, 2 or -1.");
            Status::Pending
        }
    };
    draft.task.priority = match row.get("priority") {
        "5" => Priority::High,
        "1" => Priority::Low,
        // 0 means that nobody chose one, which is what medium means in Taskbell.
        "" | "0" | "3" => Priority::Medium,
        _ => {
            draft.problem("priority", "unknown_value", "The priority must be 0, 1, 3 or 5.");
            Priority::Medium
        }
    };
    read_times(&mut draft, row);
    draft
}

fn read_checklist(draft: &mut Draft, content: &str) {
    let mut description = Vec::new();
    for line in content.lines() {
        if !line.trim_start().starts_with(['▫', '▪']) {
            description.push(line);
            continue;
        }
        let mut rest = line.trim_start();
        while let Some(mark) = rest.chars().next() {
            let item = rest.get(mark.len_utf8()..).unwrap_or_default();
            let end = item.find(['▫', '▪']).unwrap_or(item.len());
            let (title, next) = item.split_at_checked(end).unwrap_or((item, ""));
            draft.add_item(title, mark == '▪');
            rest = next;
        }
    }
    draft.describe(&description.join("\n"));
}

fn read_times(draft: &mut Draft, row: &Row<'_>) {
    let all_day = row.get("is all day").eq_ignore_ascii_case("true");
    let floating = row.get("is floating").eq_ignore_ascii_case("true");
    let (start, end) = (row.get("start date"), row.get("due date"));
    let written = if end.is_empty() { start } else { end };
    if !written.is_empty() {
        let zone = due::zone(row.get("timezone")).unwrap_or_else(|violation| {
            draft.refused("due", violation);
            None
        });
        let time = due::parse(written, zone);
        let time = time.map(|time| match time {
            ImportedDue::Wall(local, Some(_)) if all_day => ImportedDue::Date(local.date()),
            ImportedDue::Instant(at) if all_day => ImportedDue::DayOf(at),
            ImportedDue::Wall(local, None) if all_day => ImportedDue::Date(local.date()),
            ImportedDue::Wall(local, Some(_)) if floating => ImportedDue::Wall(local, None),
            other => other,
        });
        draft.set_due(written, time);
    }
    if !start.is_empty() && start != written {
        draft.unsupported("start", "Start", start);
    }
    // A cell can have more than one line. Only the first rule has a place.
    let mut rules = row.get("repeat").lines().map(str::trim).filter(|line| !line.is_empty());
    if let Some(rule) = rules.next() {
        draft.set_rule(rule);
    }
    for other in rules.take(1) {
        draft.unsupported("recurrence", "Repeats also", other);
    }
    let reminders = row.get("reminder").split([',', '\n', ' ']).map(str::trim);
    for trigger in reminders.filter(|trigger| !trigger.is_empty()).take(MAX_CELL_REMINDERS) {
        match reminder(trigger, draft.task.due.as_ref()) {
            Some(reminder) => draft.add_reminder(reminder),
            None => {
                let why =
                    "A reminder has an unknown form, or is after the due time: the description has it.";
                draft.problem("reminders", "not_supported", why);
                draft.keep("Reminder", trigger);
            }
        }
    }
    let time = |column| Some(row.get(column)).filter(|text: &&str| !text.is_empty());
    draft.task.created_at = draft.instant("created_at", time("created time"));
    draft.task.completed_at = draft.instant("completed_at", time("completed time"));
}

/// Reads a trigger of RFC 5545 §3.8.6.3, relative to the due time: `-PT30M`, `TRIGGER:PT0S`. That of an all-day task is
/// relative to midnight: `P0DT9H0M0S`.
fn reminder(trigger: &str, due: Option<&ImportedDue>) -> Option<ImportedReminder> {
    let text = trigger.strip_prefix("TRIGGER:").unwrap_or(trigger);
    let (sign, duration) = match text.strip_prefix('-') {
        Some(duration) => (-1, duration),
        None => (1, text),
    };
    let span: jiff::Span = duration.parse().ok().filter(|_| duration.starts_with('P'))?;
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let seconds = i64::from(span.get_hours()) * 3_600 + span.get_minutes() * 60 + span.get_seconds();
    let offset = sign * days.checked_mul(86_400)?.checked_add(seconds)?;
    let lead = match due {
        Some(ImportedDue::Date(date)) if offset > REMINDER_BASE => {
            // Later on that day than Taskbell's reminders of all-day tasks can be.
            let time = jiff::Span::new().try_seconds(offset).ok()?;
            let local = date.at(0, 0, 0, 0).checked_add(time).ok()?;
            return Some(ImportedReminder::At(ImportedDue::Wall(local, None)));
        }
        Some(ImportedDue::Date(_) | ImportedDue::DayOf(_)) => REMINDER_BASE.checked_sub(offset)?,
        _ => offset.checked_neg()?,
    };
    let lead_time = match lead % 86_400 {
        0 => format!("P{}D", lead / 86_400),
        _ => format!("PT{lead}S"),
    };
    LeadTime::parse(&lead_time).ok().filter(|_| lead >= 0).map(ImportedReminder::Before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_count_from_the_due_time_and_on_days_from_midnight() {
        let day = Some(ImportedDue::Date(jiff::civil::date(2026, 12, 1)));
        let before = |trigger, due: &Option<ImportedDue>| match reminder(trigger, due.as_ref()) {
            Some(ImportedReminder::Before(lead_time)) => lead_time.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(before("-PT30M", &None), "PT30M");
        assert_eq!(before("TRIGGER:PT0S", &None), "PT0S");
        assert_eq!(before("TRIGGER:-P1DT0H0M0S", &None), "P1D");
        assert_eq!(before("P0DT9H0M0S", &day), "PT0S");
        assert_eq!(before("-PT15H", &day), "P1D");
        assert_eq!(before("PT8H30M", &day), "PT30M");
        let evening = ImportedDue::Wall(jiff::civil::date(2026, 12, 1).at(18, 0, 0, 0), None);
        assert_eq!(reminder("PT18H", day.as_ref()), Some(ImportedReminder::At(evening)));
        for bad in ["", "30M", "PT5M", "-P99999D", "--PT5M", "P9223372036854775807D"] {
            assert_eq!(reminder(bad, None), None, "{bad}");
        }
    }
}
