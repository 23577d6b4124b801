//! `GET /v1/tags`: the tags that its tasks have. One call; one more in a shared space.

use taskbell_domain::{
    counts::{Tallies, Tally},
    ports::CountReads,
    text::Tag,
};

use super::names;
use crate::http::{Call, CursorKey, Problem, Reply};

/// Answers with a page of tags by name, each with how many open and completed tasks it has.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 404, 422.
pub async fn handle(call: &Call, store: &impl CountReads, key: &CursorKey) -> Result<Reply, Problem> {
    let parse = |text: &str| Tag::parse(text).ok().map(Tally::Tag);
    let name = |tally: &Tally| match tally {
        Tally::Tag(tag) => tag.as_str().to_owned(),
        _ => String::new(),
    };
    names(call, store, key, Tallies::Tags, parse, name).await
}
