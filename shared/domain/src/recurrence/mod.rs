//! Recurring tasks: recurrence rules of RFC 5545, expanded in wall time.
//!
//! A rule defines a sequence of wall times that starts at the first due time. Each occurrence has one of them, its
//! *occurrence time*, and keeps it when it is rescheduled. The next occurrence counts from the occurrence time. The sequence
//! can be continued from any of its times, so only the occurrence time and its number are stored. A wall time is resolved to
//! an instant only after it was found, so 09:00 stays 09:00 across a change of clocks. Rules with a frequency below a day and
//! without BYHOUR are an exception: they count elapsed time.
//!
//! Dates that do not exist (the 31st in a short month, 29 February) are skipped (RFC 5545 §3.3.10).

mod auto_complete;
mod day;
mod expansion;
mod rule;
mod series;
mod until;

pub use auto_complete::AutoComplete;
pub use rule::Rule;
pub use series::{RecurrenceFrom, Series};

/// The number of a day of the week. 0 is Monday.
fn weekday_number(text: &str) -> Option<i8> {
    let position = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().position(|day| *day == text)?;
    i8::try_from(position).ok()
}
