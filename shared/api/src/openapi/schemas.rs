//! The bodies of requests and answers, as clients see them. A test holds each against what the functions really
//! answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($variant:ident),+) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }
    };
}

words!(/// How far a task has come.
    Status: Pending, InProgress, Completed);
words!(/// How much a task matters.
    Priority: Low, Medium, High, Urgent);
words!(/// What the next occurrence is counted from.
    RecurrenceFrom: Due, Completion);
words!(/// What completed a task.
    Completion: Person, Timer);
words!(/// What a member may do in a space: see, change tasks, manage members, delete it.
    Role: Viewer, Member, Admin, Owner);
words!(/// How far the delivery of a reminder has come.
    DeliveryStatus: Scheduled, Claimed, Sent, Skipped, Failed, Uncertain);
words!(/// Why no mail goes to an address any more.
    StopReason: Bounced, Complained);
words!(/// What became of a mail behind SES: of several the gravest.
    Feedback: Delivered, Bounced, Complained);

/// A problem (RFC 9457). Clients branch on `code`.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URN made of the code.
    #[schema(example = "urn:taskbell:problem:validation_failed")]
    pub r#type: String,
    #[schema(example = "Unprocessable Entity")]
    pub title: String,
    #[schema(example = 422)]
    pub status: u16,
    /// A sentence for a person.
    #[schema(example = "title: It must be there, and not be null.")]
    pub detail: String,
    /// Stable, snake_case.
    #[schema(example = "validation_failed")]
    pub code: String,
    /// The id under which the log has the request.
    pub request_id: String,
    /// What is wrong with which field; only with 422.
    pub errors: Option<Vec<FieldError>>,
}

/// What is wrong with one field.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the field, or name of the parameter.
    #[schema(example = "title")]
    pub field: String,
    /// Stable, snake_case.
    #[schema(example = "required")]
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

/// A new account.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Where mail goes. The local part is ASCII.
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// 12 to 128 characters, and not easily guessed.
    #[schema(min_length = 12, max_length = 128, example = "correct horse battery staple")]
    pub password: String,
    /// How the user wants to be addressed.
    #[schema(min_length = 1, max_length = 100, example = "Ada")]
    pub name: String,
    /// An IANA zone; UTC if absent.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: Option<String>,
}

/// Who logs in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(example = "ada@example.com")]
    pub email: String,
    #[schema(example = "correct horse battery staple")]
    pub password: String,
}

/// A refresh token to be exchanged. It works once.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
}

/// Tokens of a session.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// A JWT (EdDSA), for `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token ends.
    #[schema(example = 900)]
    pub expires_in: u32,
    /// Exchange it, once, for new tokens.
    pub refresh_token: String,
    /// Who logged in.
    pub user: Profile,
}

/// A user's own profile.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Profile {
    #[schema(example = "usr_01JQ0000000000000000000000")]
    pub id: String,
    pub email: String,
    /// Only then mail goes to the address.
    pub email_verified: bool,
    /// That no mail goes to the address any more, until it is proven again.
    pub mail_stopped: Option<MailStopped>,
    pub name: String,
    pub time_zone: String,
    /// The reminders of tasks that are created with a due time and none of their own.
    pub default_reminders: Vec<LeadTime>,
    pub mail: MailSettings,
    /// The hour of the day, in the user's zone, at which the digest is sent.
    #[schema(minimum = 0, maximum = 23)]
    pub digest_hour: u64,
    pub role: AccountRole,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A reminder that counts from the due time.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadTime {
    /// An ISO 8601 duration of at most 366 days.
    #[schema(example = "PT30M")]
    pub before: String,
}

/// Why and since when no mail goes to an address.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MailStopped {
    pub reason: StopReason,
    #[schema(format = DateTime)]
    pub at: String,
}

/// The token of a mail that asks whether an address is right.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    pub token: String,
}

/// Whose password is forgotten.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    #[schema(format = Email, max_length = 254)]
    pub email: String,
}

