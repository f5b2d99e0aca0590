//! What an import may say about completeness: that a source has said all up to an instant.
//!
//! Only whoever took the export knows its instant, so nothing is said unless it is told. And it is said of no source of
//! which something is seen to be missing, because what is said to be complete and is not makes silence of it. A
//! webhook's arrival says nothing: the one before it may have been lost.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::{Event, instant, pb};

use super::gather::Output;
use super::report::ImportReport;
use crate::source::Source;

/// One event for each source that is complete; a note for each that is not.
pub(super) fn progressed(report: &mut ImportReport, output: &Output, through: EventTime) -> Vec<Event> {
    let unread = report.exit_nonzero().then(|| "a file, or a part of one, could not be read".to_owned());
    let mut said = Vec::new();
    for uri in &report.sources {
        let of_kind = || output.gaps.get(Source::of_uri(uri)?.word());
        let gap = output.gaps.get(uri).or_else(of_kind).or(unread.as_ref());
        match gap {
            None => said.push(event(uri, through)),
            Some(gap) => {
                report.notes.push(format!("{uri}: not said to be complete through {through}: {gap}"));
            }
        }
    }
    report.notes.sort();
    said
}

fn event(uri: &str, through: EventTime) -> Event {
    let message = pb::SourceProgressed {
        source: uri.to_owned(),
        complete_through: Some(instant::timestamp(through)),
        lag_seconds: 0.0,
        last_error: String::new(),
    };
    Event::new(uri, format!("progress/{through}"), through, message).about(uri)
}

/// Why a source is not complete: by its URI, or by the word of all sources of a kind where nobody can tell which.
pub(crate) type Gaps = BTreeMap<String, String>;
