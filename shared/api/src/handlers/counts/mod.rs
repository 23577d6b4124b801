//! What is counted of the tasks of a space. It lags behind the latest changes by moments.

pub mod categories;
pub mod stats;
pub mod tags;

use http::StatusCode;
use serde_json::{Value, json};
use taskbell_domain::{
    counts::{Number, Tallies, Tally, number},
    id::SpaceId,
    list::DEFAULT_PAGE_LIMIT,
    policy::Action,
    ports::CountReads,
};

use super::access::require;
use crate::http::{Call, Cursor, Params, Problem, Reply, read};

/// Answers with a page of the names that tasks of a space have, with how many each.
async fn names(
    call: &Call,
    store: &impl CountReads,
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
    let cursors = Cursor::new(caller.user, &(of, space));
    let after = cursors.read(cursor.as_deref(), parse)?;
    require(store, caller, space, Action::ReadTasks).await?;
    let page = store.tallies(space, of, after, Some(limit)).await?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|(tally, numbers)| {
            let (all, open) = (number(numbers, Number::All), number(numbers, Number::Open));
            json!({ "name": name(tally), "open": open, "completed": all - open })
        })
        .collect();
    let next_cursor = page.next.map(|tally| cursors.write(&name(&tally)));
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": next_cursor }))
}