/// Another password, and the code that was mailed for it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    pub code: String,
    #[schema(min_length = 12, max_length = 128)]
    pub password: String,
}

/// How long a task is to be silent: for so long, or until then. Give one of the two.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, max_properties = 1)]
pub struct Snooze {
    /// An ISO 8601 duration of at most 366 days.
    #[schema(example = "PT1H", nullable = false)]
    pub r#for: Option<String>,
    /// A zoned time or an instant, within 366 days.
    #[schema(nullable = false)]
    pub until: Option<String>,
}

/// Which mails a user wants.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MailSettings {
    pub reminders: bool,
    pub digest: bool,
    pub assignments: bool,
    pub invitations: bool,
}

/// A merge patch (RFC 7396) of the profile.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    pub name: Option<String>,
    #[schema(example = "Europe/Berlin", nullable = false)]
    pub time_zone: Option<String>,
    #[schema(max_items = 20)]
    pub default_reminders: Option<Vec<LeadTime>>,
    #[schema(nullable = false)]
    pub mail: Option<MailPatch>,
    /// The hour of the day, in the user's zone, at which the digest is sent.
    #[schema(minimum = 0, maximum = 23, nullable = false)]
    pub digest_hour: Option<u64>,
}

/// A merge patch of the mail settings.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailPatch {
    #[schema(nullable = false)]
    pub reminders: Option<bool>,
    #[schema(nullable = false)]
    pub digest: Option<bool>,
    #[schema(nullable = false)]
    pub assignments: Option<bool>,
    #[schema(nullable = false)]
    pub invitations: Option<bool>,
}

/// When a reminder rings: so long before the due time, or at a time of its own. Give one of the two.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, max_properties = 1)]
pub struct ReminderSpec {
    /// An ISO 8601 duration of at most 366 days.
    #[schema(example = "PT30M", nullable = false)]
    pub before: Option<String>,
    /// A zoned time or an instant.
    #[schema(nullable = false)]
    pub at: Option<String>,
}

/// An item of a checklist as it is wanted.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItemInput {
    /// Which one it is; absent for a new one.
    pub id: Option<String>,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Whether it is done.
    pub done: Option<bool>,
}

/// An item of a checklist.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Item {
    #[schema(example = "itm_01JQ0000000000000000000000")]
    pub id: String,
    pub title: String,
    pub done: bool,
}

macro_rules! task_fields {
    ($(#[$doc:meta])* $name:ident, { $($required:tt)* }) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($required)*
            /// More about it.
            #[schema(max_length = 16000)]
            pub description: Option<String>,
            /// Its one category.
            #[schema(min_length = 1, max_length = 100)]
            pub category: Option<String>,
            /// Compared without case; each once.
            #[schema(max_items = 50)]
            pub tags: Option<Vec<String>>,
            /// A day, a time in a zone, or an instant.
            #[schema(example = "2027-03-01T09:00[Europe/Berlin]")]
            pub due: Option<String>,
            /// Absent on creation: the defaults of the user.
            #[schema(max_items = 20)]
            pub reminders: Option<Vec<ReminderSpec>>,
            /// An RRULE (RFC 5545) without DTSTART: the due time begins the series.
            #[schema(max_length = 500, example = "FREQ=WEEKLY;BYDAY=MO")]
            pub recurrence: Option<String>,
            /// An ISO 8601 duration of a second to a year, counted from the last change; in a series from the due
            /// time, if that is later.
            #[schema(example = "P7D")]
            pub auto_complete_after: Option<String>,
            /// The id of a member of the space.
            pub assigned_to: Option<String>,
            /// Its small steps.
            #[schema(max_items = 100)]
            pub checklist: Option<Vec<ChecklistItemInput>>,
        }
    };
}

task_fields!(
    /// A task to be created.
    TaskDraft,
    {
        /// What is to be done: one line.
        #[schema(min_length = 1, max_length = 500, example = "Wind the tower clock")]
        pub title: String,
        /// `pending` if absent.
        pub status: Option<Status>,
        /// `medium` if absent.
        pub priority: Option<Priority>,
        /// `due` if absent.
        pub recurrence_from: Option<RecurrenceFrom>,
    }
);

