//! Tasks, their reminders and the delivery log.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{
    Category, DateTime, Description, Due, Duration, ItemId, ItemTitle, Period, RecurrenceRule,
    ReminderId, SpaceId, Tag, TaskId, Time, TimeZone, Title, UserId,
};

words!(/// State of a task.
    TaskStatus: Pending, InProgress, Completed);
words!(/// Priority of a task.
    TaskPriority: Low, Medium, High, Urgent);
words!(/// What the next occurrence is counted from. `due`: the time of this occurrence in the rule. `completion`: the day
    /// of its completion, at the same time of day.
    RecurrenceFrom: Due, Completion);
words!(/// What completed a task: a person, or its automatic completion.
    CompletedBy: Person, Timer);
words!(/// State of a delivery. `scheduled`: waiting for its time or for the next attempt. `claimed`: being sent. `sent`:
    /// accepted by SES. `skipped`: not sent; see the reason. `failed`: refused by SES after all attempts. `uncertain`:
    /// submitted to SES without a response; it may have been sent.
    DeliveryStatus: Scheduled, Claimed, Sent, Skipped, Failed, Uncertain);
words!(/// Why an email was not sent. `past_when_set`: its time had passed when it was set. `task_completed`: the task
    /// was completed. `too_old`: it could not be sent within 24 hours. `mail_off`: the recipient has turned off emails
    /// of this kind. `unverified`: the address of the recipient is not verified. `bounced`: the mail server of the
    /// recipient refused an earlier email. `complained`: the recipient marked an email as spam. `snoozed`: the task was
    /// snoozed. `no_recipient`: the account of the recipient does not exist. `account_disabled`: the account of the
    /// recipient is blocked. `refused`: SES refused it repeatedly. `replaced`: what it is about has changed.
    /// `no_access`: the recipient has no access to the task. `nothing_due`: the digest would have been empty.
    /// `too_many_mails`: the daily limit of emails was reached. `not_delivered`: a reason that only the recipient sees.
    DeliveryReason: PastWhenSet, TaskCompleted, TooOld, MailOff, Unverified, Bounced, Complained, Snoozed, NoRecipient,
    AccountDisabled, Refused, Replaced, NoAccess, NothingDue, TooManyMails, NotDelivered);
words!(/// What was reported about an email after SES accepted it. `delivered`: the mail server of the recipient
    /// accepted it. `bounced`: it could not be delivered. `complained`: the recipient marked it as spam. A later report
    /// replaces an earlier one only if it comes later in this list.
    Feedback: Delivered, Bounced, Complained);
words!(/// State of an automatic completion. `scheduled`: the task is open. `done`: it completed the task. `skipped`: a
    /// person completed the task before.
    CompletionStatus: Scheduled, Done, Skipped);
words!(/// Kind of the entry.
    ReminderKind: Reminder);
words!(/// Kind of the entry.
    AutoCompletionKind: AutoCompletion);
words!(/// Why the automatic completion did not happen.
    CompletionReason: TaskCompleted);

macro_rules! task_fields {
    ($(#[$doc:meta])* $name:ident, { $($field:tt)* }) => {
        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($field)*
            /// More about the task. Null: empty.
            pub description: Option<Description>,
            /// Category of the task. Null: none.
            pub category: Option<Category>,
            /// Tags of the task, each once. Their case is ignored. Null: none.
            #[schema(max_items = 50)]
            pub tags: Option<Vec<Tag>>,
            /// When the task is due: a date (`2026-03-01`, the whole day in the user's time zone), a time in a time
            /// zone (`2026-03-01T09:00[Europe/Berlin]`), or an instant (`2026-03-01T08:00:00Z`), in the years 1970 to
            /// 2199. Null: it has no due time.
            pub due: Option<Due>,
            /// Recurrence rule: the value of an RRULE property (RFC 5545) without DTSTART. The due time begins the
            /// series. Null: the task does not recur.
            pub recurrence: Option<RecurrenceRule>,
            /// Time after which the task completes itself, as an ISO 8601 duration from 1 second to 1 year. It counts
            /// from the last change; in a series from the due time, if that is later. Null: it does not complete
            /// itself.
            pub auto_complete_after: Option<Period>,
            /// Member of the space who is responsible for the task and receives its reminders. Null: nobody; the
            /// creator receives the reminders.
            pub assigned_to: Option<UserId>,
            /// Items of the checklist, in their order. Null: none.
            #[schema(max_items = 100)]
            pub checklist: Option<Vec<ChecklistItemInput>>,
        }
    };
}

