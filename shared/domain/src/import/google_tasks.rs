//! `Tasks.json` of Google Takeout: the lists (`tasks#taskLists`), each with its tasks (`items`).
//!
//! `due` is a day, written as midnight in UTC. The file has no recurrence and no reminders.

use serde::Deserialize;

use super::{
    ImportProblem,
    draft::{Draft, Drafts},
    due,
    records::{self, Limited, Records, flag, id, text},
};
use crate::task::Status;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    items: Limited<List<'a>>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    title: Option<String>,
    #[serde(borrow, default)]
    items: Records<'a>,
}

pub(super) fn read(file: &str) -> Result<Drafts, ImportProblem> {
    let file: File<'_> = records::file(file, "Google Tasks (Tasks.json)")?;
    let mut drafts = Drafts::default();
    let lists = file.items.kept.iter();
    let all = lists.flat_map(|list| list.items.kept.iter().map(|raw| (list.title.as_deref(), *raw)));
    for (line, (category, raw)) in (1..).zip(all) {
        let record = match records::record(raw) {
            Ok(record) if flag(&record, "deleted") => continue,
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
        draft.parent = id(&record, "parent");
        draft.set_title(text(&record, "title").unwrap_or_default());
        draft.describe(text(&record, "notes").unwrap_or_default());
        draft.set_category(category.unwrap_or_default());
        match text(&record, "status") {
            Some("completed") => draft.task.status = Status::Completed,
            Some("needsAction") | None => {}
            Some(_) => {
                draft.problem("status", "unknown_value", "The status must be needsAction or completed.")
            }
        }
        if let Some(due) = text(&record, "due") {
            let day = due.split_once('T').map_or(due, |(day, _)| day);
            draft.set_due(due, due::parse(day, None));
        }
        for link in records::list(&record, "links") {
            let link = link.as_object().and_then(|link| text(link, "link"));
            draft.keep("Link", link.unwrap_or_default());
        }
        // The file has the time of the last change. Only newer ones have that of the creation.
        draft.task.created_at = draft.instant("created_at", text(&record, "created"));
        draft.task.completed_at = draft.instant("completed_at", text(&record, "completed"));
        drafts.list.push(draft);
    }
    Ok(drafts)
}
