//! Export and import.

pub mod export_data;
mod foreign;
pub mod import_data;
mod import_lines;
mod import_request;

use taskbell_domain::{
    list::{Sort, SortBy},
    violation::Violation,
};

/// The version of the format, in the first line of an export.
const FORMAT: u64 = 1;

/// In which order tasks are exported: it never changes, so a task that changes meanwhile is exported once.
const BY_CREATION: Sort = Sort { by: SortBy::Created, descending: false };

/// How the data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Lines of JSON, with everything that Taskbell keeps.
    Taskbell,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Violation> {
        match text {
            "taskbell" => Ok(Self::Taskbell),
            _ => Err(Violation::new("unknown_value", "It must be one of taskbell.")),
        }
    }
}
