//! Lists tasks by page.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan};
use taskbell_domain::{
    api_token::ApiScope,
    due_days::DueDays,
    list::{Position, Scope, Sort, SortBy, TaskFilter, TaskQuery},
    policy::Action,
    ports::{Profiles, TaskReads},
    search::SearchTerm,
    task::{Priority, Status},
    text::{Category, Tag},
    user::User,
    violation::Violation,
};

use super::{require, view::TaskView};
use crate::{
    access::{retain_accessible, while_checked},
    endpoint::{self, Access, Body, Endpoint, Operation, Programs, RequestLimit},
    http::{Call, Cursor, CursorKey, Params, Problem, Reply, page, read},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-tasks",
    tag: endpoint::Tag::Tasks,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/tasks",
    operations: &[Operation {
        method: "GET",
        summary: "List tasks",
        description: "Returns one page of the tasks of a space, filtered and sorted. With `assigned_to=me` and no `space`, returns the caller's tasks in all spaces. A filtered page can hold fewer items than `limit` and still have a `next_cursor`.",
        parameters: &[
            "space",
            "assigned_to",
            "status",
            "priority",
            "category",
            "tag",
            "q",
            "overdue",
            "due",
            "due_before",
            "due_after",
            "sort",
            "limit",
            "cursor",
        ],
        request: None,
        responses: &[(200, Body::Page("Task"))],
        errors: &["not_found"],
    }],
};

/// Responds with `items` and `next_cursor`. With a filter that no index supports, a page can have fewer items than the
/// limit, or none, and still have a `next_cursor`.
pub async fn handle(
    call: &Call<'_>,
    tasks: &(impl TaskReads + Profiles),
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let now = call.now();
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
        search: params.optional("q", SearchTerm::parse),
        status: params.optional("status", Status::parse),
        priority: params.optional("priority", Priority::parse),
        category: params.optional("category", Category::parse),
        tag: params.optional("tag", Tag::parse),
        due_before: params.optional("due_before", read::instant),
        due_after: params.optional("due_after", read::instant),
        due_days: None,
    };
    let mine = space.is_none() && assigned_to == Some(caller.user);
    let sort = params.optional("sort", |text| match Sort::parse(text)? {
        sort if mine && sort.by != SortBy::Due => {
            let why = "Across spaces, only due and -due are supported: give space for another order.";
            Err(Violation::new("unsupported", why))
        }
        sort => Ok(sort),
    });
    let sort = sort.unwrap_or(Sort::DEFAULT);
    let (limit, cursor) = params.page();
    params.finish()?;

    let mut asked = call.query();
    asked.retain(|(name, _)| !["limit", "cursor"].contains(name));
    asked.sort();
    let cursors = Cursor::new(key, caller, &asked);
    let begun = cursors.read(cursor.as_deref(), Begun::parse)?;
    if let Some(begun) = &begun {
        (filter.due_after, filter.due_before) = (begun.due_after, begun.due_before);
        filter.due_days = begun.due_days;
    } else if overdue || days.is_some() {
        let user = tasks.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
        if overdue {
            filter.due_on(user.overdue_at(now));
        }
        if let Some(days) = days {
            filter.due_on(days.of(&user, now));
        }
    }
    let scope = match mine {
        true => Scope::AssignedTo(caller.user),
        false => Scope::Space(space.unwrap_or(caller.default_space())),
    };
    if mine {
        filter.space = caller.confined_to();
    }
    let permission = async {
        match scope {
            Scope::AssignedTo(_) => Ok(()),
            Scope::Space(space) => require(tasks, caller, space, Action::ReadTasks).await.map(drop),
        }
    };
    let after = begun.map(|begun| begun.after);
    let query = TaskQuery { scope, filter, sort, limit, after };
    let ((), mut found) = while_checked(permission, tasks.list(&query)).await?;
    if mine {
        retain_accessible(tasks, caller.user, &mut found.items).await?;
    }
    let TaskFilter { due_after, due_before, due_days, .. } = query.filter;
    let begun = |after| Begun { due_after, due_before, due_days, after }.to_string();
    let place = |task| begun(query.position(task));
    page(&cursors, &found.items, found.next.map(begun), place, TaskView::from)
}

/// A list after its first page. It keeps the due range of the first page, even if the date or the user's time zone
/// changes.
struct Begun {
    due_after: Option<Timestamp>,
    due_before: Option<Timestamp>,
    due_days: Option<DueDays>,
    after: Position,
}

impl Begun {
    fn parse(place: &str) -> Option<Self> {
        let mut parts = place.splitn(7, ' ');
        let (due_after, due_before) = (part(&mut parts)?, part(&mut parts)?);
        let (first_day, end_day) = (part(&mut parts)?, part(&mut parts)?);
        let (first, end) = (part(&mut parts)?, part(&mut parts)?);
        let days = end_day.zip(end);
        let due_days =
            days.map(|(end_day, end)| DueDays { days: (first_day, end_day), instants: (first, end) });
        Some(Self { due_after, due_before, due_days, after: parts.next()?.parse().ok()? })
    }
}

/// A local date or time. The inner `None` is an open bound.
fn part<'a, T: FromStr>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Option<T>> {
    match parts.next()? {
        NONE => Some(None),
        text => text.parse().ok().map(Some),
    }
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn shown(part: Option<impl fmt::Display>) -> String {
            part.map_or_else(|| NONE.to_owned(), |part| part.to_string())
        }
        let days = self.due_days.map(|days| (days.days, days.instants));
        let ((first_day, end_day), (first, end)) = days.map_or(((None, None), (None, None)), |days| {
            let ((first_day, end_day), (first, end)) = days;
            ((first_day, Some(end_day)), (first, Some(end)))
        });
        write!(f, "{} {} ", shown(self.due_after), shown(self.due_before))?;
        write!(f, "{} {} ", shown(first_day), shown(end_day))?;
        write!(f, "{} {} {}", shown(first), shown(end), self.after)
    }
}

/// Marks an open bound.
const NONE: &str = "-";

/// A range of days in the caller's time zone.
#[derive(Debug, Clone, Copy)]
enum Days {
    /// Today.
    Today,
    /// Today and the six days after it.
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

    fn of(self, user: &User, now: Timestamp) -> DueDays {
        let days = match self {
            Self::Today => 1,
            Self::Week => 7,
        };
        let today = user.local_date(now);
        user.due_between(today, today.saturating_add(days.days()))
    }
}

fn only_true(text: &str) -> Result<(), Violation> {
    let why = "It must be true: omit it for all tasks.";
    (text == "true").then_some(()).ok_or_else(|| Violation::new("unknown_value", why))
}