task_fields!(
    /// A task to be created.
    CreateTaskRequest,
    {
        /// Title of the task, on one line.
        pub title: Title,
        /// State of the task. `pending` if absent or null.
        pub status: Option<TaskStatus>,
        /// Priority of the task. `medium` if absent or null.
        pub priority: Option<TaskPriority>,
        /// What the next occurrence is counted from. `due` if absent or null. It requires a recurrence rule.
        pub recurrence_from: Option<RecurrenceFrom>,
        /// Reminders of the task, each at another time. If absent or null: the default reminders of the user if the
        /// task has a due time, otherwise none.
        #[schema(max_items = 20)]
        pub reminders: Option<Vec<ReminderInput>>,
    }
);

task_fields!(
    /// A merge patch (RFC 7396) of a task. An absent field keeps its value; null clears it.
    UpdateTaskRequest,
    {
        /// New title, on one line.
        #[schema(nullable = false)]
        pub title: Option<Title>,
        /// New state. `completed` completes the task; the others reopen it.
        #[schema(nullable = false)]
        pub status: Option<TaskStatus>,
        /// New priority.
        #[schema(nullable = false)]
        pub priority: Option<TaskPriority>,
        /// What the next occurrence is counted from. It requires a recurrence rule.
        #[schema(nullable = false)]
        pub recurrence_from: Option<RecurrenceFrom>,
        /// New reminders, in place of the present ones, each at another time. Null: none.
        #[schema(max_items = 20)]
        pub reminders: Option<Vec<ReminderInput>>,
    }
);

/// When a reminder is sent. Exactly one of the two fields is given.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, max_properties = 1)]
pub struct ReminderInput {
    /// Time between the reminder and the due time, which the task must have. For all-day tasks it counts back from
    /// 09:00.
    #[schema(nullable = false)]
    pub before: Option<Duration>,
    /// When the reminder is sent, as a time in a time zone (`2026-03-01T09:00[Europe/Berlin]`) or an instant
    /// (`2026-03-01T08:00:00Z`).
    #[schema(nullable = false)]
    pub at: Option<Time>,
}

/// An item of a checklist to be stored.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItemInput {
    /// Identifier of an item that the checklist has already. A new item if absent or null.
    pub id: Option<ItemId>,
    /// Title of the item, on one line.
    pub title: ItemTitle,
    /// Whether the item is done. False if absent or null.
    pub done: Option<bool>,
}

/// How long a task is snoozed. Exactly one of the two fields is given.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, max_properties = 1)]
pub struct SnoozeTaskRequest {
    /// Time from now, as an ISO 8601 duration of weeks, days, hours, minutes and seconds. It is longer than 0 and at
    /// most 366 days.
    #[schema(examples("PT1H"), nullable = false)]
    pub r#for: Option<Duration>,
    /// End of the snooze, as a time in a time zone (`2026-03-01T09:00[Europe/Berlin]`) or an instant
    /// (`2026-03-01T08:00:00Z`), within the next 366 days.
    #[schema(nullable = false)]
    pub until: Option<Time>,
}

/// Where a task moves to.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTaskRequest {
    /// Space that the task moves to.
    pub space: SpaceId,
}

/// An item of a checklist.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// Identifier of the item.
    pub id: ItemId,
    /// Title of the item.
    pub title: ItemTitle,
    /// Whether the item is done.
    pub done: bool,
}

