//! Rows of a CSV file (RFC 4180), by the names of their columns.

use csv::{ReaderBuilder, StringRecord, StringRecordsIter};

use super::ImportProblem;

/// The maximum number of columns that are read.
const MAX_COLUMNS: usize = 100;

/// The maximum number of rows before the one that names the columns.
const MAX_PREAMBLE: usize = 50;

/// A file after the row that names the columns.
pub(super) struct Table<'r, 't> {
    columns: Vec<String>,
    rows: StringRecordsIter<'r, &'t [u8]>,
    lines: Lines<'t>,
}

/// Counts lines. The reader's own count is one too low after a line that ends in CR and LF, because it reads the LF with
/// the next row.
struct Lines<'t> {
    rest: &'t [u8],
    byte: usize,
    line: usize,
}

/// A row.
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: StringRecord,
    /// The line that it starts at, from 1.
    pub(super) line: usize,
}

/// A reader for text. Rows may differ in their number of columns.
pub(super) fn reader(text: &str) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes())
}

impl<'r, 't> Table<'r, 't> {
    /// Finds the row that names the columns: the first one that has all the `required` ones, ignoring case. TickTick writes
    /// other rows before it.
    ///
    /// # Errors
    /// An [`ImportProblem`] `invalid_file` if there is none.
    pub(super) fn find(
        reader: &'r mut csv::Reader<&'t [u8]>,
        text: &'t str,
        required: &[&str],
    ) -> Result<Self, ImportProblem> {
        let mut rows = reader.records();
        for row in rows.by_ref().take(MAX_PREAMBLE).map_while(Result::ok) {
            let names = row.iter().take(MAX_COLUMNS);
            let columns: Vec<_> = names.map(|name| name.trim().to_ascii_lowercase()).collect();
            if required.iter().all(|name| columns.iter().any(|column| column == name)) {
                let lines = Lines { rest: text.as_bytes(), byte: 0, line: 1 };
                return Ok(Self { columns, rows, lines });
            }
        }
        let why = format!(
            "This is not the expected CSV file: it must have the columns {}.",
            required.join(", ")
        );
        Err(ImportProblem::of_file("invalid_file", &why))
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self) -> Option<Row<'_>> {
        // The text is UTF-8 and rows may have any length, so no row is an error.
        let cells = self.rows.next()?.ok()?;
        let byte = cells.position().map_or(0, csv::Position::byte);
        let line = self.lines.advance(usize::try_from(byte).unwrap_or_default());
        Some(Row { columns: &self.columns, cells, line })
    }
}

impl Lines<'_> {
    /// The line of the first character at or after `byte` that does not end a line. `byte` must not decrease.
    fn advance(&mut self, byte: usize) -> usize {
        while let Some((first, rest)) = self.rest.split_first() {
            let ends = matches!(first, b'\r' | b'\n');
            if self.byte >= byte && !ends {
                break;
            }
            if ends && !(*first == b'\r' && rest.first() == Some(&b'\n')) {
                self.line += 1;
            }
            (self.rest, self.byte) = (rest, self.byte + 1);
        }
        self.line
    }
}

impl Row<'_> {
    /// The trimmed text of a column. Empty if the row or the file does not have it.
    pub(super) fn get(&self, column: &str) -> &str {
        let index = self.columns.iter().position(|name| name == column);
        index.and_then(|index| self.cells.get(index)).unwrap_or_default().trim()
    }

    /// The cells, for a hash.
    pub(super) fn content(&self) -> String {
        self.cells.iter().take(MAX_COLUMNS).collect::<Vec<_>>().join("\u{1f}")
    }
}