task_fields!(
    /// A merge patch (RFC 7396) of a task: absent keeps, null clears.
    TaskPatch,
    {
        /// What is to be done: one line.
        #[schema(min_length = 1, max_length = 500, nullable = false)]
        pub title: Option<String>,
        /// `completed` completes the task, another reopens it.
        #[schema(nullable = false)]
        pub status: Option<Status>,
        /// How much it matters.
        #[schema(nullable = false)]
        pub priority: Option<Priority>,
        /// What the next occurrence is counted from.
        #[schema(nullable = false)]
        pub recurrence_from: Option<RecurrenceFrom>,
    }
);

/// A task.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Task {
    #[schema(example = "tsk_01JQ0000000000000000000000")]
    pub id: String,
    #[schema(example = "spc_01JQ0000000000000000000000")]
    pub space: String,
    pub title: String,
    pub description: String,
    pub status: Status,
    pub priority: Priority,
    pub category: Option<String>,
    pub tags: Vec<String>,
    /// As it was said.
    pub due: Option<String>,
    /// As an instant; of a day its last second.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// The zone in which its days begin and end.
    pub time_zone: String,
    pub reminders: Vec<Reminder>,
    pub recurrence: Option<String>,
    pub recurrence_from: Option<RecurrenceFrom>,
    /// Which occurrence of its series it is, from 1.
    pub occurrence: Option<u32>,
    /// The occurrence that its completion made.
    pub next_occurrence: Option<String>,
    pub auto_complete_after: Option<String>,
    #[schema(format = DateTime)]
    pub auto_complete_at: Option<String>,
    pub checklist: Vec<Item>,
    pub assigned_to: Option<String>,
    pub created_by: String,
    /// Its entity tag, without the quotes. It counts deliveries of reminders, too.
    pub version: u64,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
    pub completed_by: Option<Completion>,
}

/// A reminder: what was asked for (`before` or `at`), and what became of it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Reminder {
    #[schema(example = "rem_01JQ0000000000000000000000")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// That it rings because the task was snoozed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<bool>,
    #[schema(format = DateTime)]
    pub fire_at: String,
    pub status: DeliveryStatus,
    /// How often it was offered to SES, or may have been.
    pub attempts: u32,
    /// After how many attempts nobody could know whether SES had accepted it: only then it may have come twice.
    pub uncertain_attempts: u32,
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    /// Why it was not sent.
    pub reason: Option<String>,
    /// What became of it behind SES.
    pub feedback: Option<Feedback>,
}

/// A line of the delivery ledger: a reminder, or the automatic completion.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry {
    /// `reminder` or `auto_completion`.
    pub kind: String,
    #[schema(format = DateTime)]
    pub fire_at: Option<String>,
    /// That of a delivery; of an automatic completion `scheduled`, `done` or `skipped`.
    pub status: String,
    pub reason: Option<String>,
}

/// An occurrence that is to come.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Occurrence {
    pub occurrence: u32,
    pub due: String,
    #[schema(format = DateTime)]
    pub due_at: String,
}

words!(/// What an account may do beyond its own spaces.
    AccountRole: User, Operator);

/// What makes somebody an operator.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorClaim {
    /// The code of the mail; without it, one is sent.
    pub code: Option<String>,
}

/// Something that goes on.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    pub detail: String,
}

/// An account, as operators see it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Account {
    #[schema(example = "usr_01JQ0000000000000000000000")]
    pub id: String,
    pub email: String,
    pub name: String,
    pub time_zone: String,
    pub role: AccountRole,
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What an operator changes of an account.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    #[schema(nullable = false)]
    pub role: Option<AccountRole>,
    /// Whoever is disabled is shut out at once.
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// What an operator writes to a user.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationDraft {
    #[schema(example = "usr_01JQ0000000000000000000000")]
    pub user_id: String,
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    #[schema(min_length = 1, max_length = 10000)]
    pub text: String,
}

