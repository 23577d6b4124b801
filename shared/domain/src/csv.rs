//! Tasks as CSV (RFC 4180), for spreadsheets and other programs.
//!
//! The columns are [`COLUMNS`]. Their names and their order are stable: new ones are added at the end. Rows end in CRLF, the
//! text is UTF-8 without a byte order mark, and a missing value is an empty cell.
//!
//! - Times are as in the API: `due` in the form in which it was set, all others as instants in UTC.
//! - `tags` are separated by commas. A comma or backslash in a tag follows a backslash (as in RFC 5545 §3.3.11).
//! - `reminders` are separated by spaces: a lead time such as `PT30M`, or a time. The end of a snooze is left out.
//! - `checklist` has one item a line, after `[x] ` if it is done, otherwise after `[ ] `.
//!
//! **Formulas.** Spreadsheets run a cell that begins with certain characters as a formula, and tasks have texts that somebody
//! else may have written. Such a cell begins with an apostrophe instead, which spreadsheets read as "this is text" (OWASP,
//! "CSV Injection"). A program that reads the file should remove it from in front of these characters.

use crate::{reminder::ReminderSpec, task::Task};

/// The names of the columns, in their order.
pub const COLUMNS: [&str; 19] = [
    "id",
    "space",
    "title",
    "description",
    "status",
    "priority",
    "category",
    "tags",
    "due",
    "due_at",
    "time_zone",
    "recurrence",
    "reminders",
    "checklist",
    "assigned_to",
    "created_by",
    "created_at",
    "updated_at",
    "completed_at",
];

/// A file: the row of the columns' names, and a row for each task.
pub fn to_csv(tasks: &[Task]) -> String {
    std::iter::once(csv_header()).chain(tasks.iter().map(csv_row)).collect()
}

/// The row of the columns' names, with its line end.
pub fn csv_header() -> String {
    row(&COLUMNS.map(str::to_owned))
}

/// The row of a task, with its line end.
pub fn csv_row(task: &Task) -> String {
    let tags = task.tags.iter().map(|tag| tag.as_str().replace('\\', "\\\\").replace(',', "\\,"));
    let reminders = task.reminders.iter().filter_map(|reminder| match &reminder.spec {
        ReminderSpec::Before(lead_time) => Some(lead_time.to_string()),
        ReminderSpec::At(time) => Some(time.to_string()),
        ReminderSpec::Snoozed(_) => None,
    });
    let checklist = task.checklist.iter().map(|item| {
        let mark = if item.done { 'x' } else { ' ' };
        format!("[{mark}] {}", item.title.as_str())
    });
    row(&[
        task.id.to_string(),
        task.space.to_string(),
        task.title.as_str().to_owned(),
        task.description.as_str().to_owned(),
        task.status.as_str().to_owned(),
        task.priority.as_str().to_owned(),
        task.category.as_ref().map(|category| category.as_str().to_owned()).unwrap_or_default(),
        join(tags, ","),
        text(task.due.as_ref()),
        text(task.due_at.as_ref()),
        task.time_zone.to_string(),
        text(task.recurrence.as_ref().map(|series| &series.rule)),
        join(reminders, " "),
        join(checklist, "\n"),
        text(task.assigned_to.as_ref()),
        task.created_by.to_string(),
        task.created_at.to_string(),
        task.updated_at.to_string(),
        text(task.completed_at.as_ref()),
    ])
}

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(T::to_string).unwrap_or_default()
}

fn join(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

fn row(cells: &[String; COLUMNS.len()]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| quoted(&harmless(cell))).collect();
    format!("{}\r\n", cells.join(","))
}

/// The cell with an apostrophe before it if a spreadsheet would run it as a formula. The characters are OWASP's, with the
/// full-width forms that Japanese spreadsheets accept.
fn harmless(cell: &str) -> String {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) { format!("'{cell}") } else { cell.to_owned() }
}

/// The cell in quotes if it needs them (RFC 4180 §2). Spaces at its ends are quoted too, because some programs trim others.
fn quoted(cell: &str) -> String {
    let special = |c: char| matches!(c, ',' | '"' | '\r' | '\n' | ';' | '\t');
    if cell.contains(special) || cell.trim() != cell {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1", "'+49 30 1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
            ("'=1", "'=1"),
        ] {
            assert_eq!(harmless(cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn a_cell_is_quoted_if_it_needs_it() {
        for (cell, expected) in [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            (" a", "\" a\""),
            ("a;b", "\"a;b\""),
        ] {
            assert_eq!(quoted(cell), expected, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn a_row_is_read_back_as_it_was_written(cells in proptest::array::uniform19(any::<String>())) {
            let written = row(&cells);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
            let read: Vec<_> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 1);
            let expected: Vec<_> = cells.iter().map(|cell| harmless(cell)).collect();
            prop_assert_eq!(read[0].iter().collect::<Vec<_>>(), expected);
        }
    }
}
