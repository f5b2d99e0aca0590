//! Raw exports become events: read, recognise by content, gather, map, order, hand over.
//!
//! ```text
//! files -> documents -> recognised payloads -> one gathering per source -> events -> sorted -> emit
//! ```
//!
//! Files explain each other (fields, statuses, boards, log entries), so everything is gathered before anything is
//! mapped. What is gathered is the normalised content, not the raw JSON.
//!
//! Invariants:
//! - A file is known by its content, never by its name.
//! - Every file gets a verdict with a reason; nothing is left out silently.
//! - The same files in any order give the same events in the same order: by (time, source, id).
//! - Imported events are backfill (R14): `basis` is import, pages carry `imported`.

pub(crate) mod expand;
pub(crate) mod gather;
mod options;
mod order;
pub(crate) mod progress;
mod read;
pub(crate) mod recognise;
pub(crate) mod reference;
mod report;
mod run;

pub use options::{ImportOptions, Phase, Progress};
pub use report::{FileReport, ImportReport, PROBLEMS_MAX, Problem, Verdict};
pub use run::import;
