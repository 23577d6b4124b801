//! The API as an OpenAPI 3.1 document. The schemas are types, the operations a table; what is the same for all
//! operations is said once. `openapi.json` beside this file is the document as it is served; a test keeps it
//! current.

mod parameters;
pub mod schemas;

use serde_json::{Map, Value, json};

/// The document as `GET /v1/openapi.json` serves it.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// One operation. Its id is the name of its function.
struct Operation {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Names of query parameters and headers.
    parameters: &'static [&'static str],
    body: &'static str,
    answer: (u16, &'static str),
    /// Besides those that follow from having a body, a path or parameters.
    errors: &'static [u16],
}

const PUBLIC: &[&str] = &[
    "register-user",
    "log-in",
    "refresh-session",
    "verify-email",
    "forgot-password",
    "reset-password",
    "unsubscribe",
    "run-action",
    "get-health",
    "get-openapi",
];

/// Operations that answer people, by pages; each has two methods.
const PAGES: &[&str] = &["unsubscribe", "run-action"];

/// Operations whose requests are not counted against a limit.
const UNCOUNTED: &[&str] = &["get-health", "get-openapi"];

macro_rules! operations {
    ($($id:literal $method:ident $path:literal $summary:literal
        [$($parameter:literal),*] $body:literal => $status:literal $answer:literal [$($error:literal),*];)+) => {
        &[$(Operation {
            id: $id, method: stringify!($method), path: $path, summary: $summary, parameters: &[$($parameter),*],
            body: $body, answer: ($status, $answer), errors: &[$($error),*],
        }),+]
    };
}

