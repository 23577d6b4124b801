//! A task, and every change that can be made to it. Who may make it is the policy's business, and
//! storing it is the store's.

mod reminders;

use jiff::{SignedDuration, Timestamp};

use crate::{
    checklist::{ChecklistItem, ChecklistItemInput, merge_checklist},
    clock::{At, Random},
    delivery::{Delivery, DeliveryStatus, Reason},
    due::Due,
    id::{SpaceId, TaskId, UserId},
    recurrence::{AutoComplete, RecurrenceFrom, Rule, Series},
    reminder::{Reminder, ReminderSpec},
    text::{Category, Description, Tag, Title},
    unknown::Unknown,
    user::User,
    violation::{FieldError, Violation},
    words::word_enum,
    zone::Zone,
};
use reminders::skip_before;

word_enum!(Status, "How far a task has come.",
    Pending = "pending": "Not begun.",
    InProgress = "in_progress": "Begun.",
    Completed = "completed": "Done.",
);
word_enum!(Priority, "How much a task matters, from the least to the most.",
    Low = "low": "It can wait.",
    Medium = "medium": "The usual.",
    High = "high": "Before others.",
    Urgent = "urgent": "Before all others.",
);

/// How long a task rests whose creator is blocked; then it is looked at again.
const REST: SignedDuration = SignedDuration::from_hours(24);

/// The most occurrences a day that a task may have which completes itself.
const MAX_COMPLETIONS_PER_DAY: u32 = 24;

/// A task, with everything that is known of its reminders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Names the task, for life.
    pub id: TaskId,
    /// The space it lives in: who may see it.
    pub space: SpaceId,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Description,
    /// How far it has come.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// Its one category.
    pub category: Option<Category>,
    /// Its tags, each once.
    pub tags: Vec<Tag>,
    /// When it is due, as its owner said it.
    pub due: Option<Due>,
    /// The instant that `due` meant when it was set.
    pub due_at: Option<Timestamp>,
    /// The zone in which its days begin and end: that of the user who set its due time.
    pub time_zone: Zone,
    /// The series it is an occurrence of.
    pub recurrence: Option<Series>,
    /// The occurrence that its completion made. A task makes one at most.
    pub next_occurrence: Option<TaskId>,
    /// How long after the last change it completes itself.
    pub auto_complete_after: Option<AutoComplete>,
    /// Until when it does not complete itself, because its creator is blocked.
    pub rests_until: Option<Timestamp>,
    /// The reminders it wants.
    pub reminders: Vec<Reminder>,
    /// Reminders that it no longer wants, but whose delivery had begun: the rest of the ledger.
    pub archived_reminders: Vec<Reminder>,
    /// Its small steps.
    pub checklist: Vec<ChecklistItem>,
    /// Who is to do it, and is reminded of it.
    pub assigned_to: Option<UserId>,
    /// Who created it, and is reminded of it while nobody is to do it.
    pub created_by: UserId,
    /// Counts every change, deliveries included: whoever knows the version knows the whole task.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// When it was completed; none while it is not.
    pub completed_at: Option<Timestamp>,
    /// What completed it; none while it is not.
    pub completed_by: Option<Completion>,
    /// What a later version has stored with it.
    pub unknown: Unknown,
}

word_enum!(Completion, "What completed a task.",
    Person = "person": "Somebody said so.",
    Timer = "timer": "Its automatic completion.",
);

/// A task to be created, checked field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDraft {
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Description,
    /// How far it has come.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// Its one category.
    pub category: Option<Category>,
    /// Its tags, each once.
    pub tags: Vec<Tag>,
    /// When it is due.
    pub due: Option<Due>,
    /// The reminders it wants; absent means the user's defaults, if it is due at all.
    pub reminders: Option<Vec<ReminderSpec>>,
    /// The rule of the series that begins with it.
    pub recurrence: Option<Rule>,
    /// What the next occurrence is counted from; absent means the due time.
    pub recurrence_from: Option<RecurrenceFrom>,
    /// How long after the last change it completes itself.
    pub auto_complete_after: Option<AutoComplete>,
    /// Who is to do it: a member of its space.
    pub assigned_to: Option<UserId>,
    /// Its small steps.
    pub checklist: Vec<ChecklistItemInput>,
}

