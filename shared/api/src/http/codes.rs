//! Error codes, on which clients branch. The meaning of a code never changes.

/// An error code.
pub struct ErrorCode {
    /// The HTTP status of the response.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// What the code means and what the client can do.
    pub meaning: &'static str,
}

const fn code(status: u16, code: &'static str, meaning: &'static str) -> ErrorCode {
    ErrorCode { status, code, meaning }
}

/// Every error code.
pub const ERROR_CODES: &[ErrorCode] = &[
    code(400, "malformed_request", "The request, its query or its base64 body is not valid text."),
    code(400, "malformed_json", "The body is not valid JSON in UTF-8, or repeats a key."),
    code(400, "invalid_header", "A header that the operation reads is not valid."),
    code(
        400,
        "invalid_cursor",
        "The cursor was not issued for this user and query: start again without one.",
    ),
    code(
        401,
        "unauthorized",
        "The access token is missing, invalid, expired or revoked: log in or refresh.",
    ),
    code(401, "invalid_credentials", "The email address or the password is wrong."),
    code(
        401,
        "invalid_refresh_token",
        "The refresh token is invalid, expired or already used: log in again.",
    ),
    code(
        401,
        "invalid_second_factor",
        "The code of the second factor is wrong, or it was used before: send the next one.",
    ),
    code(
        401,
        "second_factor_required",
        "The account has a second factor: send `code`, a code of the authenticator app or a recovery code.",
    ),
    code(403, "account_disabled", "An operator has blocked this account."),
    code(
        403,
        "cross_site",
        "A browser sent a request about its session cookie from another origin: send `refresh_token` in the body.",
    ),
    code(403, "forbidden", "The caller's role does not allow this."),
    code(403, "insufficient_scope", "The API token lacks the scope that the operation needs."),
    code(
        403,
        "registration_refused",
        "This address may not register in this stack without an invitation.",
    ),
    code(
        403,
        "second_factor_missing",
        "Operators of this stack need a second factor: add one, and try again.",
    ),
    code(403, "session_required", "API tokens cannot be used for this operation: log in."),
    code(404, "invalid_code", "The code is invalid, expired or already used."),
    code(404, "invalid_invitation", "The invitation is invalid, expired, revoked or already used."),
    code(404, "invalid_token", "The token is invalid or expired."),
    code(404, "not_found", "The resource does not exist, or the caller cannot see it."),
    code(409, "already_completed", "The task is completed: reopen it first."),
    code(409, "already_deleted", "The resource that this Idempotency-Key created was deleted."),
    code(409, "already_member", "The user is already a member of the space."),
    code(409, "busy", "Other requests keep changing the resource: try again."),
    code(409, "email_taken", "An account with this email address already exists."),
    code(409, "invited_recently", "This address was invited recently: wait before inviting it again."),
    code(409, "last_owner", "A space needs at least one owner: make another member an owner first."),
    code(409, "not_finished", "The work is not finished yet: repeat the request to continue."),
    code(409, "not_recurring", "The task does not recur, so there is no occurrence to skip."),
    code(409, "own_account", "Operators cannot block themselves or change their own role."),
    code(409, "personal_space", "A personal space cannot be shared, renamed or deleted."),
    code(
        409,
        "second_factor_active",
        "The account has a second factor: delete it before adding another.",
    ),
    code(
        409,
        "second_factor_not_started",
        "There is no second factor that can be confirmed: start one. It can be confirmed for an hour.",
    ),
    code(
        409,
        "series_ended",
        "This is the last occurrence of the series: complete or delete the task.",
    ),
    code(409, "space_full", "The space has the maximum number of members."),
    code(409, "registration_closed", "The stack admits no registrations."),
    code(
        409,
        "stack_operator",
        "The operator that the stack was deployed with cannot be blocked or demoted.",
    ),
    code(409, "too_many_api_tokens", "The user has the maximum number of API tokens: delete one."),
    code(409, "too_many_comments", "The task has the maximum number of comments."),
    code(409, "too_many_invitations", "The space has the maximum number of open invitations."),
    code(409, "too_many_reminders", "The space has the maximum number of reminders."),
    code(409, "too_many_spaces", "The user is in the maximum number of spaces."),
    code(409, "too_many_tasks", "The space has the maximum number of tasks."),
    code(
        410,
        "cursor_expired",
        "The cursor is older than the changes that are kept: list everything again, from a new cursor on.",
    ),
    code(412, "precondition_failed", "`If-None-Match` lists the current version."),
    code(412, "version_mismatch", "The task has changed: read it again and send its new ETag."),
    code(413, "body_too_large", "The body exceeds 512 KiB."),
    code(415, "unsupported_encoding", "The body is compressed: send it without Content-Encoding."),
    code(415, "unsupported_media_type", "The body is not declared as JSON in UTF-8."),
    code(422, "idempotency_key_reused", "The Idempotency-Key was used for a different request."),
    code(422, "validation_failed", "Fields or parameters are not valid: `errors` lists them."),
    code(429, "too_many_requests", "The rate limit is exceeded: wait for Retry-After seconds."),
    code(500, "internal_error", "Internal error. The log has details under `request_id`."),
    code(
        503,
        "unavailable",
        "A dependency did not respond: try again. A retry with an Idempotency-Key is safe.",
    ),
];

