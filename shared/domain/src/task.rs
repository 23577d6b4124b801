//! A task, and every change that can be made to it. Who may make it is the policy's business, and
//! storing it is the store's.

use jiff::Timestamp;

use crate::{
    clock::Random,
    due::Due,
    id::{ReminderId, SpaceId, TaskId, UserId},
    reminder::{DeliveryStatus, MAX_REMINDERS, Reason, Reminder, ReminderSpec},
    text::{Category, Description, Tag, Title},
    user::User,
    violation::{FieldError, Violation},
    zone::Zone,
};

/// The most entries kept of reminders that a change has replaced after their delivery had begun.
const MAX_PAST_REMINDERS: usize = 50;

macro_rules! word_enum {
    ($name:ident, $doc:literal, $($variant:ident = $word:literal: $meaning:literal),+ $(,)?) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $(#[doc = $meaning] $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word it is written as.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            ///
            /// # Errors
            /// A [`Violation`] with code `unknown_value` that lists the words there are.
            pub fn parse(word: &str) -> Result<Self, Violation> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    Violation::new("unknown_value", format!("It must be one of {}.", words.join(", ")))
                })
            }
        }
    };
}

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
    /// The reminders it wants.
    pub reminders: Vec<Reminder>,
    /// Reminders that it no longer wants, but whose delivery had begun: the rest of the ledger.
    pub past_reminders: Vec<Reminder>,
    /// Who created it, and is reminded of it.
    pub created_by: UserId,
    /// Counts every change, deliveries included: whoever knows the version knows the whole task.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// When it was completed; none while it is not.
    pub completed_at: Option<Timestamp>,
}

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
}

impl TaskPatch {
    /// Whether applying it takes the user's profile (their zone and default reminders).
    pub fn needs_profile(&self) -> bool {
        self.due.is_some() || self.reminders.is_some()
    }
}

