//! `GET /v1/categories`: the categories that its tasks are in. One call; one more in a shared space.

use taskbell_domain::{
    ports::StatisticsReads,
    statistics::{CounterGroup, CounterGroups},
    text::Category,
};

use super::names;
use crate::http::{Call, CursorKey, Problem, Reply};

/// Answers with a page of categories by name, each with how many open and completed tasks it has.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 404, 422.
pub async fn handle(
    call: &Call,
    store: &impl StatisticsReads,
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let parse = |text: &str| Category::parse(text).ok().map(CounterGroup::Category);
    let name = |group: &CounterGroup| match group {
        CounterGroup::Category(category) => category.as_str().to_owned(),
        _ => String::new(),
    };
    names(call, store, key, CounterGroups::Categories, parse, name).await
}
