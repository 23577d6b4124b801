//! Pages of lists, limited by number of items and by size.

use http::StatusCode;
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{Cursor, Problem, Reply};

/// The maximum size of the items of a page as JSON, in bytes. The first item may exceed it.
pub const MAX_PAGE: usize = 1_000_000;

#[derive(Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Responds with a list that is not paged.
///
/// # Errors
/// [`Problem::internal`] if an item cannot be serialized.
pub fn whole_list(items: &[impl Serialize]) -> Result<Reply, Problem> {
    Reply::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null }))
}

/// Builds a page from what a store returned, as far as the size limit allows. `next` is the position at which the store
/// continues, `position` that of an item: a page cut short continues after its last item.
///
/// # Errors
/// [`Problem::internal`] if an item cannot be serialized.
pub fn page<'a, T, V: Serialize>(
    cursors: &Cursor<'_>,
    found: &'a [T],
    next: Option<String>,
    position: impl Fn(&'a T) -> String,
    view: impl Fn(&'a T) -> V,
) -> Result<Reply, Problem> {
    let (mut items, mut bytes, mut next) = (Vec::with_capacity(found.len()), 0, next);
    for (index, item) in found.iter().enumerate() {
        let json = serde_json::value::to_raw_value(&view(item)).map_err(|_| Problem::internal())?;
        bytes += json.get().len() + 1;
        if let (true, Some(last)) = (bytes > MAX_PAGE, index.checked_sub(1)) {
            next = Some(position(&found[last]));
            break;
        }
        items.push(json);
    }
    let next_cursor = next.map(|position| cursors.write(&position));
    Reply::json(StatusCode::OK, &Page { items, next_cursor })
}
