//! Tables of raw payloads: a CSV with one payload per row in the column `data`, as warehouses and extraction tools
//! keep them. A table of columns is no payload and is refused.

use std::io::BufRead;

use serde_json::Value;

use super::unpack::Budget;
use super::{Document, Problems, Visit, problem};
use crate::import::report::Problem;

/// Columns that hold a payload.
const PAYLOAD_COLUMNS: &[&str] = &["data", "_airbyte_data", "raw_data", "payload"];

/// The column that says what a payload was fetched for.
const INPUT_COLUMN: &str = "input";

pub(crate) fn read(reader: &mut impl BufRead, budget: &Budget, visit: &mut Visit<'_>) -> Vec<Problem> {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header = match table.byte_headers() {
        Ok(header) => header.clone(),
        Err(error) => return vec![problem(format!("it cannot be read: {error}"))],
    };
    let column = |name: &str| header.iter().position(|column| column == name.as_bytes());
    let Some(payload) = PAYLOAD_COLUMNS.iter().find_map(|name| column(name)) else {
        return vec![problem(if header.len() > 1 {
            "it is a table of columns, not of raw payloads; export what the API answered".to_owned()
        } else {
            "it is neither JSON, JSON Lines nor a table of raw payloads".to_owned()
        })];
    };
    let input = column(INPUT_COLUMN);
    let mut problems = Problems::default();
    let mut row = csv::ByteRecord::new();
    loop {
        budget.renew();
        match table.read_byte_record(&mut row) {
            Ok(false) => return problems.finish(),
            Ok(true) => {}
            Err(error) => {
                problems.push(problem(format!("the table breaks off: {error}")));
                return problems.finish();
            }
        }
        let cell = |place: Option<usize>| {
            place.and_then(|place| row.get(place)).and_then(|text| serde_json::from_slice::<Value>(text).ok())
        };
        match cell(Some(payload)) {
            Some(mut value) => {
                if let (Some(object), Some(input @ Value::Object(_))) = (value.as_object_mut(), cell(input)) {
                    object.entry("__input").or_insert(input);
                }
                visit(Document::Value(value, None));
            }
            None => {
                let line = row.position().map(csv::Position::line);
                let what = "the payload of the row is not JSON; export the table again".to_owned();
                problems.push(Problem { line, byte: None, what });
            }
        }
    }
}
