//! A file becomes JSON documents: plain or packed, one document or many, lines, or a table of raw payloads.
//!
//! What it is not: the judge of what the documents are.
//!
//! Invariants:
//! - Memory is bounded by one document, one line or one element of a page, never by the file.
//! - A bad line costs that line; a bad document costs the rest of its file, and the report says from where.

mod lines;
mod stream;
mod table;
mod unpack;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::options::ImportOptions;
use super::report::{PROBLEMS_MAX, Problem};
use unpack::Bounded;

/// Something a file holds.
pub(crate) enum Document<'a> {
    /// A document, or an element of a page with the page's key.
    Value(Value, Option<&'a str>),
    /// What a page says about itself, with its key, after its elements.
    PageEnd(Map<String, Value>, &'a str),
}

/// Takes documents as they are read.
pub(crate) type Visit<'a> = dyn FnMut(Document<'_>) + 'a;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Bytes looked at to tell what a file is.
const PEEK_BYTES: usize = 64 * 1024;

/// Reads a file and returns what could not be read.
///
/// What was only found in a folder is read when it is a regular file: a pipe nobody writes to would be waited for for ever.
pub(crate) fn read(
    path: &Path,
    is_named: bool,
    options: &ImportOptions,
    visit: &mut Visit<'_>,
) -> Vec<Problem> {
    if !is_named && path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return vec![problem("it is no regular file; name it by itself to have it read".to_owned())];
    }
    let opened: std::io::Result<Box<dyn Read>> = if path.as_os_str() == STANDARD_INPUT {
        Ok(Box::new(std::io::stdin().lock()))
    } else {
        std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    match opened {
        Ok(file) => read_from(file, options.document_bytes_max, visit),
        Err(error) => vec![problem(format!("it cannot be opened: {error}"))],
    }
}

fn read_from(file: Box<dyn Read>, document_bytes_max: u64, visit: &mut Visit<'_>) -> Vec<Problem> {
    let unpacked = match unpack::unpack(file) {
        Ok(unpacked) => unpacked,
        Err(error) => return vec![problem(format!("it cannot be unpacked: {error}"))],
    };
    let bounded = Bounded::new(unpacked, document_bytes_max);
    let budget = bounded.budget();
    let mut reader = BufReader::with_capacity(PEEK_BYTES, bounded);
    match first_byte(&mut reader) {
        Ok(None) => vec![problem("it is empty".to_owned())],
        Ok(Some(b'{' | b'[')) => lines::read(&mut reader, &budget, visit),
        Ok(Some(byte)) if byte.is_ascii_alphanumeric() || b"_\"#".contains(&byte) => {
            table::read(&mut reader, &budget, visit)
        }
        Ok(Some(_)) => vec![problem("it is neither JSON, JSON Lines nor a table of raw payloads".to_owned())],
        Err(error) => vec![problem(format!("it cannot be read: {error}"))],
    }
}

/// The first byte that is no white space and no byte order mark; it stays in the reader.
fn first_byte(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        let blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(byte);
        let Some(&first) = buffer.first() else { return Ok(None) };
        if !blank(&first) {
            return Ok(Some(first));
        }
        let skip = buffer.iter().take_while(|byte| blank(byte)).count();
        reader.consume(skip);
    }
}

/// What could not be read of a file, bounded.
#[derive(Debug, Default)]
struct Problems {
    listed: Vec<Problem>,
    further: u64,
}

impl Problems {
    fn push(&mut self, problem: Problem) {
        if self.listed.len() < PROBLEMS_MAX {
            self.listed.push(problem);
        } else {
            self.further += 1;
        }
    }

    fn finish(mut self) -> Vec<Problem> {
        if self.further > 0 {
            self.listed.push(problem(format!("{} further places could not be read", self.further)));
        }
        self.listed
    }
}

fn problem(what: String) -> Problem {
    Problem { line: None, byte: None, what }
}

/// A problem of a JSON document that begins on a line.
fn json_problem(error: &serde_json::Error, first_line: u64) -> Problem {
    let line = first_line.saturating_sub(1) + error.line() as u64;
    let what = if error.is_io() {
        let told = error.to_string();
        // The line is told beside it, counted from the start of the file.
        let why = told.rsplit_once(" at line ").map_or(told.as_str(), |(why, _)| why);
        match error.io_error_kind() {
            // Ours, and it says what to do: a document that is too long.
            Some(std::io::ErrorKind::Other) | None => why.to_owned(),
            Some(_) => format!("{why}; the file is damaged or breaks off there: pack or fetch it again"),
        }
    } else if error.is_eof() {
        "the JSON breaks off; fetch the page again".to_owned()
    } else {
        format!("not JSON (column {}); fetch the page again", error.column())
    };
    Problem { line: (line > 0).then_some(line), byte: None, what }
}
