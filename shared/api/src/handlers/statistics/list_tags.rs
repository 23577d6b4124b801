//! `GET /v1/tags`: the tags that its tasks have. One call; one more in a shared space.

use taskbell_domain::{
    ports::StatisticsReads,
    statistics::{CounterGroup, CounterGroups},
    text::Tag,
};

use super::names;
use crate::http::{Call, CursorKey, Problem, Reply};

/// Answers with a page of tags by name, each with how many open and completed tasks it has.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 404, 422.
pub async fn handle(
    call: &Call,
    store: &impl StatisticsReads,
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let parse = |text: &str| Tag::parse(text).ok().map(CounterGroup::Tag);
    let name = |group: &CounterGroup| match group {
        CounterGroup::Tag(tag) => tag.as_str().to_owned(),
        _ => String::new(),
    };
    names(call, store, key, CounterGroups::Tags, parse, name).await
}
