//! How a task recurs: a recurrence rule of RFC 5545, expanded on the wall clock.
//!
//! A rule is a grid of wall times that begins at the first due time. Each occurrence has one time of that grid, its
//! *slot*, and keeps it when it is rescheduled; the next occurrence is counted from the slot. Every time of the grid
//! is as good a start as the first one, so nothing but the slot and its number has to be kept. Only when the time is
//! found, it is resolved to an instant in the time zone: 09:00 stays 09:00 on both sides of a clock change. Rules
//! that recur within the day are the exception: without BYHOUR they count elapsed time.
//!
//! A date that does not exist (the 31st in a short month, 29 February) is left out, as RFC 5545, section 3.3.10,
//! says.

mod auto_complete;
mod day;
mod expansion;
mod rule;
mod series;
mod until;

pub use auto_complete::AutoComplete;
pub use rule::Rule;
pub use series::{RecurrenceFrom, Series};

/// The number of a day of the week; 0 is Monday.
fn weekday_number(text: &str) -> Option<i8> {
    let position = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().position(|day| *day == text)?;
    i8::try_from(position).ok()
}
