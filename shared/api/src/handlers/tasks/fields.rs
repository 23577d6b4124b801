//! The fields of a task in a request, for creating and for patching.

use taskbell_domain::{
    due::Due,
    task::{Priority, Status, TaskDraft, TaskPatch},
    text::{Category, Description, Title},
};

use crate::http::{Fields, Problem, read};

/// Reads a task to be created.
pub(super) fn draft(mut fields: Fields) -> Result<TaskDraft, Problem> {
    let title = fields.required("title", read::text(Title::parse));
    let description = fields.optional("description", read::text(Description::parse));
    let status = fields.optional("status", read::text(Status::parse));
    let priority = fields.optional("priority", read::text(Priority::parse));
    let category = fields.optional("category", read::text(Category::parse));
    let tags = fields.optional("tags", read::tags);
    let due = fields.optional("due", read::text(Due::parse));
    let reminders = fields.optional("reminders", read::reminders);
    fields.finish(title.map(|title| TaskDraft {
        title,
        description: description.unwrap_or_default(),
        status: status.unwrap_or(Status::Pending),
        priority: priority.unwrap_or(Priority::Medium),
        category,
        tags: tags.unwrap_or_default(),
        due,
        reminders,
    }))
}

/// Reads a merge patch. Null clears what a task can be without.
pub(super) fn patch(mut fields: Fields) -> Result<TaskPatch, Problem> {
    let patch = TaskPatch {
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
    };
    fields.finish(Some(patch))
}
