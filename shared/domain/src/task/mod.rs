//! Tasks and every change of a task. Who may make a change is decided by [`crate::policy`].

mod completion;
mod delivery;
mod import;
mod occurrences;
mod patch;
mod relocation;
mod reminders;

use jiff::Timestamp;

use crate::{
    checklist::{ChecklistItem, ChecklistItemInput, merge_checklist},
    clock::{At, Random},
    due::Due,
    id::{SpaceId, TaskId, UserId},
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::{Reminder, ReminderSpec},
    string_enum::string_enum,
    text::{Category, Description, Tag, Title},
    unknown::Unknown,
    user::User,
    violation::FieldError,
    zone::Zone,
};
pub use completion::Completion;
pub use delivery::{Claim, Step};
pub use import::{ImportOrigin, OccurrenceImport, TaskImport};
pub use patch::{TaskChange, TaskPatch};

string_enum!(Status, "The progress of a task.",
    Pending = "pending": "Not started.",
    InProgress = "in_progress": "Started.",
    Completed = "completed": "Completed.",
);
string_enum!(LastWrite, "What the last write of a task changed. Statistics are woken by edits only.",
    Edit = "edit": "What a client sees.",
    Delivery = "delivery": "Only the state of its deliveries.",
);
string_enum!(Priority, "The importance of a task, in ascending order.",
    Low = "low": "Low.",
    Medium = "medium": "The default.",
    High = "high": "High.",
    Urgent = "urgent": "The highest.",
);

/// A task and the deliveries of its reminders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id, which never changes.
    pub id: TaskId,
    /// The space that it belongs to. The members of the space can see it. It changes when the task is moved.
    pub space: SpaceId,
    /// Its title.
    pub title: Title,
    /// Its description.
    pub description: Description,
    /// Its progress.
    pub status: Status,
    /// Its importance.
    pub priority: Priority,
    /// Its category.
    pub category: Option<Category>,
    /// Its tags, without duplicates.
    pub tags: Vec<Tag>,
    /// When it is due, in the form in which it was set.
    pub due: Option<Due>,
    /// The instant of `due`, computed when it was set.
    pub due_at: Option<Timestamp>,
    /// The time zone in which its days begin and end: that of the user who set its due time.
    pub time_zone: Zone,
    /// The series that it is an occurrence of.
    pub recurrence: Option<Series>,
    /// The next occurrence, created when this one was completed. Each task creates at most one.
    pub next_occurrence: Option<TaskId>,
    /// How long after the last change it completes itself.
    pub auto_complete_after: Option<AutoComplete>,
    /// Until when its automatic completion is postponed, because its creator is blocked.
    pub completion_postponed_until: Option<Timestamp>,
    /// Its current reminders.
    pub reminders: Vec<Reminder>,
    /// Reminders that were replaced after their delivery had begun. They remain in the delivery log.
    pub archived_reminders: Vec<Reminder>,
    /// Its checklist.
    pub checklist: Vec<ChecklistItem>,
    /// The assignee, who gets its reminders.
    pub assigned_to: Option<UserId>,
    /// The creator, who gets its reminders if it has no assignee.
    pub created_by: UserId,
    /// The number of changes that a client can see: those of users, its automatic completion, and moves of its series.
    pub version: u64,
    /// The number of writes, those of deliveries included: the optimistic lock of the next write, and the fencing token of a
    /// delivery. 0 in a task of a list, so that such a task cannot be stored.
    pub revision: u64,
    /// What the last write changed.
    pub last_write: LastWrite,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed, deliveries excluded.
    pub updated_at: Timestamp,
    /// When it last moved to another space. No two moves of a task have the same time, so a client that keeps a copy notices
    /// each of them.
    pub moved_at: Option<Timestamp>,
    /// When it was completed. `None` while it is open.
    pub completed_at: Option<Timestamp>,
    /// What completed it. `None` while it is open.
    pub completed_by: Option<Completion>,
    /// Attributes stored by a later version, among those that a client sees.
    pub unknown: Unknown,
    /// Other attributes stored by a later version.
    pub unknown_state: Unknown,
}

