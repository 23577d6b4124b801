//! Statistics about the tasks of a space. They follow changes within seconds.

pub mod get_stats;
pub mod list_categories;
pub mod list_tags;

use serde_json::json;
use taskbell_domain::{
    policy::Action,
    ports::StatisticsReads,
    statistics::{Counter, CounterGroup, CounterGroups, Counters, counter_value},
};

use crate::access::require;
use crate::http::{Call, Cursor, CursorKey, Params, Problem, Reply, page, read};

/// Responds with a page of names and their numbers of open and completed tasks.
async fn names(
    call: &Call<'_>,
    store: &impl StatisticsReads,
    key: &CursorKey,
    of: CounterGroups,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let space = params.optional("space", read::id).unwrap_or(caller.default_space());
    let (limit, cursor) = params.page();
    params.finish()?;
    let cursors = Cursor::new(key, caller, &(of, space));
    let after = cursors.read(cursor.as_deref(), |name| of.named(name))?;
    require(store, caller, space, Action::ReadTasks).await?;
    let found = store.counter_groups(space, of, after, Some(limit)).await?;
    let name = |group: &CounterGroup| group.name().unwrap_or_default().to_owned();
    let next = found.next.as_ref().map(name);
    let view = |(group, counters): &(CounterGroup, Counters)| {
        let (all, open) =
            (counter_value(counters, Counter::All), counter_value(counters, Counter::Open));
        json!({ "name": name(group), "open": open, "completed": all - open })
    };
    page(&cursors, &found.items, next, |(group, _)| name(group), view)
}
