//! Path, query and header parameters.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Value, json};
use taskbell_domain::{
    import::MAX_TASKS,
    list::{DEFAULT_PAGE_LIMIT, PAGE_LIMITS},
};

use crate::handlers::statistics::get_stats::{DAYS, DEFAULT_DAYS};

/// The OpenAPI description of a parameter. `user_id` of a member is the component `member_id`, because its value can be
/// `me`.
pub(super) fn parameter(name: &str) -> Value {
    let (schema, example) = schema(name);
    let place = place(name);
    let mut described = json!({
        "name": if name == "member_id" { "user_id" } else { name },
        "in": place,
        "required": place == "path" || name == "name",
        "description": description(name),
        "schema": schema,
    });
    if !example.is_null() {
        described["example"] = example;
    }
    described
}

fn place(name: &str) -> &'static str {
    match name {
        "token" => "path",
        _ if name.ends_with("_id") => "path",
        _ if name.starts_with(char::is_uppercase) => "header",
        _ => "query",
    }
}

fn description(name: &str) -> &'static str {
    match name {
        "task_id" => "Identifier of the task.",
        "space_id" => "Identifier of the space.",
        "user_id" => "Identifier of the account.",
        "member_id" => "Account of the member, or `me` for the caller.",
        "comment_id" => "Identifier of the comment.",
        "token_id" => "Identifier of the API token.",
        "session_id" => "Identifier of the session.",
        "notification_id" => "Identifier of the notification.",
        "invitation_id" => "Identifier of the invitation.",
        "token" => "Signed token of the link.",
        "space" => "Identifier of the space. The caller's personal space if absent.",
        "assigned_to" => {
            "Only tasks assigned to this account, or to the caller with `me`. `me` without `space` selects tasks of all \
             spaces, which can be sorted by due time only."
        }
        "status" => "Only tasks with this status.",
        "priority" => "Only tasks with this priority.",
        "category" => "Only tasks in this category.",
        "tag" => "Only tasks with this tag. Case is ignored.",
        "q" => {
            "Only tasks with this text in the title or the description. Case and accents are ignored. Line breaks are \
             not allowed."
        }
        "overdue" => "Only open tasks that are due before now.",
        "due" => {
            "Only tasks due today (`today`), or today and in the next six days (`week`), in the caller's time zone."
        }
        "due_before" => {
            "Only tasks due before this time: an instant, or a time in a time zone. Encode `+` as `%2B`."
        }
        "due_after" => {
            "Only tasks due at this time or later: an instant, or a time in a time zone. Encode `+` as `%2B`."
        }
        "sort" => "Order of the tasks. A minus reverses it.",
        "limit" => "Maximum number of items on the page.",
        "format" => {
            "Format of the data: `ndjson`, lines of JSON with everything, or `csv`, the tasks only. `ndjson` if absent."
        }
        "source" => "Program that wrote the data. `taskbell` if absent: lines of an export.",
        "skip" => "Number of tasks of the file to skip, which earlier requests have imported.",
        "from" => {
            "Space of the export whose lines are imported. That of its first task or comment if absent."
        }
        "dry_run" => "Whether only to check the lines, and store nothing. False if absent.",
        "cursor" => "`next_cursor` of the previous page of the same query. The first page if absent.",
        "email" => "Only accounts whose email address starts with this text. Case is ignored.",
        "days" => "Number of days, up to and including today, for which completed tasks are reported.",
        "name" => "Current name of the space, as confirmation.",
        "Idempotency-Key" => {
            "A unique value chosen by the client. A request that repeats it within 24 hours with the same body is not \
             executed again; the response has the header `Idempotent-Replayed`."
        }
        "If-Match" => {
            "Entity tags of the versions that the request applies to, or `*`. For any other version the response is 412."
        }
        "If-None-Match" => {
            "Entity tags of versions that the client has, or `*`. For one of them the response is 304 to a GET \
             request, and 412 to any other."
        }
        _ => "",
    }
}

