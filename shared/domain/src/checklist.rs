//! The checklist of a task: small steps that have no life of their own.

use crate::{
    clock::{Clock, Random},
    id::ItemId,
    text::ItemTitle,
    violation::{FieldError, Violation},
};

/// The most items of a checklist.
pub const MAX_ITEMS: usize = 100;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItem {
    /// Names it, for as long as it is in the list.
    pub id: ItemId,
    /// What is to be done.
    pub title: ItemTitle,
    /// Whether it is done.
    pub done: bool,
}

/// A step as somebody wants it: one that is there already, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItemInput {
    /// Which one it is; none for a new one.
    pub id: Option<ItemId>,
    /// What is to be done.
    pub title: ItemTitle,
    /// Whether it is done.
    pub done: bool,
}

/// Makes the wanted list of the present one: in the wanted order, with the ids of those that are there.
///
/// # Errors
/// A [`FieldError`] at `checklist[n].id`: `unknown_item`, or `duplicate`.
pub fn merge_checklist(
    present: &[ChecklistItem],
    wanted: Vec<ChecklistItemInput>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Vec<ChecklistItem>, FieldError> {
    let mut list: Vec<ChecklistItem> = Vec::with_capacity(wanted.len());
    for (index, ChecklistItemInput { id, title, done }) in wanted.into_iter().enumerate() {
        if let Some(id) = id {
            let refuse =
                |code, why: &str| Err(Violation::new(code, why).at(format!("checklist[{index}].id")));
            if !present.iter().any(|item| item.id == id) {
                return refuse(
                    "unknown_item",
                    "The task has no such item: leave the id out for a new one.",
                );
            }
            if list.iter().any(|item| item.id == id) {
                return refuse("duplicate", "The item is in the list before.");
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
