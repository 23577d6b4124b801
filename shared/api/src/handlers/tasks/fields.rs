//! The task fields of requests that create or patch a task.

use taskbell_domain::{
    due::Due,
    recurrence::{AutoComplete, RecurrenceFrom, Rule},
    task::{Priority, Status, TaskDraft, TaskPatch},
    text::{Category, Description, Title},
};

use crate::http::{Fields, read};

/// Reads the fields of a new task.
pub(super) fn draft(fields: &mut Fields) -> Option<TaskDraft> {
    let title = fields.required("title", read::text(Title::parse));
    let description = fields.optional("description", read::text(Description::parse));
    let status = fields.optional("status", read::text(Status::parse));
    let priority = fields.optional("priority", read::text(Priority::parse));
    let category = fields.optional("category", read::text(Category::parse));
    let tags = fields.optional("tags", read::tags);
    let due = fields.optional("due", read::text(Due::parse));
    let reminders = fields.optional("reminders", read::reminders);
    let recurrence = fields.optional("recurrence", read::text(Rule::parse));
    let recurrence_from = fields.optional("recurrence_from", read::text(RecurrenceFrom::parse));
    let auto_complete_after = fields.optional("auto_complete_after", read::text(AutoComplete::parse));
    let assigned_to = fields.optional("assigned_to", read::text(read::id));
    let checklist = fields.optional("checklist", read::checklist);
    title.map(|title| TaskDraft {
        title,
        description: description.unwrap_or_default(),
        status: status.unwrap_or(Status::Pending),
        priority: priority.unwrap_or(Priority::Medium),
        category,
        tags: tags.unwrap_or_default(),
        due,
        reminders,
        recurrence,
        recurrence_from,
        auto_complete_after,
        assigned_to,
        checklist: checklist.unwrap_or_default(),
    })
}

/// Reads a merge patch. Null clears optional fields.
pub(super) fn patch(fields: &mut Fields) -> TaskPatch {
    TaskPatch {
        title: fields.changed("title", read::text(Title::parse)),
        description: fields
            .clearable("description", read::text(Description::parse))
            .map(Option::unwrap_or_default),
        status: fields.changed("status", read::text(Status::parse)),
        priority: fields.changed("priority", read::text(Priority::parse)),
        category: fields.clearable("category", read::text(Category::parse)),
        tags: fields.clearable("tags", read::tags).map(Option::unwrap_or_default),
        due: fields.clearable("due", read::text(Due::parse)),
        reminders: fields.clearable("reminders", read::reminders).map(Option::unwrap_or_default),
        recurrence: fields.clearable("recurrence", read::text(Rule::parse)),
        recurrence_from: fields.changed("recurrence_from", read::text(RecurrenceFrom::parse)),
        checklist: fields.clearable("checklist", read::checklist).map(Option::unwrap_or_default),
        assigned_to: fields.clearable("assigned_to", read::text(read::id)),
        auto_complete_after: fields.clearable("auto_complete_after", read::text(AutoComplete::parse)),
    }
}
