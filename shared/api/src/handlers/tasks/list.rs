//! `GET /v1/tasks`: a page of tasks. At most two calls; one more in a shared space, and two for what is assigned
//! to the caller in several.

use http::StatusCode;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use taskbell_domain::{
    clock::Clock,
    due::Due,
    id::SpaceId,
    list::{DEFAULT_PAGE_LIMIT, Position, Scope, Sort, SortBy, TaskFilter, TaskQuery},
    policy::Action,
    ports::{Profiles, TaskReads},
    task::{Priority, Status},
    text::{Category, Needle, Tag},
    user::User,
    violation::Violation,
    zone::Zone,
};

use super::{require, view::TaskView};
use crate::{
    handlers::access::keep_visible,
    http::{Call, Cursor, Params, Problem, Reply, read},
};

/// Answers with `items` and `next_cursor`. With a filter that no index serves, a page can be short of its
/// limit, or empty, and still have a next one.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 422.
pub async fn handle(
    call: &Call,
    tasks: &(impl TaskReads + Profiles),
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let space = params.optional("space", read::id);
    let assigned_to = params.optional("assigned_to", |text| match text {
        "me" => Ok(caller.user),
        id => read::id(id),
    });
    let overdue = params.optional("overdue", only_true).is_some();
    let days = params.optional("due", Days::parse);
    let mut filter = TaskFilter {
        space: None,
        assigned_to,
        open: overdue,
        words: params.optional("q", Needle::parse),
        status: params.optional("status", Status::parse),
        priority: params.optional("priority", Priority::parse),
        category: params.optional("category", Category::parse),
        tag: params.optional("tag", Tag::parse),
        due_before: params.optional("due_before", instant),
        due_after: params.optional("due_after", instant),
    };
    let mine = space.is_none() && assigned_to == Some(caller.user);
    let sort = params.optional("sort", |text| match Sort::parse(text)? {
        sort if mine && sort.by != SortBy::Due => {
            let why = "Across spaces it can be due or -due only: give space, too.";
            Err(Violation::new("unsupported", why))
        }
        sort => Ok(sort),
    });
    let sort = sort.unwrap_or(Sort::DEFAULT);
    let limit = params.optional("limit", read::page_limit).unwrap_or(DEFAULT_PAGE_LIMIT);
    let cursor = params.optional("cursor", |text| Ok(text.to_owned()));
    params.finish()?;

    if overdue {
        filter.until(now);
    }
    if let Some(days) = days {
        let user = tasks.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
        let (start, end) = days.bounds(&user, now);
        filter.since(start);
        filter.until(end);
    }
    let scope = if mine {
        Scope::AssignedTo(caller.user)
    } else {
        let space = space.unwrap_or(SpaceId::personal(caller.user));
        require(tasks, caller, space, Action::ReadTasks).await?;
        Scope::Space(space)
    };
    let mut query = TaskQuery { scope, filter, sort, limit, after: None };
    // Bound to what was asked, not to what it means at the moment: being overdue changes from page to page.
    let mut asked = call.query();
    asked.retain(|(name, _)| !["limit", "cursor"].contains(name));
    asked.sort();
    let cursors = Cursor::new(caller.user, &asked);
    query.after = cursors.read(cursor.as_deref(), |place| {
        let place = Position(place.to_owned());
        place.task().is_some().then_some(place)
    })?;
    let mut page = tasks.list(&query).await?;
    if mine {
        keep_visible(tasks, caller.user, &mut page.items).await?;
    }
    let items: Vec<_> = page.items.iter().map(TaskView::from).collect();
    let next_cursor = page.next.map(|place| cursors.write(&place.0));
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": next_cursor }))
}

/// The days of the caller in which something can be asked to be due.
#[derive(Debug, Clone, Copy)]
enum Days {
    /// This day.
    Today,
    /// This day and the six that follow.
    Week,
}

impl Days {
    fn parse(text: &str) -> Result<Self, Violation> {
        match text {
            "today" => Ok(Self::Today),
            "week" => Ok(Self::Week),
            _ => Err(Violation::new("unknown_value", "It must be one of today, week.")),
        }
    }

    /// From the beginning of the first day to that of the one behind the last.
    fn bounds(self, user: &User, now: Timestamp) -> (Timestamp, Timestamp) {
        let days = match self {
            Self::Today => 1,
            Self::Week => 7,
        };
        let today = user.local_date(now);
        (user.start_of(today), user.start_of(today.saturating_add(days.days())))
    }
}

fn only_true(text: &str) -> Result<(), Violation> {
    let why = "It must be true; leave it out for all tasks.";
    (text == "true").then_some(()).ok_or_else(|| Violation::new("unknown_value", why))
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
