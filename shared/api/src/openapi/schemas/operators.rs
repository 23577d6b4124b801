//! What operators see and change, and the statistics of spaces.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts::AccountRole,
    tasks::{DeliveryReason, DeliveryStatus, Feedback},
    values::{
        Date, DateTime, Email, MessageSubject, MessageText, NewEmail, NotificationId, PersonName,
        TimeZone, UserId,
    },
};

/// An account, as operators see it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Identifier of the account.
    pub id: UserId,
    /// Address of the account.
    pub email: Email,
    /// Name of the user.
    pub name: PersonName,
    /// Time zone of the user.
    pub time_zone: TimeZone,
    /// Role of the account.
    pub role: AccountRole,
    /// Since when the account is blocked. Null if it is not blocked.
    #[schema(required)]
    pub disabled_at: Option<DateTime>,
    /// When the account was created.
    pub created_at: DateTime,
    /// When the profile of the account last changed.
    pub updated_at: DateTime,
}

/// A merge patch (RFC 7396) of an account. An absent field keeps its value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateAccountRequest {
    /// New role. Access tokens that were issued before are revoked.
    #[schema(nullable = false)]
    pub role: Option<AccountRole>,
    /// True blocks the account: its sessions end, its tokens are revoked, and no email is sent to it. False unblocks
    /// it.
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// An invitation to register.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteUserRequest {
    /// Address that may register.
    pub email: NewEmail,
}

/// A message to a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNotificationRequest {
    /// Account of the recipient.
    pub user_id: UserId,
    /// Subject of the email.
    pub subject: MessageSubject,
    /// Text of the email.
    pub text: MessageText,
}

/// A message to a user, and the state of its delivery.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Identifier of the notification. It can be read for 90 days.
    pub id: NotificationId,
    /// Account of the recipient.
    pub user_id: UserId,
    /// Account of the operator who sent it.
    pub sent_by: UserId,
    /// Subject of the email.
    pub subject: MessageSubject,
    /// Text of the email.
    pub text: MessageText,
    /// State of the delivery.
    pub status: DeliveryStatus,
    /// How many times the email was, or may have been, submitted to SES.
    pub attempts: u32,
    /// How many of the attempts ended without a response from SES. If this is not 0, the email may have been delivered
    /// more than once.
    pub uncertain_attempts: u32,
    /// When SES accepted the email. Null until then.
    #[schema(required)]
    pub sent_at: Option<DateTime>,
    /// Why the email was not sent, or will not be sent again. Null otherwise.
    #[schema(required)]
    pub reason: Option<DeliveryReason>,
    /// What the mail server of the recipient reported. Null if nothing was reported yet.
    #[schema(required)]
    pub feedback: Option<Feedback>,
    /// When the message was created.
    pub created_at: DateTime,
}

/// A tag or category, and how many tasks have it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameCount {
    /// The tag or category.
    #[schema(examples("weekly"))]
    pub name: String,
    /// Number of tasks that are not completed.
    pub open: u64,
    /// Number of completed tasks.
    pub completed: u64,
}

/// Statistics of a space. They are updated within seconds of a change.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Number of tasks that are not completed.
    pub open: u64,
    /// Number of tasks with the status `pending`.
    pub pending: u64,
    /// Number of tasks with the status `in_progress`.
    pub in_progress: u64,
    /// Number of completed tasks.
    pub completed: u64,
    /// Number of open tasks whose due time lies before the current quarter of an hour.
    pub overdue: u64,
    /// Share of completed tasks, rounded to three decimal places. Null if the space has no tasks.
    #[schema(required, minimum = 0, maximum = 1, examples(0.625))]
    pub completion_rate: Option<f64>,
    /// Median time from creation to completion of the tasks completed on these days, in seconds, accurate to about
    /// 10 %. Null if there are none.
    #[schema(required)]
    pub median_seconds_to_complete: Option<u64>,
    /// Completed tasks of each day, up to today, in the caller's time zone.
    pub completed_by_day: Vec<DayCount>,
    /// Completed tasks of each week, counting only the requested days.
    pub completed_by_week: Vec<WeekCount>,
}

/// How many tasks were completed on a day.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayCount {
    /// The day, in the caller's time zone.
    pub date: Date,
    /// Number of tasks completed on this day.
    pub completed: u64,
}

/// How many tasks were completed in a week.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeekCount {
    /// Monday of the week.
    pub week_of: Date,
    /// Number of tasks completed in this week, counting only the requested days.
    pub completed: u64,
}