/// A message of an operator, and what is known of its delivery.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Notification {
    #[schema(example = "ntc_01JQ0000000000000000000000")]
    pub id: String,
    pub user_id: String,
    pub sent_by: String,
    pub subject: String,
    pub text: String,
    pub status: DeliveryStatus,
    pub attempts: u32,
    pub uncertain_attempts: u32,
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    pub reason: Option<String>,
    pub feedback: Option<Feedback>,
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A tag or a category, and how many tasks it has.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Name {
    pub name: String,
    pub open: u64,
    pub completed: u64,
}

/// How it stands with the tasks of a space. It lags behind the latest changes by moments.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Stats {
    pub open: u64,
    pub pending: u64,
    pub in_progress: u64,
    pub completed: u64,
    /// Open, and due before the present quarter of an hour.
    pub overdue: u64,
    /// The share of all tasks that are completed; null if there are none.
    pub completion_rate: Option<f64>,
    /// How long half of the tasks completed in these days took at most, from creation, to a tenth.
    pub median_seconds_to_complete: Option<u64>,
    pub completed_by_day: Vec<DayCount>,
    pub completed_by_week: Vec<WeekCount>,
}

/// What was completed on a day of the caller's zone.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct DayCount {
    #[schema(format = Date)]
    pub date: String,
    pub completed: u64,
}

/// What was completed in a week, of the days asked for.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct WeekCount {
    /// Its Monday.
    #[schema(format = Date)]
    pub week_of: String,
    pub completed: u64,
}

/// A comment on a task.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Comment {
    #[schema(example = "cmt_01JQ0000000000000000000000")]
    pub id: String,
    pub task: String,
    pub author: String,
    pub text: String,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What somebody says about a task.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentDraft {
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
}

/// A merge patch of a comment.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentPatch {
    #[schema(min_length = 1, max_length = 4000, nullable = false)]
    pub text: Option<String>,
}

/// A space in which people share tasks.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Space {
    #[schema(example = "spc_01JQ0000000000000000000000")]
    pub id: String,
    pub name: String,
    /// Whether it is the caller's own, which cannot be shared.
    pub personal: bool,
    /// That of the caller.
    pub role: Role,
    pub members: u32,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A space to be created.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceDraft {
    #[schema(min_length = 1, max_length = 100, example = "Bell tower")]
    pub name: String,
}

/// A merge patch of a space.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpacePatch {
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    pub name: Option<String>,
}

/// Somebody in a space.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Member {
    #[schema(example = "usr_01JQ0000000000000000000000")]
    pub user_id: String,
    pub name: String,
    pub role: Role,
    #[schema(format = DateTime)]
    pub joined_at: String,
}

/// Another role for a member.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPatch {
    pub role: Role,
}

/// An open invitation.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    pub id: String,
    pub space: String,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Whom to invite.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationDraft {
    #[schema(example = "grace@example.com")]
    pub email: String,
    /// `member` if absent.
    pub role: Option<Role>,
}

/// The code of an invitation.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    pub token: String,
}

/// Operations on tasks, carried out one after the other.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Each is `{op: "create", task: TaskDraft, space?}`, `{op: "update", id, task: TaskPatch, version?}`,
    /// `{op: "complete", id, version?}` or `{op: "delete", id, version?}`. What is wrong with one of them is said in its
    /// result.
    #[schema(min_items = 1, max_items = 100)]
    pub operations: Vec<serde_json::Value>,
}

/// One result for each operation, in their order.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchAnswer {
    pub results: Vec<BatchResult>,
}

/// What came of one operation.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// The status that the operation would have had as a request of its own.
    pub status: u16,
    /// The task's id, if the operation succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The task as it is now; null after its deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// True if the operation succeeded but the answer is too large to hold `task` too: read the task by its `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_omitted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// That the API answers.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: String,
}