const OPERATIONS: &[Operation] = operations! {
    "register-user" post "/v1/auth/register" "Make an account" [] "RegisterUserRequest" => 201 "Profile" [409];
    "log-in" post "/v1/auth/login" "Log in" [] "LogInRequest" => 200 "Session" [401];
    "refresh-session" post "/v1/auth/refresh" "Exchange a refresh token" [] "RefreshSessionRequest" => 200 "Session" [401];
    "log-out" post "/v1/auth/logout" "End the session" [] "" => 204 "" [];
    "get-profile" get "/v1/me" "The caller's profile" [] "" => 200 "Profile" [];
    "update-profile" patch "/v1/me" "Change the profile" [] "UpdateProfileRequest" => 200 "Profile" [409];
    "send-verification" post "/v1/me/verify-email" "Mail a link that proves the address" [] "" => 202 "Accepted" [];
    "verify-email" post "/v1/auth/verify-email" "Prove the address of an account" [] "VerifyEmailRequest" => 204 "" [404, 409];
    "forgot-password" post "/v1/auth/forgot-password" "Mail a code for another password"
        [] "ForgotPasswordRequest" => 202 "Accepted" [];
    "reset-password" post "/v1/auth/reset-password" "Set another password; all sessions end"
        [] "ResetPasswordRequest" => 204 "" [403, 404, 409];
    "run-action" get "/v1/actions/{token}" "Ask whether to do what a link in a mail is for" [] "" => 200 "html" [410];
    "run-action" post "/v1/actions/{token}" "Do what a link in a mail is for" [] "" => 200 "html" [409, 410];
    "unsubscribe" get "/v1/unsubscribe/{token}" "Ask whether to end mails of a kind" [] "" => 200 "html" [];
    "unsubscribe" post "/v1/unsubscribe/{token}" "End mails of a kind (RFC 8058)" [] "" => 200 "html" [409];
    "create-task" post "/v1/tasks" "Create a task"
        ["space", "Idempotency-Key"] "CreateTaskRequest" => 201 "Task" [404, 409];
    "list-tasks" get "/v1/tasks" "List tasks"
        ["space", "assigned_to", "status", "priority", "category", "tag", "q", "overdue", "due", "due_before",
         "due_after", "sort", "limit", "cursor"] "" => 200 "Task[]" [404];
    "batch-tasks" post "/v1/tasks/batch" "Carry out many operations"
        ["Idempotency-Key"] "BatchRequest" => 200 "BatchResponse" [];
    "get-task" get "/v1/tasks/{task_id}" "One task" ["If-Match", "If-None-Match"] "" => 200 "Task" [412];
    "update-task" patch "/v1/tasks/{task_id}" "Change a task" ["If-Match", "If-None-Match"] "UpdateTaskRequest" => 200 "Task" [409, 412];
    "delete-task" delete "/v1/tasks/{task_id}" "Delete a task with its comments"
        ["If-Match", "If-None-Match"] "" => 204 "" [409, 412];
    "complete-task" post "/v1/tasks/{task_id}/complete" "Complete a task; a recurring one makes the next occurrence"
        ["If-Match", "If-None-Match"] "" => 200 "Task" [409, 412];
    "reopen-task" post "/v1/tasks/{task_id}/reopen" "Take a completion back" ["If-Match", "If-None-Match"] "" => 200 "Task" [409, 412];
    "skip-task" post "/v1/tasks/{task_id}/skip" "Pass over an occurrence" ["If-Match", "If-None-Match"] "" => 200 "Task" [409, 412];
    "snooze-task" post "/v1/tasks/{task_id}/snooze" "Let a task be silent for a while"
        ["If-Match", "If-None-Match"] "SnoozeTaskRequest" => 200 "Task" [409, 412];
    "list-task-occurrences" get "/v1/tasks/{task_id}/occurrences" "When a task comes again"
        ["limit"] "" => 200 "Occurrence[]" [];
    "list-task-reminders" get "/v1/tasks/{task_id}/reminders" "The delivery ledger" [] "" => 200 "DeliveryLogEntry[]" [];
    "create-comment" post "/v1/tasks/{task_id}/comments" "Comment on a task"
        ["Idempotency-Key"] "CreateCommentRequest" => 201 "Comment" [409];
    "list-comments" get "/v1/tasks/{task_id}/comments" "The comments, the oldest first"
        ["limit", "cursor"] "" => 200 "Comment[]" [];
    "update-comment" patch "/v1/tasks/{task_id}/comments/{comment_id}" "Change a comment of one's own"
        [] "UpdateCommentRequest" => 200 "Comment" [409];
    "delete-comment" delete "/v1/tasks/{task_id}/comments/{comment_id}" "Delete a comment" [] "" => 204 "" [];
    "create-space" post "/v1/spaces" "Make a space" ["Idempotency-Key"] "CreateSpaceRequest" => 201 "Space" [409];
    "list-spaces" get "/v1/spaces" "The caller's spaces" [] "" => 200 "Space[]" [422];
    "get-space" get "/v1/spaces/{space_id}" "One space" [] "" => 200 "Space" [];
    "update-space" patch "/v1/spaces/{space_id}" "Rename a space" [] "UpdateSpaceRequest" => 200 "Space" [409];
    "delete-space" delete "/v1/spaces/{space_id}" "Delete a space with all that is in it"
        ["name"] "" => 204 "" [409];
    "list-members" get "/v1/spaces/{space_id}/members" "Who is in a space" [] "" => 200 "Member[]" [409, 422];
    "update-member" patch "/v1/spaces/{space_id}/members/{user_id}" "Give a member another role"
        [] "UpdateMemberRequest" => 200 "Member" [409];
    "remove-member" delete "/v1/spaces/{space_id}/members/{user_id}" "Remove a member, or leave (`me`)"
        [] "" => 204 "" [409];
    "invite-member" post "/v1/spaces/{space_id}/invitations" "Invite somebody by e-mail"
        ["Idempotency-Key"] "InviteMemberRequest" => 201 "Invitation" [409];
    "list-invitations" get "/v1/spaces/{space_id}/invitations" "The open invitations" [] "" => 200 "Invitation[]" [409, 422];
    "revoke-invitation" delete "/v1/spaces/{space_id}/invitations/{invitation_id}" "Take an invitation back"
        [] "" => 204 "" [409];
    "accept-invitation" post "/v1/invitations/accept" "Join a space" [] "AcceptInvitationRequest" => 200 "Space" [404, 409];
    "become-operator" post "/v1/me/operator"
        "Become an operator: without a code one is mailed to the caller (202)" [] "BecomeOperatorRequest" => 200 "Profile" [404, 409];
    "list-users" get "/v1/users" "List and find accounts, for operators"
        ["email", "limit", "cursor"] "" => 200 "Account[]" [];
    "get-user" get "/v1/users/{user_id}" "One account, for operators" [] "" => 200 "Account" [];
    "update-user" patch "/v1/users/{user_id}" "Disable or enable an account, or change its role; for operators"
        [] "UpdateAccountRequest" => 200 "Account" [409];
    "create-notification" post "/v1/notifications" "Write to a user, for operators"
        ["Idempotency-Key"] "CreateNotificationRequest" => 201 "Notification" [409];
    "get-notification" get "/v1/notifications/{notification_id}" "What became of a message, for operators"
        [] "" => 200 "Notification" [];
    "list-tags" get "/v1/tags" "The tags of a space, with how many tasks each has"
        ["space", "limit", "cursor"] "" => 200 "NameCount[]" [404];
    "list-categories" get "/v1/categories" "The categories of a space, with how many tasks each has"
        ["space", "limit", "cursor"] "" => 200 "NameCount[]" [404];
    "get-stats" get "/v1/stats" "How it stands with the tasks of a space"
        ["space", "days"] "" => 200 "Statistics" [404];
    "get-health" get "/v1/health" "Whether the API answers" [] "" => 200 "Health" [];
    "get-openapi" get "/v1/openapi.json" "This document" [] "" => 200 "document" [];
};