/// The schema and an example. The example is null if valid values depend on the caller.
fn schema(name: &str) -> (Value, Value) {
    let (schema, example) = match name {
        "task_id" => id("tsk"),
        "space_id" | "space" | "from" => id("spc"),
        "format" => (word(&["ndjson", "csv"]), "ndjson".to_owned()),
        "source" => (
            word(&[
                "taskbell",
                "todoist_csv",
                "todoist_json",
                "microsoft_todo",
                "google_tasks",
                "ticktick_csv",
            ]),
            "taskbell".to_owned(),
        ),
        "dry_run" => (word(&["true", "false"]), "true".to_owned()),
        "user_id" => id("usr"),
        "comment_id" => id("cmt"),
        "token_id" => id("tok"),
        "session_id" => id("ses"),
        "notification_id" => id("ntc"),
        "member_id" => {
            (pattern(&format!("^(me|usr_{ULID})$")), "usr_01JQ0000000000000000000000".to_owned())
        }
        "invitation_id" => (pattern("^[0-9A-Fa-f]{64}$"), "0".repeat(64)),
        "assigned_to" => (pattern(&format!("^(me|usr_{ULID})$")), "me".to_owned()),
        "status" => (super::reference("TaskStatus"), "pending".to_owned()),
        "priority" => (super::reference("TaskPriority"), "high".to_owned()),
        "category" => (length(1, 100), "Tower".to_owned()),
        "tag" => (length(1, 100), "weekly".to_owned()),
        "q" => (length(1, 100), "bell".to_owned()),
        "overdue" => (word(&["true"]), "true".to_owned()),
        "due" => (word(&["today", "week"]), "today".to_owned()),
        "due_before" => (pattern(TIME), "2026-03-09T00:00:00Z".to_owned()),
        "due_after" => (pattern(TIME), "2026-03-01T00:00:00Z".to_owned()),
        "sort" => (word(SORTS), "-due".to_owned()),
        "email" => (length(0, 254), "ada@".to_owned()),
        "name" => (length(1, 100), "Bell tower".to_owned()),
        "Idempotency-Key" => {
            let mut key = length(1, 255);
            key["pattern"] = json!("^[\\t -~]+$");
            (key, "0195b2c4-7d1e-7a60-9f3c-2b8e6d5a4c10".to_owned())
        }
        "If-Match" | "If-None-Match" => (pattern(ENTITY_TAGS), "\"3\"".to_owned()),
        "limit" => return (integer(PAGE_LIMITS, DEFAULT_PAGE_LIMIT), json!(20)),
        "days" => return (integer(DAYS, DEFAULT_DAYS), json!(30)),
        "skip" => {
            return (
                json!({ "type": "integer", "minimum": 0, "maximum": MAX_TASKS, "default": 0 }),
                json!(0),
            );
        }
        _ => return (json!({ "type": "string" }), Value::Null),
    };
    (schema, example.into())
}

const ULID: &str = "[0-7][0-9A-HJKMNP-TV-Z]{25}";
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*$";
const ENTITY_TAGS: &str = r#"^[ \t]*(\*|((W/)?"[!#-~]*")?([ \t]*,[ \t]*((W/)?"[!#-~]*")?)*)[ \t]*$"#;
const SORTS: &[&str] = &[
    "due",
    "-due",
    "created",
    "-created",
    "updated",
    "-updated",
    "priority",
    "-priority",
    "title",
    "-title",
];

fn id(prefix: &str) -> (Value, String) {
    (pattern(&format!("^{prefix}_{ULID}$")), format!("{prefix}_01JQ0000000000000000000000"))
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn length(min: u16, max: u16) -> Value {
    match min {
        0 => json!({ "type": "string", "maxLength": max }),
        _ => json!({ "type": "string", "minLength": min, "maxLength": max }),
    }
}

fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn integer<N: Serialize>(range: RangeInclusive<N>, default: N) -> Value {
    let (min, max) = (range.start(), range.end());
    json!({ "type": "integer", "minimum": min, "maximum": max, "default": default })
}
