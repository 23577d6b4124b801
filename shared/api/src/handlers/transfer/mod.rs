//! Export and import.

mod export_csv;
pub mod export_data;
mod export_lines;
mod export_page;
mod foreign;
pub mod import_data;
mod import_lines;
mod import_request;

/// The version of the format, in the first line of an export.
const FORMAT: u64 = 1;
