//! The checklist of a task.

use crate::{
    clock::{Clock, Random},
    id::ItemId,
    text::ItemTitle,
    violation::{FieldError, Violation},
};

/// The maximum number of items of a checklist.
pub const MAX_ITEMS: usize = 100;

/// An item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItem {
    /// Its id.
    pub id: ItemId,
    /// Its title.
    pub title: ItemTitle,
    /// Whether it is done.
    pub done: bool,
}

/// A requested item: an existing one, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItemInput {
    /// The id of an existing item. `None` for a new one.
    pub id: Option<ItemId>,
    /// Its title.
    pub title: ItemTitle,
    /// Whether it is done.
    pub done: bool,
}

/// The requested list. Existing items keep their ids, and new ones get one.
///
/// # Errors
/// A [`FieldError`] at `checklist[n].id`: `unknown_item`, or `duplicate`.
pub fn merge_checklist(
    current: &[ChecklistItem],
    wanted: Vec<ChecklistItemInput>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Vec<ChecklistItem>, FieldError> {
    let mut list: Vec<ChecklistItem> = Vec::with_capacity(wanted.len());
    for (index, ChecklistItemInput { id, title, done }) in wanted.into_iter().enumerate() {
        if let Some(id) = id {
            let refuse = |code, why: &str| {
                Err(Violation::new(code, why).for_field(format!("checklist[{index}].id")))
            };
            if !current.iter().any(|item| item.id == id) {
                return refuse("unknown_item", "Unknown item: leave the id out to add a new item.");
            }
            if list.iter().any(|item| item.id == id) {
                return refuse("duplicate", "Duplicate item: each id can be used only once.");
            }
        }
        list.push(ChecklistItem {
            id: id.unwrap_or_else(|| ItemId::generate(clock, random)),
            title,
            done,
        });
    }
    Ok(list)
}
