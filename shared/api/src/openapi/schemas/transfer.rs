//! Imports.

use serde::Serialize;
use utoipa::ToSchema;

words!(/// Result of a line. `created`: it was imported, or would be without `dry_run`. `exists`: it was imported before.
    /// `error`: it cannot be imported.
    LineStatus: Created, Exists, Error);

/// Result of an import.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportResult {
    /// Whether nothing was stored, as requested.
    pub dry_run: bool,
    /// Number of lines that were imported.
    pub created: u32,
    /// Number of lines that were imported before.
    pub exists: u32,
    /// Number of lines that could not be imported.
    pub failed: u32,
    /// Value of `skip` for the next tasks of a file of another program. Null if there are no more.
    #[schema(required)]
    pub next_skip: Option<u32>,
    /// One result for each line with a task or a comment, and for each line that could not be read, in their order. After 50 listed
    /// errors each line has only its first one.
    #[schema(max_items = 1000)]
    pub results: Vec<ImportLineResult>,
}

/// Result of a line.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLineResult {
    /// Number of the line, starting at 1.
    #[schema(minimum = 1)]
    pub line: u32,
    /// Whether it was imported.
    pub status: LineStatus,
    /// Identifier of the imported task or comment. Absent if the line could not be imported.
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Why the line could not be imported. Absent otherwise.
    #[schema(nullable = false)]
    pub errors: Option<Vec<ImportLineError>>,
    /// What of a record of another program was not carried over. Absent if everything was.
    #[schema(nullable = false)]
    pub warnings: Option<Vec<ImportLineError>>,
}

/// Why a line could not be imported.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLineError {
    /// Path of the field in the line, or `line` for the line as a whole.
    #[schema(examples("reminders[0].before"))]
    pub field: String,
    /// Stable code of the error.
    #[schema(examples("invalid_duration"))]
    pub code: String,
    /// Explanation for a person. The text may change.
    #[schema(examples("Give an ISO 8601 duration such as PT30M, PT1H or P1D."))]
    pub message: String,
}
