//! Pages of lists, which end by count or by size.

use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Cursor, Problem, Reply};

/// The most bytes that the items of a page take as JSON; the first one may take more.
pub const MAX_PAGE: usize = 1_000_000;

#[derive(Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Answers with what a store has found, or as much of it as a page holds. `next` is the place at which the store
/// goes on, `place` that of an item: where the page ends earlier, the next one goes on behind its last item.
///
/// # Errors
/// [`Problem::internal`] if an item cannot be written as JSON.
pub fn page<'a, T, V: Serialize>(
    cursors: &Cursor<'_>,
    found: &'a [T],
    next: Option<String>,
    place: impl Fn(&'a T) -> String,
    view: impl Fn(&'a T) -> V,
) -> Result<Reply, Problem> {
    let (mut items, mut bytes, mut next) = (Vec::with_capacity(found.len()), 0, next);
    for (index, item) in found.iter().enumerate() {
        let json = serde_json::value::to_raw_value(&view(item)).map_err(|_| Problem::internal())?;
        bytes += json.get().len() + 1;
        if let (true, Some(last)) = (bytes > MAX_PAGE, index.checked_sub(1)) {
            next = Some(place(&found[last]));
            break;
        }
        items.push(json);
    }
    let next_cursor = next.map(|place| cursors.write(&place));
    Reply::json(StatusCode::OK, &Page { items, next_cursor })
}