/// Every code of an error in one field or parameter (`errors[].code`), with its meaning.
pub const FIELD_ERROR_CODES: &[(&str, &str)] = &[
    ("contains_url", "It must not contain a link."),
    ("duplicate", "It occurs more than once."),
    ("ends_before_due", "The series ends before the due time."),
    ("invalid_characters", "It contains characters that are not allowed."),
    ("invalid_duration", "It is not a supported ISO 8601 duration."),
    ("invalid_email", "It is not an email address."),
    ("invalid_file", "It is not a file of this program."),
    ("invalid_id", "It is not a valid id of this type."),
    ("invalid_length", "It is too short or too long."),
    ("invalid_recurrence", "It is not a supported RRULE."),
    ("invalid_time", "It is not a supported date or time."),
    ("needs_due", "It needs a due time."),
    ("needs_open", "It needs an open task."),
    ("needs_recurrence", "It needs a recurrence rule."),
    ("needs_time", "It needs a due time of day, not a date."),
    ("no_occurrence", "The rule has no occurrence after the due time."),
    ("not_a_member", "It is not a member of the space."),
    ("not_confirmed", "It is not the name of the space."),
    ("out_of_range", "It is outside the allowed range."),
    ("required", "It is required."),
    ("time_without_zone", "It needs a UTC offset or a time zone."),
    ("too_common", "The password is easily guessed."),
    ("too_dense", "The series recurs too often."),
    ("too_long", "It is too long."),
    ("too_many", "It has too many elements."),
    ("too_short", "It is too short."),
    ("unknown_item", "It is not the id of an item of the checklist."),
    ("unknown_field", "The field does not exist."),
    ("unknown_parameter", "The parameter does not exist."),
    ("unknown_time_zone", "It is not an IANA time zone."),
    ("unknown_user", "This user does not exist."),
    ("unknown_value", "It is not one of the allowed values."),
    ("unsupported", "The combination is not supported."),
    ("wrong_code", "It is not a code of the second factor, or it was used before."),
    ("wrong_password", "It is not the password of the account."),
    ("wrong_type", "It has the wrong JSON type."),
];

/// Every code of an error in a line of an import that is none of a field, with its meaning.
pub const LINE_ERROR_CODES: &[(&str, &str)] = &[
    ("internal_error", "Internal error. The log has details."),
    ("malformed_json", "The line is not valid JSON in UTF-8, or repeats a key."),
    ("invalid_record", "The record of another program is not complete."),
    ("not_finished", "There was no time left: repeat the request."),
    ("not_found", "The task was deleted meanwhile."),
    ("not_supported", "Taskbell has no such field: the description has the value if it can."),
    ("other_space", "The line is in another space of the export."),
    ("too_large", "The record is too large."),
    ("too_many_comments", "The task has the maximum number of comments."),
    ("too_many_reminders", "The space has the maximum number of reminders."),
    ("too_many_tasks", "The space has the maximum number of tasks."),
    ("unavailable", "A dependency did not respond: repeat the request."),
    ("unknown_parent", "The parent of the subtask is not in the file."),
    ("unknown_task", "The task of the comment is not in the space: import it first."),
];