/// A task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Identifier of the task.
    pub id: TaskId,
    /// Space of the task.
    pub space: SpaceId,
    /// Title of the task.
    pub title: Title,
    /// More about the task. It may be empty.
    pub description: Description,
    /// State of the task.
    pub status: TaskStatus,
    /// Priority of the task.
    pub priority: TaskPriority,
    /// Category of the task. Null if it has none.
    #[schema(required)]
    pub category: Option<Category>,
    /// Tags of the task, in lower case.
    #[schema(max_items = 50)]
    pub tags: Vec<Tag>,
    /// When the task is due, in the form in which it was set. Null if it has no due time.
    #[schema(required)]
    pub due: Option<Due>,
    /// The due time as an instant; for a date, the last second of the day. Null if the task has no due time.
    #[schema(required)]
    pub due_at: Option<DateTime>,
    /// Time zone in which all-day due times of the task begin and end.
    pub time_zone: TimeZone,
    /// Reminders of the task, including the one that ends a snooze.
    #[schema(max_items = 21)]
    pub reminders: Vec<Reminder>,
    /// Recurrence rule. Null if the task does not recur.
    #[schema(required)]
    pub recurrence: Option<RecurrenceRule>,
    /// What the next occurrence is counted from. Null if the task does not recur.
    #[schema(required)]
    pub recurrence_from: Option<RecurrenceFrom>,
    /// Number of this occurrence in its series, from 1. Null if the task does not recur.
    #[schema(required, minimum = 1)]
    pub occurrence: Option<u32>,
    /// Task that was created as the next occurrence when this one was completed. Null if there is none.
    #[schema(required)]
    pub next_occurrence: Option<TaskId>,
    /// Time after which the task completes itself. Null if it does not.
    #[schema(required)]
    pub auto_complete_after: Option<Period>,
    /// When the task will complete itself. Null if it will not.
    #[schema(required)]
    pub auto_complete_at: Option<DateTime>,
    /// Items of the checklist.
    #[schema(max_items = 100)]
    pub checklist: Vec<ChecklistItem>,
    /// Member who is responsible for the task. Null if nobody is.
    #[schema(required)]
    pub assigned_to: Option<UserId>,
    /// Account that created the task.
    pub created_by: UserId,
    /// Version of the task: its entity tag without the quotes. It grows with every change of what is in the task.
    #[schema(minimum = 1)]
    pub version: u64,
    /// When the task was created.
    pub created_at: DateTime,
    /// When a person last changed the task.
    pub updated_at: DateTime,
    /// When the task last moved to another space. Null if it never has. It differs after each move.
    #[schema(required)]
    pub moved_at: Option<DateTime>,
    /// When the task was completed. Null while it is open.
    #[schema(required)]
    pub completed_at: Option<DateTime>,
    /// What completed the task. Null while it is open.
    #[schema(required)]
    pub completed_by: Option<CompletedBy>,
}

macro_rules! reminder_fields {
    ($(#[$doc:meta])* $name:ident, { $($field:tt)* }, { $($rest:tt)* }) => {
        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($field)*
            /// Identifier of the reminder.
            pub id: ReminderId,
            /// Time between the reminder and the due time. Absent if `at` is present.
            #[schema(nullable = false)]
            pub before: Option<Duration>,
            /// When the reminder was set to be sent. Absent if `before` is present.
            #[schema(nullable = false)]
            pub at: Option<Time>,
            /// True if the reminder ends a snooze. Absent otherwise.
            #[schema(nullable = false)]
            pub snoozed: Option<bool>,
            /// When the reminder is sent.
            pub fire_at: DateTime,
            $($rest)*
        }
    };
}

reminder_fields!(
    /// A reminder of a task. The result of its delivery is in the delivery log.
    Reminder,
    {},
    {}
);

reminder_fields!(
    /// A reminder in the delivery log.
    ReminderLogEntry,
    {
        /// Always `reminder`.
        pub kind: ReminderKind,
    },
    {
        /// State of the delivery.
        pub status: DeliveryStatus,
        /// How many times the email was, or may have been, submitted to SES.
        pub attempts: u32,
        /// How many of the attempts ended without a response from SES. If this is not 0, the email may have been
        /// delivered more than once.
        pub uncertain_attempts: u32,
        /// When SES accepted the email. Null until then.
        #[schema(required)]
        pub sent_at: Option<DateTime>,
        /// Why the reminder was not sent, or will not be sent again. Null otherwise.
        #[schema(required)]
        pub reason: Option<DeliveryReason>,
        /// What the mail server of the recipient reported. Null if nothing was reported yet.
        #[schema(required)]
        pub feedback: Option<Feedback>,
    }
);

/// The automatic completion in the delivery log.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoCompletionLogEntry {
    /// Always `auto_completion`.
    pub kind: AutoCompletionKind,
    /// Time after which the task completes itself.
    pub after: Period,
    /// When the task will complete itself, or did. Null if a person completed it before.
    #[schema(required)]
    pub fire_at: Option<DateTime>,
    /// State of the automatic completion.
    pub status: CompletionStatus,
    /// `task_completed` if a person completed the task before. Null otherwise.
    #[schema(required)]
    pub reason: Option<CompletionReason>,
}

/// An entry of the delivery log of a task: a reminder, or the automatic completion.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "kind", mapping(
    ("reminder" = "#/components/schemas/ReminderLogEntry"),
    ("auto_completion" = "#/components/schemas/AutoCompletionLogEntry")
)))]
pub enum DeliveryLogEntry {
    /// A reminder, including reminders that a later change replaced after their delivery had begun.
    Reminder(ReminderLogEntry),
    /// The automatic completion, as the last entry of a task that has one.
    AutoCompletion(AutoCompletionLogEntry),
}

/// A future occurrence of a recurring task.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Occurrence {
    /// Number of the occurrence in its series.
    #[schema(minimum = 2)]
    pub occurrence: u32,
    /// When the occurrence is due, in the form of the task's due time.
    pub due: Due,
    /// The due time as an instant; for a date, the last second of the day.
    pub due_at: DateTime,
}
