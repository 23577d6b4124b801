//! `GET /v1/tasks`: a page of tasks. At most two calls.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use taskbell_domain::{
    clock::Clock,
    due::Due,
    id::SpaceId,
    list::{DEFAULT_PAGE_LIMIT, PAGE_LIMITS, Sort, TaskFilter, TaskQuery},
    ports::TaskReads,
    task::{Priority, Status},
    text::{Category, Tag},
    violation::Violation,
    zone::Zone,
};

use super::view::TaskView;
use crate::{
    http::{Call, Cursor, Params, Problem, Reply, authenticate},
    tokens::Verifier,
};

/// Answers with `items` and `next_cursor`. With a filter that no index serves, a page can be short of its
/// limit, or empty, and still have a next one.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 422.
pub async fn handle(
    call: &Call,
    tasks: &impl TaskReads,
    verifier: &Verifier,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let caller = authenticate(call, verifier, clock.now())?;
    let mut params = Params::of(call);
    let filter = TaskFilter {
        status: params.optional("status", Status::parse),
        priority: params.optional("priority", Priority::parse),
        category: params.optional("category", Category::parse),
        tag: params.optional("tag", Tag::parse),
        due_before: params.optional("due_before", instant),
        due_after: params.optional("due_after", instant),
    };
    let sort = params.optional("sort", Sort::parse).unwrap_or(Sort::DEFAULT);
    let limit = params.optional("limit", limit).unwrap_or(DEFAULT_PAGE_LIMIT);
    let cursor = params.optional("cursor", |text| Ok(text.to_owned()));
    params.finish()?;

    let space = SpaceId::personal(caller.user);
    let mut query = TaskQuery { space, filter, sort, limit, after: None };
    let cursors = Cursor::new(caller.user, &query);
    query.after = cursor
        .map(|text| cursors.read(&text))
        .transpose()
        .map_err(|violation| Problem::malformed(violation.code, violation.message))?;
    let page = tasks.list(&query).await?;
    let items: Vec<_> = page.items.iter().map(TaskView::from).collect();
    let next_cursor = page.next.map(|place| cursors.write(&place));
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": next_cursor }))
}

/// An instant, or a zoned time. A date alone is not one: its day begins at another instant in every zone.
fn instant(text: &str) -> Result<Timestamp, Violation> {
    let no_instant = || {
        let why =
            "Give an instant (2026-03-01T08:00:00Z) or a time in a zone; a + in it is written %2B.";
        Violation::new("invalid_time", why)
    };
    match Due::parse(text) {
        Ok(Due::Date(_)) => Err(no_instant()),
        Ok(time) => Ok(time.at(&Zone::utc())),
        Err(violation) if violation.code == "invalid_time" => Err(no_instant()),
        Err(violation) => Err(violation),
    }
}

fn limit(text: &str) -> Result<u8, Violation> {
    text.parse().ok().filter(|limit| PAGE_LIMITS.contains(limit)).ok_or_else(|| {
        let (min, max) = (PAGE_LIMITS.start(), PAGE_LIMITS.end());
        Violation::new("out_of_range", format!("It must be a whole number from {min} to {max}."))
    })
}