/// The fields of a new task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDraft {
    /// Its title.
    pub title: Title,
    /// Its description.
    pub description: Description,
    /// Its progress.
    pub status: Status,
    /// Its importance.
    pub priority: Priority,
    /// Its category.
    pub category: Option<Category>,
    /// Its tags, without duplicates.
    pub tags: Vec<Tag>,
    /// When it is due.
    pub due: Option<Due>,
    /// Its reminders. `None` means the creator's default reminders if it has a due time, and none otherwise.
    pub reminders: Option<Vec<ReminderSpec>>,
    /// The rule of the series that begins with this task.
    pub recurrence: Option<Rule>,
    /// What the next occurrence is counted from. `None` means the due time.
    pub recurrence_from: Option<RecurrenceFrom>,
    /// How long after the last change it completes itself.
    pub auto_complete_after: Option<AutoComplete>,
    /// The assignee, a member of the space.
    pub assigned_to: Option<UserId>,
    /// Its checklist.
    pub checklist: Vec<ChecklistItemInput>,
}

impl Task {
    /// The task as lists contain it: without the state of its deliveries.
    #[must_use]
    pub fn listed(self) -> Self {
        let reminders = self.reminders.into_iter();
        let scheduled = |r: Reminder| Reminder::scheduled(r.id, r.spec, r.delivery.fire_at);
        Self {
            reminders: reminders.map(scheduled).collect(),
            archived_reminders: Vec::new(),
            completion_postponed_until: None,
            revision: 0,
            last_write: LastWrite::Edit,
            unknown_state: Unknown::default(),
            ..self
        }
    }

    /// Counts a change that a client can see.
    fn count_edit(&mut self, now: Timestamp) {
        self.version += 1;
        self.revision += 1;
        self.last_write = LastWrite::Edit;
        self.updated_at = now;
    }

    /// Counts a change of the state of its deliveries.
    fn count_delivery(&mut self) {
        self.revision += 1;
        self.last_write = LastWrite::Delivery;
    }

    /// A new task in a space.
    ///
    /// # Errors
    /// A [`FieldError`]: in `reminders` `needs_due` or `duplicate`; in `recurrence` `needs_due`, `needs_open` or an
    /// error of [`Series::starting`]; in `recurrence_from` `needs_recurrence`; in `auto_complete_after` `too_dense`; in
    /// `checklist` `unknown_item` or `duplicate`.
    pub fn create(
        id: TaskId,
        space: SpaceId,
        draft: TaskDraft,
        creator: &User,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, FieldError> {
        let mut task = Self {
            id,
            space,
            title: draft.title,
            description: draft.description,
            status: draft.status,
            priority: draft.priority,
            category: draft.category,
            tags: draft.tags,
            due_at: draft.due.as_ref().map(|due| due.at(&creator.time_zone)),
            due: draft.due,
            time_zone: creator.time_zone.clone(),
            recurrence: None,
            next_occurrence: None,
            auto_complete_after: draft.auto_complete_after,
            completion_postponed_until: None,
            reminders: Vec::new(),
            archived_reminders: Vec::new(),
            checklist: merge_checklist(&[], draft.checklist, &At(now), random)?,
            assigned_to: draft.assigned_to,
            created_by: creator.id,
            version: 1,
            revision: 1,
            last_write: LastWrite::Edit,
            created_at: now,
            updated_at: now,
            moved_at: None,
            completed_at: None,
            completed_by: None,
            unknown: Unknown::default(),
            unknown_state: Unknown::default(),
        };
        if draft.status == Status::Completed {
            (task.completed_at, task.completed_by) = (Some(now), Some(Completion::Person));
        }
        task.set_recurrence(draft.recurrence.map(Some), draft.recurrence_from, true)?;
        task.check_auto_complete_rate()?;
        let explicit = draft.reminders.is_some();
        let wanted = match draft.reminders {
            Some(specs) => specs,
            None if task.due.is_some() => creator.default_reminders.clone(),
            None => Vec::new(),
        };
        task.set_reminders(wanted, explicit, now, random)?;
        Ok(task)
    }
}