impl Task {
    /// Makes a task in a space.
    ///
    /// # Errors
    /// A [`FieldError`] in `reminders`: `needs_due` or `duplicate`.
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
            reminders: Vec::new(),
            past_reminders: Vec::new(),
            created_by: creator.id,
            version: 1,
            created_at: now,
            updated_at: now,
            completed_at: (draft.status == Status::Completed).then_some(now),
        };
        let explicit = draft.reminders.is_some();
        let wanted = match draft.reminders {
            Some(specs) => specs,
            None if task.due.is_some() => creator.default_reminders.clone(),
            None => Vec::new(),
        };
        task.set_reminders(wanted, explicit, &creator.time_zone, now, random)?;
        Ok(task)
    }

    /// Applies a patch. Returns whether anything changed; then the version is one higher.
    ///
    /// `profile` is the profile of the user the reminders count for; it is used, and must be given, when
    /// [`TaskPatch::needs_profile`]. A due time that replaces none brings the user's default reminders,
    /// unless the patch or the task has its own; a due time that goes takes the reminders counted from
    /// it along.
    ///
    /// # Errors
    /// A [`FieldError`] in `reminders`: `needs_due` or `duplicate`. The task is unchanged then.
    pub fn apply(
        &mut self,
        patch: TaskPatch,
        profile: Option<&User>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<bool, FieldError> {
        let mut next = self.clone();
        if let (true, Some(user)) = (patch.needs_profile(), profile) {
            let (had_due, explicit) = (next.due.is_some(), patch.reminders.is_some());
            if let Some(due) = patch.due {
                next.due_at = due.as_ref().map(|due| due.at(&user.time_zone));
                next.due = due;
            }
            let wanted = match patch.reminders {
                Some(specs) => specs,
                None if next.due.is_some() && !had_due && next.reminders.is_empty() => {
                    user.default_reminders.clone()
                }
                None => {
                    let mut kept: Vec<_> = next.reminders.iter().map(|r| r.spec.clone()).collect();
                    kept.retain(|spec| next.due.is_some() || matches!(spec, ReminderSpec::At(_)));
                    kept
                }
            };
            next.set_reminders(wanted, explicit, &user.time_zone, now, random)?;
        }
        next.title = patch.title.unwrap_or(next.title);
        next.description = patch.description.unwrap_or(next.description);
        next.priority = patch.priority.unwrap_or(next.priority);
        next.category = patch.category.unwrap_or(next.category);
        next.tags = patch.tags.unwrap_or(next.tags);
        if let Some(status) = patch.status {
            next.set_status(status, now);
        }
        let changed = next != *self;
        if changed {
            next.version += 1;
            next.updated_at = now;
            *self = next;
        }
        Ok(changed)
    }

    fn set_status(&mut self, status: Status, now: Timestamp) {
        let was_completed = self.status == Status::Completed;
        self.status = status;
        match (was_completed, status == Status::Completed) {
            (false, true) => {
                self.completed_at = Some(now);
                self.reminders.iter_mut().for_each(skip_for_completion);
            }
            (true, false) => {
                self.completed_at = None;
                let skipped = self.reminders.iter_mut();
                for reminder in skipped.filter(|r| r.reason == Some(Reason::TaskCompleted)) {
                    if reminder.fire_at >= now {
                        let (id, spec) = (reminder.id, reminder.spec.clone());
                        *reminder = Reminder::scheduled(id, spec, reminder.fire_at);
                    } else {
                        reminder.reason = Some(Reason::PastWhenSet);
                    }
                }
            }
            _ => {}
        }
    }

    /// Replaces the wanted reminders. One that stays as it was keeps its id and what is known of it. Of two
    /// at the same moment the second is an error if somebody asked for both just now (`explicit`); two that
    /// come from elsewhere (defaults, a moved due time) are one.
    fn set_reminders(
        &mut self,
        wanted: Vec<ReminderSpec>,
        explicit: bool,
        user_zone: &Zone,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), FieldError> {
        let mut present = std::mem::take(&mut self.reminders);
        for (index, spec) in wanted.into_iter().enumerate() {
            let field = || format!("reminders[{index}]");
            let Some(fire_at) = spec.fire_at(self.due.as_ref(), user_zone) else {
                let why = "It counts from the due time, and the task has none.";
                return Err(Violation::new("needs_due", why).at(field()));
            };
            if self.reminders.iter().any(|r| r.fire_at == fire_at) {
                if !explicit {
                    continue;
                }
                let why = "Another reminder of this task rings at the same moment.";
                return Err(Violation::new("duplicate", why).at(field()));
            }
            let unchanged = present.iter().position(|r| r.spec == spec && r.fire_at == fire_at);
            let reminder = match unchanged {
                Some(position) => present.swap_remove(position),
                None => {
                    let id = ReminderId::generate(&At(now), random);
                    let mut reminder = Reminder::scheduled(id, spec, fire_at);
                    if fire_at < now {
                        reminder.end(DeliveryStatus::Skipped, Some(Reason::PastWhenSet));
                    } else if self.status == Status::Completed {
                        skip_for_completion(&mut reminder);
                    }
                    reminder
                }
            };
            self.reminders.push(reminder);
        }
        self.retire(present);
        debug_assert!(self.reminders.len() <= MAX_REMINDERS);
        Ok(())
    }

    /// Keeps, of reminders no longer wanted, those whose delivery had begun.
    fn retire(&mut self, replaced: Vec<Reminder>) {
        for mut reminder in replaced {
            match reminder.status {
                DeliveryStatus::Skipped => {
                    let never_rang = [Some(Reason::PastWhenSet), Some(Reason::TaskCompleted)];
                    if never_rang.contains(&reminder.reason) {
                        continue;
                    }
                }
                DeliveryStatus::Scheduled if reminder.attempts == 0 => continue,
                DeliveryStatus::Scheduled => {
                    reminder.end(DeliveryStatus::Skipped, Some(Reason::Replaced));
                }
                DeliveryStatus::Claimed | DeliveryStatus::Uncertain => {
                    reminder.end(DeliveryStatus::Uncertain, Some(Reason::Replaced));
                }
                DeliveryStatus::Sent | DeliveryStatus::Failed => {}
            }
            self.past_reminders.push(reminder);
        }
        let excess = self.past_reminders.len().saturating_sub(MAX_PAST_REMINDERS);
        self.past_reminders.drain(..excess);
    }
}

fn skip_for_completion(reminder: &mut Reminder) {
    match reminder.status {
        DeliveryStatus::Scheduled => {
            reminder.end(DeliveryStatus::Skipped, Some(Reason::TaskCompleted));
        }
        // What may have been sent stays uncertain, but is not sent again.
        DeliveryStatus::Claimed | DeliveryStatus::Uncertain => {
            reminder.end(DeliveryStatus::Uncertain, Some(Reason::TaskCompleted));
        }
        DeliveryStatus::Sent | DeliveryStatus::Skipped | DeliveryStatus::Failed => {}
    }
}

/// A clock that stands at one moment: all ids of one change carry the time of that change.
struct At(Timestamp);

impl crate::clock::Clock for At {
    fn instant(&self) -> Timestamp {
        self.0
    }
}