/// Makes the document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.describe();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Taskbell",
            "version": "1",
            "description": "Tasks, and reminders that are never lost and never doubled. HEAD is answered wherever GET is, without content.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "access_token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "parameters": parameters::all(),
            "securitySchemes": {
                "access_token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

impl Operation {
    fn describe(&self) -> Value {
        let public = PUBLIC.contains(&self.id);
        let names = self.path.split(['{', '}']).skip(1).step_by(2);
        let member = self.path.contains("/members/");
        let names = names.map(|name| if member && name == "user_id" { "member_id" } else { name });
        let mut parameters: Vec<_> = names.map(parameters::reference).collect();
        parameters.extend(self.parameters.iter().map(|name| parameters::reference(name)));
        let mut statuses = vec![400, 500, 503];
        statuses.extend(self.errors);
        if !public {
            statuses.extend([401, 403]);
        }
        statuses.extend((!UNCOUNTED.contains(&self.id)).then_some(429));
        statuses.extend(self.path.contains('{').then_some(404));
        if !self.body.is_empty() {
            statuses.extend([413, 415, 422]);
        }
        if self
            .parameters
            .iter()
            .any(|name| name.starts_with(char::is_lowercase) || *name == "Idempotency-Key")
        {
            statuses.push(422);
        }
        let mut responses = Map::new();
        let (status, answer) = self.answer;
        responses.insert(status.to_string(), success(answer));
        if self.method == "get" && self.parameters.contains(&"If-None-Match") {
            responses
                .insert("304".to_owned(), json!({ "description": "The client has this version." }));
        }
        if self.id == "become-operator" {
            responses.insert("202".to_owned(), success("Accepted"));
        }
        for status in statuses {
            let page = PAGES.contains(&self.id) && [404, 410].contains(&status);
            let mut described = if page { success("html") } else { failure(status) };
            if page {
                described["description"] =
                    json!("A page: the link is incomplete, expired, or useless.");
            }
            responses.insert(status.to_string(), described);
        }
        let mut described = json!({
            "operationId": format!("{}{}", self.id, if PAGES.contains(&self.id) { format!("-{}", self.method) } else { String::new() }),
            "tags": [self.path.split('/').nth(2).unwrap_or_default()],
            "summary": self.summary,
            "parameters": parameters,
            "responses": responses,
        });
        if public {
            described["security"] = json!([]);
        }
        if !self.body.is_empty() {
            let schema = reference(self.body);
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        described
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn success(answer: &str) -> Value {
    let content = |media: &str, schema: Value| json!({ "description": "Done.", "content": { media: { "schema": schema } } });
    match (answer, answer.strip_suffix("[]")) {
        ("", _) => json!({ "description": "Done." }),
        ("html", _) => content("text/html", json!({ "type": "string" })),
        ("document", _) => content("application/json", json!({ "type": "object" })),
        (_, Some(item)) => content("application/json", reference(&format!("{item}Page"))),
        (name, None) => content("application/json", reference(name)),
    }
}

fn failure(status: u16) -> Value {
    let what = match status {
        400 => "The request cannot be read, or its cursor is not one of this query.",
        401 => "There is no valid token.",
        403 => "The caller's role does not allow it, or the account is disabled.",
        404 => "It is not there, or the caller may not see it.",
        409 => "It cannot be done in the present state; see `code`.",
        412 => {
            "`version_mismatch`: it is not a version in If-Match. `precondition_failed`: it is one in If-None-Match."
        }
        413 => "The body is too large.",
        415 => "The body is not said to be JSON in UTF-8, or is compressed.",
        422 => "It can be read, and is not acceptable; see `errors`.",
        429 => "Too many requests; see Retry-After.",
        500 => "A fault of the service.",
        _ => "It may succeed in a moment; see Retry-After.",
    };
    let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
    let mut described = json!({ "description": what, "content": content });
    if status == 429 {
        let seconds = json!({ "type": "integer", "minimum": 1 });
        described["headers"] =
            json!({ "Retry-After": { "description": "In how many seconds.", "schema": seconds } });
    }
    described
}
