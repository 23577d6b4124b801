//! Accounts as their users see them: registration, sessions and the profile.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{DateTime, Duration, Email, NewEmail, NewPassword, PersonName, TimeZone, UserId};

words!(/// Role of an account. `user` has no rights beyond the spaces of the user. `operator` manages accounts and
    /// writes to their users.
    AccountRole: User, Operator);
words!(/// Why no email is sent to an address. `bounced`: the mail server of the address refused an email permanently.
    /// `complained`: the recipient marked an email as spam.
    SuppressionReason: Bounced, Complained);
words!(/// Authentication scheme of the access token.
    TokenType: #[serde(rename = "Bearer")] Bearer);

/// An account to be created.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterUserRequest {
    /// Address of the account. No other account may have it. Its case is ignored.
    pub email: NewEmail,
    /// Password of the account. It is refused if it is easy to guess.
    pub password: NewPassword,
    /// Name by which the user is addressed in emails and shown to members of shared spaces.
    pub name: PersonName,
    /// Time zone of the user. UTC if absent or null.
    pub time_zone: Option<TimeZone>,
}

/// Credentials of an account.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInRequest {
    /// Address of the account. Its case is ignored.
    #[schema(examples("ada@example.com"))]
    pub email: String,
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
    /// Code of the authenticator app, or a recovery code, if the account has a second factor. Each works once.
    pub code: Option<String>,
    /// Whether the refresh token is to be in a cookie instead of the response. For browsers, from a page of the same origin.
    pub cookie: Option<bool>,
}

/// A refresh token to be exchanged for new tokens.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSessionRequest {
    /// The latest refresh token of the session, or for ten minutes the one before it if the response with the latest was lost.
    /// Presenting an older one ends the session. Required without `cookie`.
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
    /// Whether the new refresh token is to be in a cookie instead of the response, and the old one is there if
    /// `refresh_token` is absent. For browsers, from a page of the same origin.
    pub cookie: Option<bool>,
}

/// A session that was opened or refreshed, with its new tokens.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// JWT (EdDSA) for the `Authorization` header. It is valid for 15 minutes.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: TokenType,
    /// Lifetime of the access token, in seconds.
    #[schema(examples(900))]
    pub expires_in: u32,
    /// Opaque token to be exchanged, once, for new tokens. The session ends 30 days after its last refresh. Absent with
    /// `cookie`.
    pub refresh_token: Option<String>,
    /// Profile of the user.
    pub user: Profile,
}

/// Token of a verification link.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The last part of the link in the verification email. It is valid for 48 hours.
    pub token: String,
}

/// Confirmation that the account is to be deleted.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountRequest {
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
}

/// Address of an account whose password is to be reset.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    /// Address of the account. The response does not reveal whether there is one.
    pub email: Email,
}

/// A new password, and the code that permits setting it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// Code from the email. It works once, for 1 hour.
    pub code: String,
    /// New password. It is refused if it is easy to guess.
    pub password: NewPassword,
}

/// Profile of the caller.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Identifier of the account.
    pub id: UserId,
    /// Address of the account.
    pub email: Email,
    /// Whether the user has verified the address. Until then nobody can log in, and only emails for that are sent to it.
    pub email_verified: bool,
    /// Why no email is sent to the address. Null while email is sent. Verifying the address again ends it.
    #[schema(required)]
    pub mail_stopped: Option<MailSuppression>,
    /// Name by which the user is addressed in emails and shown to members of shared spaces.
    pub name: PersonName,
    /// Time zone of the user. It applies to all-day tasks, the digest, and times in emails.
    pub time_zone: TimeZone,
    /// Reminders of a task that is created with a due time and without reminders of its own.
    pub default_reminders: Vec<LeadTime>,
    /// Kinds of email that the user receives.
    pub mail: MailSettings,
    /// Hour of the day at which the digest is sent, in the time zone of the user.
    #[schema(minimum = 0, maximum = 23)]
    pub digest_hour: u8,
    /// Role of the account.
    pub role: AccountRole,
    /// Whether log-ins need a code of an authenticator app.
    pub second_factor: bool,
    /// When the account was created.
    pub created_at: DateTime,
    /// When the profile last changed.
    pub updated_at: DateTime,
}

/// A merge patch (RFC 7396) of the profile. An absent field keeps its value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfileRequest {
    /// New name.
    #[schema(nullable = false)]
    pub name: Option<PersonName>,
    /// New time zone. Tasks keep the due instants that they have.
    #[schema(nullable = false)]
    pub time_zone: Option<TimeZone>,
    /// New default reminders, in place of the present ones. Null removes them all.
    #[schema(max_items = 20)]
    pub default_reminders: Option<Vec<LeadTime>>,
    /// Kinds of email to be turned on or off.
    #[schema(nullable = false)]
    pub mail: Option<MailSettingsPatch>,
    /// New hour of the day at which the digest is sent, in the time zone of the user.
    #[schema(minimum = 0, maximum = 23, nullable = false)]
    pub digest_hour: Option<u8>,
}

/// A reminder before the due time.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadTime {
    /// Time between the reminder and the due time. For all-day tasks it counts back from 09:00.
    pub before: Duration,
}

/// Why and since when no email is sent to an address.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSuppression {
    /// Why no email is sent.
    pub reason: SuppressionReason,
    /// Since when no email is sent.
    pub at: DateTime,
}

/// Kinds of email that a user receives.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Reminders of tasks. True unless turned off.
    pub reminders: bool,
    /// A daily summary of what is due. False unless turned on.
    pub digest: bool,
    /// Emails about tasks that others assign to the user. True unless turned off.
    pub assignments: bool,
    /// Invitations into spaces of others. True unless turned off.
    pub invitations: bool,
}

/// A merge patch (RFC 7396) of the email settings. An absent field keeps its value.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSettingsPatch {
    /// Whether reminders of tasks are sent.
    #[schema(nullable = false)]
    pub reminders: Option<bool>,
    /// Whether the daily summary is sent.
    #[schema(nullable = false)]
    pub digest: Option<bool>,
    /// Whether email about assignments is sent.
    #[schema(nullable = false)]
    pub assignments: Option<bool>,
    /// Whether invitations into spaces of others are sent.
    #[schema(nullable = false)]
    pub invitations: Option<bool>,
}

/// A code that proves access to the mailbox of the stack's operator.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BecomeOperatorRequest {
    /// Code from the email. It works once, for 24 hours. If absent or null, a code is sent to the caller by email.
    pub code: Option<String>,
}

/// A new password, and the present one.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// Present password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub current_password: String,
    /// New password. It is refused if it is easy to guess.
    pub new_password: NewPassword,
}

/// The session that replaces all others after a change of the password.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedPassword {
    /// Opaque token of a new session, to be exchanged, once, for new tokens.
    pub refresh_token: String,
}

/// A new address, and the password of the account.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailRequest {
    /// Address that the account is to have. A code is sent to it.
    pub email: NewEmail,
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
}

/// The code that was sent to the new address.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmailRequest {
    /// Code from the email. It works once, for 24 hours, until the address or the password is changed.
    pub code: String,
}

/// The code that was sent to the previous address.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoEmailChangeRequest {
    /// Code from the email. It works once, for 72 hours.
    pub code: String,
}
