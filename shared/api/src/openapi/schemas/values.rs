//! Strings with one form or one limit: identifiers, times, durations and texts. They are inlined where they are used.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! value {
    ($($(#[$meta:meta])* $name:ident;)+) => {
        $(
            #[derive(Serialize, ToSchema)]
            $(#[$meta])*
            pub struct $name(String);
        )+
    };
}

value! {
    /// Identifier of an account.
    #[schema(pattern = "^usr_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("usr_01JQ0000000000000000000000"))]
    UserId;

    /// Identifier of a task.
    #[schema(pattern = "^tsk_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("tsk_01JQ0000000000000000000000"))]
    TaskId;

    /// Identifier of a space.
    #[schema(pattern = "^spc_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("spc_01JQ0000000000000000000000"))]
    SpaceId;

    /// Identifier of an API token.
    #[schema(pattern = "^tok_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("tok_01JQ0000000000000000000000"))]
    ApiTokenId;

    /// Identifier of a session.
    #[schema(pattern = "^ses_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("ses_01JQ0000000000000000000000"))]
    SessionId;

    /// Identifier of a checklist item.
    #[schema(pattern = "^itm_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("itm_01JQ0000000000000000000000"))]
    ItemId;

    /// Identifier of a comment.
    #[schema(pattern = "^cmt_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("cmt_01JQ0000000000000000000000"))]
    CommentId;

    /// Identifier of a notification.
    #[schema(pattern = "^ntc_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("ntc_01JQ0000000000000000000000"))]
    NotificationId;

    /// Identifier of a reminder.
    #[schema(pattern = "^rem_[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("rem_01JQ0000000000000000000000"))]
    ReminderId;

    /// Identifier of an invitation: the SHA-256 hash of the lower-case address.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        examples("b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514")
    )]
    InvitationId;

    /// An email address.
    #[schema(format = Email, examples("ada@example.com"))]
    Email;

    /// An email address that email can be sent to. The part before the `@` is ASCII and has at most 64 characters.
    /// The domain may be international; the whole address has at most 254 characters with the domain in ASCII.
    #[schema(format = Email, max_length = 254, examples("ada@example.com"))]
    NewEmail;

    /// A password. It is refused if it is easy to guess or contains little besides the user's own name and address.
    #[schema(format = Password, min_length = 12, max_length = 128, examples("correct horse battery staple"))]
    NewPassword;

    /// An instant (RFC 3339), in UTC.
    #[schema(format = DateTime, examples("2026-03-01T08:00:00Z"))]
    DateTime;

    /// A calendar date.
    #[schema(format = Date, examples("2026-03-02"))]
    Date;

    /// Name of a time zone in the IANA database.
    #[schema(examples("Europe/Berlin"))]
    TimeZone;

    /// A due time in one of three forms: a date (`2026-03-01`, the whole day in the user's time zone), a time in a
    /// time zone (`2026-03-01T09:00[Europe/Berlin]`), or an instant (`2026-03-01T08:00:00Z`). The year is 1970 to 2199.
    #[schema(
        pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}.*)?$",
        examples("2199-03-01T09:00[Europe/Berlin]")
    )]
    Due;

    /// A time in a time zone (`2026-03-01T09:00[Europe/Berlin]`) or an instant (`2026-03-01T08:00:00Z`). The year is
    /// 1970 to 2199.
    #[schema(
        pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*$",
        examples("2026-03-01T08:00:00Z")
    )]
    Time;

    /// An ISO 8601 duration of weeks, days, hours, minutes and whole seconds, from 0 to 366 days.
    #[schema(pattern = "^P[0-9WDTHMSwdthms.,]+$", examples("PT30M"))]
    Duration;

    /// An ISO 8601 duration in whole seconds, from 1 second to 1 year. Months and years are calendar units.
    #[schema(pattern = "^P[0-9YMWDTHSymwdths.,]+$", examples("P7D"))]
    Period;

    /// A recurrence rule: the value of an RRULE property (RFC 5545) without DTSTART.
    #[schema(max_length = 500, examples("FREQ=WEEKLY;BYDAY=MO"))]
    RecurrenceRule;

    /// Title of a task, on one line.
    #[schema(min_length = 1, max_length = 500, examples("Wind the tower clock"))]
    Title;

    /// Description of a task. Line breaks and tabs are the only control characters allowed.
    #[schema(max_length = 16000, examples("Two full turns."))]
    Description;

    /// Name of a category, on one line.
    #[schema(min_length = 1, max_length = 100, examples("Tower"))]
    Category;

    /// Name of a tag, on one line, stored in lower case.
    #[schema(min_length = 1, max_length = 100, examples("weekly"))]
    Tag;

    /// Title of a checklist item, on one line.
    #[schema(min_length = 1, max_length = 200, examples("Oil the gears"))]
    ItemTitle;

    /// Name of a user, on one line. Web addresses and invisible characters are refused.
    #[schema(min_length = 1, max_length = 100, examples("Ada"))]
    PersonName;

    /// Name of a program, on one line. Web addresses and invisible characters are refused.
    #[schema(min_length = 1, max_length = 100, examples("Backup"))]
    ApiTokenName;

    /// Name of a space, on one line. Web addresses and invisible characters are refused.
    #[schema(min_length = 1, max_length = 100, examples("Bell tower"))]
    SpaceName;

    /// Text of a comment. Line breaks and tabs are the only control characters allowed.
    #[schema(min_length = 1, max_length = 4000, examples("The rope is worn."))]
    CommentText;

    /// Text of a comment: up to 4,000 characters, after a line with the original author and time if the comment was imported.
    #[schema(min_length = 1, max_length = 4124, examples("The rope is worn."))]
    ShownCommentText;

    /// Subject of a message, on one line.
    #[schema(min_length = 1, max_length = 200, examples("Maintenance on Sunday"))]
    MessageSubject;

    /// Text of a message. Line breaks and tabs are the only control characters allowed.
    #[schema(min_length = 1, max_length = 10000, examples("The bell rests from 02:00 to 03:00."))]
    MessageText;
}
