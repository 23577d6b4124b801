//! What is counted of the tasks of a space. It lags behind the latest changes by moments.

pub mod categories;
pub mod stats;
pub mod tags;

use serde_json::json;
use taskbell_domain::{
    counts::{Number, Numbers, Tallies, Tally, number},
    id::SpaceId,
    list::DEFAULT_PAGE_LIMIT,
    policy::Action,
    ports::CountReads,
};

use super::access::require;
use crate::http::{Call, Cursor, CursorKey, Params, Problem, Reply, page, read};

/// Answers with a page of the names that tasks of a space have, with how many each.
async fn names(
    call: &Call,
    store: &impl CountReads,
    key: &CursorKey,
    of: Tallies,
    parse: impl Fn(&str) -> Option<Tally>,
    name: impl Fn(&Tally) -> String,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let space = params.optional("space", read::id).unwrap_or(SpaceId::personal(caller.user));
    let limit = params.optional("limit", read::page_limit).unwrap_or(DEFAULT_PAGE_LIMIT);
    let cursor = params.optional("cursor", |text| Ok(text.to_owned()));
    params.finish()?;
    let cursors = Cursor::new(key, caller.user, &(of, space));
    let after = cursors.read(cursor.as_deref(), parse)?;
    require(store, caller, space, Action::ReadTasks).await?;
    let found = store.tallies(space, of, after, Some(limit)).await?;
    let next = found.next.map(|tally| name(&tally));
    let view = |(tally, numbers): &(Tally, Numbers)| {
        let (all, open) = (number(numbers, Number::All), number(numbers, Number::Open));
        json!({ "name": name(tally), "open": open, "completed": all - open })
    };
    page(&cursors, &found.items, next, |(tally, _)| name(tally), view)
}
