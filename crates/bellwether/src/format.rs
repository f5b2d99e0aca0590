//! Output: machine-readable, for a terminal, or for a document. The one place that writes to standard output and, beside
//! the log, to standard error.
//!
//! Invariant: a reader that has gone (`| head -1`) is the end of the output, never an error and never a panic.

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

/// A writer whose reader may go: from then on it takes everything and writes nothing.
#[derive(Debug)]
pub(crate) struct Pipe<W> {
    out: W,
    is_gone: bool,
}

impl<W: Write> Pipe<W> {
    /// Wraps a writer.
    pub(crate) fn new(out: W) -> Self {
        Self { out, is_gone: false }
    }

    fn unless_gone<T>(&mut self, nothing: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.is_gone {
            return Ok(nothing);
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_gone = true;
                Ok(nothing)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), Write::flush)
    }
}

/// Bytes written at once: an output of a replay is a million lines.
const BUFFER: usize = 256 * 1024;

/// Standard output.
pub(crate) fn output() -> io::BufWriter<Pipe<io::Stdout>> {
    io::BufWriter::with_capacity(BUFFER, Pipe::new(io::stdout()))
}

/// Writes lines to standard output.
pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    let mut out = Lines::new();
    out.all(lines)?;
    out.end()
}

/// Lines to be written one after the other.
#[derive(Debug)]
pub(crate) struct Lines<W: Write> {
    out: io::BufWriter<Pipe<W>>,
}

impl Lines<io::Stdout> {
    /// To standard output.
    pub(crate) fn new() -> Self {
        Self { out: output() }
    }
}

impl<W: Write> Lines<W> {
    /// Writes a line; nothing more once the reader has gone.
    pub(crate) fn line(
        &mut self,
        write: impl FnOnce(&mut io::BufWriter<Pipe<W>>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.is_done() {
            return Ok(());
        }
        write(&mut self.out).and_then(|()| self.out.write_all(b"\n")).map_err(unwritable)
    }

    /// Everything was written.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(unwritable)
    }

    fn all(&mut self, lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
        for line in lines {
            self.line(|out| out.write_all(line.as_bytes()))?;
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.out.get_ref().is_gone
    }
}

/// The failure of an output that cannot be written: a disk is full, or a device is gone. It is a file like any other.
pub(crate) fn unwritable(error: io::Error) -> Failure {
    Failure::new(Exit::Input, "cannot write to standard output")
        .because(error)
        .hint("what was written is not whole: make room where it goes, or write it elsewhere")
}

/// Writes a text to standard error, for people. That nobody reads it is no reason to fail.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The same, with a sentence for people where there are no rows. JSON Lines of nothing are no lines.
pub(crate) fn rows_or<T: Serialize>(
    format: Format,
    none: &str,
    headings: &[&str],
    items: &[T],
    row: impl Fn(&T) -> Vec<String>,
) -> Result<(), Failure> {
    if items.is_empty() && format != Format::Json {
        return lines([none.to_owned()]);
    }
    rows(format, headings, items, row)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that goes after some bytes.
    struct Going(usize);

    impl Write for Going {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_ends_the_output_quietly_and_early() {
        let mut out = Lines { out: io::BufWriter::with_capacity(4, Pipe::new(Going(6))) };
        let mut asked = 0;
        let endless = std::iter::repeat_with(|| {
            asked += 1;
            "a line".to_owned()
        });
        out.all(endless).expect("it is no error");
        assert!(asked < 5, "nobody reads what comes later: {asked}");
        out.line(|out| writeln!(out, "more")).expect("nor is what is written after it");
        out.end().expect("nor the end");
    }

    #[test]
    fn an_output_that_cannot_be_written_is_a_file_that_cannot_and_no_defect_of_ours() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let failure = unwritable(full());
        assert_eq!(failure.exit, Exit::Input);
        let told = failure.to_string();
        assert!(told.contains(&full().to_string()) && told.contains("make room"), "{told}");
    }
}