/// A merge patch (RFC 7396), checked field by field: absent keeps, an inner `None` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPatch {
    /// A new title.
    pub title: Option<Title>,
    /// A new description.
    pub description: Option<Description>,
    /// A new status; `completed` completes the task, another reopens it.
    pub status: Option<Status>,
    /// A new priority.
    pub priority: Option<Priority>,
    /// A new category, or none.
    pub category: Option<Option<Category>>,
    /// New tags instead of the present ones.
    pub tags: Option<Vec<Tag>>,
    /// A new due time, or none.
    pub due: Option<Option<Due>>,
    /// New reminders instead of the present ones.
    pub reminders: Option<Vec<ReminderSpec>>,
    /// Another rule, or none. Another one, or the same one together with another due time, begins a series
    /// anew; a due time alone moves this occurrence only.
    pub recurrence: Option<Option<Rule>>,
    /// What the next occurrence is counted from.
    pub recurrence_from: Option<RecurrenceFrom>,
    /// Another time until it completes itself, or none.
    pub auto_complete_after: Option<Option<AutoComplete>>,
    /// Somebody else to do it, or nobody.
    pub assigned_to: Option<Option<UserId>>,
    /// Another checklist instead of the present one.
    pub checklist: Option<Vec<ChecklistItemInput>>,
}

impl TaskPatch {
    /// Whether applying it takes the user's profile (their zone and default reminders).
    pub fn needs_profile(&self) -> bool {
        self.due.is_some()
    }

    /// Whether applying it can give the open tasks of a space more reminders.
    pub fn adds_reminders(&self) -> bool {
        let reopens = self.status.is_some_and(|status| status != Status::Completed);
        let wants = self.reminders.as_ref().is_some_and(|wanted| !wanted.is_empty());
        self.needs_profile() || reopens || wants
    }

