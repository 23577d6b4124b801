//! Returns the statistics of a space. No task is read.

use std::{collections::BTreeMap, ops::RangeInclusive};

use http::StatusCode;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use taskbell_domain::{
    api_token::ApiScope,
    id::SpaceId,
    policy::Action,
    ports::{PortError, Profiles, StatisticsReads},
    statistics::{
        Counter, CounterGroup, CounterGroups, Counters, completed_by_day, counter_value,
        median_seconds, overdue,
    },
};

use crate::{
    access::{require, while_checked},
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, read},
};

/// The maximum number of days.
pub(crate) const DAYS: RangeInclusive<i32> = 1..=92;

/// The default number of days.
pub(crate) const DEFAULT_DAYS: i32 = 30;

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-stats",
    tag: Tag::Statistics,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/stats",
    operations: &[Operation {
        method: "GET",
        summary: "Get statistics",
        description: "Returns the numbers of open, overdue and completed tasks of a space, and of completions by day and week in the caller's time zone. The numbers follow changes within seconds.",
        parameters: &["space", "days"],
        request: None,
        responses: &[(200, Body::Json("Statistics"))],
        errors: &["not_found"],
    }],
};

/// Responds with current totals, and with completions by day up to today in the caller's time zone. Overdue counts have
/// a resolution of 15 minutes: tasks due in the current quarter-hour are not included.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl StatisticsReads + Profiles),
) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let space = params.optional("space", read::id).unwrap_or(caller.default_space());
    let days = params.optional("days", read::within(DAYS)).unwrap_or(DEFAULT_DAYS);
    params.finish()?;

    let utc = now.to_zoned(TimeZone::UTC).date();
    // The first day in the time zone can begin on the previous day in UTC.
    let since = utc.saturating_sub(days.days()).saturating_sub(1.day());
    let reads = async {
        futures_util::try_join!(
            store.user(caller.user),
            store.counters(space),
            counters_of(store, space, CounterGroups::DueUntil(utc)),
            counters_of(store, space, CounterGroups::CompletedSince(since)),
        )
    };
    let permission = require(store, caller, space, Action::ReadTasks);
    let (_, (user, tasks, due, completed)) = while_checked(permission, reads).await?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    let today = user.local_date(now);
    let first = today.saturating_sub((days - 1).days());
    let window = first..=today;
    // Statistics are stored by UTC day. The median uses the UTC days that begin within the period.
    let whole = completed.partition_point(|(day, _)| *day < first);
    let by_day = completed_by_day(&completed, &user.time_zone, window);

    let (all, open) = (counter_value(&tasks, Counter::All), counter_value(&tasks, Counter::Open));
    let in_progress = counter_value(&tasks, Counter::InProgress);
    let rate = (all > 0).then(|| ((all - open) as f64 / all as f64 * 1_000.0).round() / 1_000.0);
    let mut by_week: BTreeMap<Date, i64> = BTreeMap::new();
    for (day, completed) in &by_day {
        let monday = day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days());
        *by_week.entry(monday).or_default() += completed;
    }
    Reply::json(
        StatusCode::OK,
        &json!({
            "open": open,
            "pending": open - in_progress,
            "in_progress": in_progress,
            "completed": all - open,
            "overdue": overdue(&due, now),
            "completion_rate": rate,
            "median_seconds_to_complete": median_seconds(&completed[whole..]),
            "completed_by_day": rows("date", by_day),
            "completed_by_week": rows("week_of", by_week),
        }),
    )
}

/// Statistics by day, earliest first. There is at most one group per day, independent of the number of tasks.
async fn counters_of(
    store: &impl StatisticsReads,
    space: SpaceId,
    of: CounterGroups,
) -> Result<Vec<(Date, Counters)>, PortError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.counter_groups(space, of, after, None).await?;
        all.extend(page.items.into_iter().filter_map(|(group, counters)| match group {
            CounterGroup::Due(day) | CounterGroup::Completed(day) => Some((day, counters)),
            _ => None,
        }));
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn rows(name: &str, counters: impl IntoIterator<Item = (Date, i64)>) -> Vec<Value> {
    let row = |(day, completed): (Date, i64)| json!({ name: day.to_string(), "completed": completed });
    counters.into_iter().map(row).collect()
}
