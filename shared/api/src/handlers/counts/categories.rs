//! `GET /v1/categories`: the categories that its tasks are in. One call; one more in a shared space.

use taskbell_domain::{
    counts::{Tallies, Tally},
    ports::CountReads,
    text::Category,
};

use super::names;
use crate::http::{Call, CursorKey, Problem, Reply};

/// Answers with a page of categories by name, each with how many open and completed tasks it has.
///
/// # Errors
/// 400 `invalid_cursor`, 401, 404, 422.
pub async fn handle(call: &Call, store: &impl CountReads, key: &CursorKey) -> Result<Reply, Problem> {
    let parse = |text: &str| Category::parse(text).ok().map(Tally::Category);
    let name = |tally: &Tally| match tally {
        Tally::Category(category) => category.as_str().to_owned(),
        _ => String::new(),
    };
    names(call, store, key, Tallies::Categories, parse, name).await
}