    /// How many more reminders the open tasks of its space have once it is applied to a task. A first due time brings
    /// the user's default ones, and what is reopened brings its own.
    pub fn more_reminders(&self, task: &Task, profile: Option<&User>) -> usize {
        let open = |status| status != Status::Completed;
        if !open(self.status.unwrap_or(task.status)) {
            return 0;
        }
        let first = task.due.is_none() && matches!(self.due, Some(Some(_)));
        let brought = profile.filter(|_| first).map_or(0, |user| user.default_reminders.len());
        let wanted = self.reminders.as_ref().map_or(task.reminders.len() + brought, Vec::len);
        let present = if open(task.status) { task.reminders.len() } else { 0 };
        wanted.saturating_sub(present)
    }
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskChange {
    /// Whether the task is another one now. Then its version is one higher.
    pub changed: bool,
    /// The next occurrence, which is to be stored together with the task.
    pub next: Option<Box<Task>>,
}

impl Task {
    /// Makes a task in a space.
    ///
    /// # Errors
    /// A [`FieldError`]: in `reminders` `needs_due` or `duplicate`; in `recurrence` `needs_due`, `needs_open`,
    /// or one of [`Series::starting`]; in `recurrence_from` `needs_recurrence`.
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
            rests_until: None,
            reminders: Vec::new(),
            archived_reminders: Vec::new(),
            checklist: merge_checklist(&[], draft.checklist, &At(now), random)?,
            assigned_to: draft.assigned_to,
            created_by: creator.id,
            version: 1,
            created_at: now,
            updated_at: now,
            completed_at: None,
            completed_by: None,
            unknown: Unknown::default(),
        };
        if draft.status == Status::Completed {
            (task.completed_at, task.completed_by) = (Some(now), Some(Completion::Person));
        }
        task.set_recurrence(draft.recurrence.map(Some), draft.recurrence_from, true)?;
        task.check_pace()?;
        let explicit = draft.reminders.is_some();
        let wanted = match draft.reminders {
            Some(specs) => specs,
            None if task.due.is_some() => creator.default_reminders.clone(),
            None => Vec::new(),
        };
        task.set_reminders(wanted, explicit, now, random)?;
        Ok(task)
    }

    /// Applies a patch. Completing an occurrence of a series makes the next one.
    ///
    /// `profile` is the profile of the user who changes it; it is used, and must be given, when
    /// [`TaskPatch::needs_profile`]. A due time that replaces none brings the user's default reminders,
    /// unless the patch or the task has its own; a due time that goes takes the reminders counted from
    /// it along.
    ///
    /// # Errors
    /// A [`FieldError`] as from [`Self::create`]. The task is unchanged then.
    pub fn apply(
        &mut self,
        patch: TaskPatch,
        profile: Option<&User>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<TaskChange, FieldError> {
        let mut next = self.clone();
        next.rests_until = None;
        if let (Some(due), Some(user)) = (&patch.due, profile) {
            next.due_at = due.as_ref().map(|due| due.at(&user.time_zone));
            next.due = due.clone();
            next.time_zone = user.time_zone.clone();
        }
        let (had_due, moved) = (self.due.is_some(), next.due != self.due);
        if patch.status.is_some_and(|status| status != Status::Completed) {
            next.set_status(patch.status.unwrap_or(next.status), now);
        }
        next.set_recurrence(patch.recurrence, patch.recurrence_from, moved)?;
        let explicit = patch.reminders.is_some();
        if explicit || patch.due.is_some() {
            let wanted = match (patch.reminders, profile) {
                (Some(specs), _) => specs,
                (None, Some(user)) if moved && !had_due && next.reminders.is_empty() => {
                    user.default_reminders.clone()
                }
                (None, _) => {
                    let mut kept: Vec<_> = next.reminders.iter().map(|r| r.spec.clone()).collect();
                    // A new due time ends a snooze.
                    kept.retain(|spec| match spec {
                        ReminderSpec::Before(_) => next.due.is_some(),
                        ReminderSpec::At(_) => true,
                        ReminderSpec::Snoozed(_) => !moved,
                    });
                    kept
                }
            };
            next.set_reminders(wanted, explicit, now, random)?;
        }
        next.auto_complete_after = patch.auto_complete_after.unwrap_or(next.auto_complete_after);
        next.check_pace()?;
        if let Some(wanted) = patch.checklist {
            next.checklist = merge_checklist(&self.checklist, wanted, &At(now), random)?;
        }
        next.assigned_to = patch.assigned_to.unwrap_or(next.assigned_to);
        next.title = patch.title.unwrap_or(next.title);
        next.description = patch.description.unwrap_or(next.description);
        next.priority = patch.priority.unwrap_or(next.priority);
        next.category = patch.category.unwrap_or(next.category);
        next.tags = patch.tags.unwrap_or(next.tags);
        if let Some(status) = patch.status {
            next.set_status(status, now);
        }
        if next == *self {
            return Ok(TaskChange::default());
        }
        next.version += 1;
        next.updated_at = now;
        *self = next;
        Ok(TaskChange { changed: true, next: self.create_next_occurrence(Series::next, now, random) })
    }

    /// Completes the task by itself, at a moment.
    pub(crate) fn complete_by_timer(
        &mut self,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Box<Self>> {
        self.set_status(Status::Completed, now);
        self.completed_by = Some(Completion::Timer);
        self.updated_at = now;
        self.create_next_occurrence(Series::next_in_future, now, random)
    }

    /// When the task completes itself: that long after the last change, unless it is completed before. An
    /// occurrence of a series counts from its due time, if that is later.
    pub fn auto_complete_at(&self) -> Option<Timestamp> {
        let after = self.auto_complete_after.filter(|_| self.status != Status::Completed)?;
        let due_at = self.due_at.filter(|_| self.recurrence.is_some());
        after.after(due_at.map_or(self.updated_at, |due_at| due_at.max(self.updated_at)))
    }

    /// When its automatic completion is looked at next: later while it rests.
    pub fn completion_timer(&self) -> Option<Timestamp> {
        let at = self.auto_complete_at()?;
        Some(self.rests_until.map_or(at, |until| until.max(at)))
    }

    /// Puts off its automatic completion, because its creator is blocked. The version is one higher.
    pub fn rest(&mut self, now: Timestamp) {
        self.rests_until = Some(now + REST);
        self.version += 1;
    }

    /// Refuses a task that would complete itself more than 24 times a day, for ever.
    fn check_pace(&self) -> Result<(), FieldError> {
        let per_day = self.recurrence.as_ref().map_or(0, |series| series.rule.most_per_day());
        if per_day > MAX_COMPLETIONS_PER_DAY && self.auto_complete_after.is_some() {
            let why = format!(
                "A task that recurs more than {MAX_COMPLETIONS_PER_DAY} times a day cannot complete itself."
            );
            return Err(Violation::new("too_dense", why).at("auto_complete_after"));
        }
        Ok(())
    }

    /// Moves the task to the next place of its series, in whatever state it is; the place it leaves is not
    /// completed, but passed over.
    ///
    /// # Errors
    /// A [`Violation`]: `not_recurring`, `already_completed`, or `series_ended` if this is the last one.
    pub fn skip(&mut self, now: Timestamp, random: &dyn Random) -> Result<(), Violation> {
        let refuse = |code, why: &str| Err(Violation::new(code, why));
        let Some(series) = &self.recurrence else {
            return refuse("not_recurring", "The task does not recur.");
        };
        if self.status == Status::Completed {
            return refuse("already_completed", "This occurrence is completed: skip the next one.");
        }
        let Some(next) = series.after_skipping(&self.time_zone, now) else {
            return refuse("series_ended", "This is the last occurrence: complete or delete it.");
        };
        self.move_to_occurrence(next, self.counted_reminders(), now, random);
        self.version += 1;
        self.updated_at = now;
        Ok(())
    }

    /// The occurrence that follows a completed one, unless it has been made before.
    fn create_next_occurrence(
        &mut self,
        following: fn(&Series, &Zone, Timestamp) -> Option<Series>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<Box<Self>> {
        if self.status != Status::Completed || self.next_occurrence.is_some() {
            return None;
        }
        let series = following(self.recurrence.as_ref()?, &self.time_zone, now)?;
        let mut next = Self {
            id: TaskId::generate(&At(now), random),
            status: Status::Pending,
            archived_reminders: Vec::new(),
            rests_until: None,
            version: 1,
            created_at: now,
            updated_at: now,
            completed_at: None,
            completed_by: None,
            // They are of the task that was read.
            unknown: Unknown::default(),
            ..self.clone()
        };
        let counted = next.counted_reminders();
        next.reminders.clear();
        next.move_to_occurrence(series, counted, now, random);
        next.checklist.iter_mut().for_each(|item| item.done = false);
        self.next_occurrence = Some(next.id);
        Some(Box::new(next))
    }

    /// Takes a place in the series.
    fn move_to_occurrence(
        &mut self,
        series: Series,
        wanted: Vec<ReminderSpec>,
        now: Timestamp,
        random: &dyn Random,
    ) {
        self.due_at = Some(series.slot.at(&self.time_zone));
        self.due = Some(series.slot.clone());
        self.recurrence = Some(series);
        let set = self.set_reminders(wanted, false, now, random);
        debug_assert!(set.is_ok(), "there is a due time to count from");
    }

    /// Sets the rule. `moved` says that the due time is another one than before.
    fn set_recurrence(
        &mut self,
        rule: Option<Option<Rule>>,
        from: Option<RecurrenceFrom>,
        moved: bool,
    ) -> Result<(), FieldError> {
        let needs_due = || {
            let why = "A series begins at the due time, and the task has none.";
            Violation::new("needs_due", why).at("recurrence")
        };
        match (rule, &self.recurrence) {
            (None, _) => {}
            (Some(None), _) => self.recurrence = None,
            (Some(Some(rule)), Some(series)) if series.rule == rule && !moved => {}
            (Some(Some(_)), _) if self.status == Status::Completed => {
                let why = "A series begins with a task that is not completed.";
                return Err(Violation::new("needs_open", why).at("recurrence"));
            }
            (Some(Some(rule)), present) => {
                let from = from.or(present.as_ref().map(|series| series.from));
                let due = self.due.clone().ok_or_else(needs_due)?;
                let series =
                    Series::starting(rule, from.unwrap_or(RecurrenceFrom::Due), due, &self.time_zone);
                self.recurrence = Some(series.map_err(|violation| violation.at("recurrence"))?);
                self.next_occurrence = None;
            }
        }
        match (&mut self.recurrence, from) {
            (Some(_), _) if self.due.is_none() => return Err(needs_due()),
            (Some(series), Some(from)) => series.from = from,
            (None, Some(_)) => {
                let why = "It says how a task recurs, and this one does not.";
                return Err(Violation::new("needs_recurrence", why).at("recurrence_from"));
            }
            _ => {}
        }
        Ok(())
    }

    fn set_status(&mut self, status: Status, now: Timestamp) {
        let was_completed = self.status == Status::Completed;
        self.status = status;
        match (was_completed, status == Status::Completed) {
            (false, true) => {
                self.completed_at = Some(now);
                self.completed_by = Some(Completion::Person);
                self.reminders.iter_mut().for_each(|r| skip_before(r, Reason::TaskCompleted));
            }
            (true, false) => {
                self.completed_at = None;
                self.completed_by = None;
                // What had begun before the completion may have been sent, and stays as it is; what would have
                // rung meanwhile stays skipped.
                let ahead = self.reminders.iter_mut().filter(|r| {
                    let delivery = &r.delivery;
                    delivery.status == DeliveryStatus::Skipped
                        && delivery.reason == Some(Reason::TaskCompleted)
                        && delivery.fire_at >= now
                });
                for reminder in ahead {
                    reminder.delivery = Delivery::scheduled(reminder.delivery.fire_at);
                }
            }
            _ => {}
        }
    }
}
