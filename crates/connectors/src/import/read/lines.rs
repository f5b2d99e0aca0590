//! JSON Lines, and the choice between lines and one long document.
//!
//! A file whose first line is a whole document is read by lines, each for itself; any other is read as a stream of
//! documents.

use std::io::{BufRead, Cursor, Read as _};

use serde_json::Value;

use super::unpack::Budget;
use super::{Document, Problems, Visit, json_problem, problem, stream};
use crate::import::report::Problem;

/// A first line longer than this is read as a stream, so that one long array takes no memory.
const FIRST_LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(crate) fn read(reader: &mut impl BufRead, budget: &Budget, visit: &mut Visit<'_>) -> Vec<Problem> {
    let mut line = Vec::new();
    if let Err(error) = reader.by_ref().take(FIRST_LINE_BYTES_MAX).read_until(b'\n', &mut line) {
        return vec![problem(format!("it cannot be read: {error}"))];
    }
    let Ok(first) = serde_json::from_slice::<Value>(&line) else {
        return stream::read(Cursor::new(line).chain(reader), budget, visit);
    };
    visit(Document::Value(first, None));
    rest(reader, budget, visit)
}

fn rest(reader: &mut impl BufRead, budget: &Budget, visit: &mut Visit<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    let mut line = Vec::new();
    let mut number = 1;
    loop {
        number += 1;
        line.clear();
        budget.renew();
        match reader.by_ref().take(budget.bytes_max()).read_until(b'\n', &mut line) {
            Ok(0) => return problems.finish(),
            Ok(_) => {}
            Err(error) => {
                problems.push(Problem { line: Some(number), byte: None, what: format!("{error}") });
                return problems.finish();
            }
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(line.trim_ascii()) {
            Ok(value) => visit(Document::Value(value, None)),
            Err(error) => problems.push(json_problem(&error, number)),
        }
    }
}
