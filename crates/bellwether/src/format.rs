//! Output: machine-readable, for a terminal, or for a document. The one place that writes to standard output.

use std::io::{self, IsTerminal as _, Write};

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::failure::{Context as _, Exit, Failure};

/// Form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line
    Json,
    /// For a terminal
    Table,
    /// For a document
    Markdown,
}

/// Writes lines to standard output; a closed pipe ends quietly.
pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.or_fail(Exit::Internal, || "cannot write to standard output".to_owned())?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        flushed => flushed.or_fail(Exit::Internal, || "cannot write to standard output".to_owned()),
    }
}

/// Writes rows in a form: objects as JSON, else a table with these headings.
pub(crate) fn rows<T: Serialize>(
    format: Format,
    headings: &[&str],
    items: &[T],
    row: impl Fn(&T) -> Vec<String>,
) -> Result<(), Failure> {
    match format {
        Format::Json => {
            let json = items.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
            lines(json.or_fail(Exit::Internal, || "cannot write JSON".to_owned())?)
        }
        Format::Table | Format::Markdown => {
            let mut table = table(format, headings);
            for item in items {
                table.add_row(row(item));
            }
            lines([table.to_string()])
        }
    }
}

/// An empty table of a form.
pub(crate) fn table(format: Format, headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(if format == Format::Markdown { ASCII_MARKDOWN } else { UTF8_FULL_CONDENSED });
    if format == Format::Table && io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(headings.iter().copied());
    table
}
