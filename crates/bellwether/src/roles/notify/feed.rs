//! What notify knows beside steps: reference data, how squads and key results stand, shifts, assigned owners.
//!
//! Read outside any group, whole, by every process: each must be able to fill any message. Read again at each start,
//! which sends nothing: only steps are sent.
//!
//! Under warped time everything may be in the log long before its instant, so it is handed over up to the instant of
//! the step that is to be told and held back from there.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_log::{EventLog, PartitionReader, Record, TopicPartition};
use bellwether_model::EventTime;
use bellwether_wire::Event;
use bellwether_wire::topics::Topic;

use crate::failure::{Context as _, Exit, Failure};
use crate::record;
use crate::topic_set::{TimeMode, TopicSet};

/// What is read of a topic: all of it, or events of these types. A year of pages is passed over without being decoded.
const INPUTS: [(Topic, &[&str]); 4] = [
    (Topic::Reference, &[]),
    (Topic::KeyResult, &["bellwether.load.assessed.v1", "bellwether.key-result.assessed.v1"]),
    (Topic::Page, &["bellwether.shift.scheduled.v1", "bellwether.shift.removed.v1"]),
    (Topic::Command, &["bellwether.owner.assigned.v1"]),
];

/// Reads the inputs.
pub(super) struct Feed {
    inputs: Vec<Input>,
    /// Under warped time, what is read and not yet handed over; by time, then as it was read.
    held: Option<BTreeMap<(EventTime, u64), Event>>,
    read: u64,
}

struct Input {
    partition: TopicPartition,
    types: &'static [&'static str],
    reader: Box<dyn PartitionReader>,
}

impl Feed {
    /// A feed from the beginning of every input.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn open(log: &dyn EventLog, topics: &TopicSet) -> Result<Self, Failure> {
        let mut inputs = Vec::new();
        for (topic, types) in INPUTS {
            for partition in 0..topics.partitions(topic) {
                let partition = TopicPartition::new(topics.name(topic), partition);
                let failed = || format!("cannot read {partition}");
                let start = log.bounds(&partition).or_fail(Exit::Log, failed)?.start;
                let reader = log.read(&partition, start).or_fail(Exit::Log, failed)?;
                inputs.push(Input { partition, types, reader });
            }
        }
        let held = match topics.time {
            TimeMode::Live => None,
            TimeMode::Warped => Some(BTreeMap::new()),
        };
        Ok(Self { inputs, held, read: 0 })
    }

    /// Reads what there is and hands it over; under warped time what happened up to `through`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn take(&mut self, through: EventTime, learn: &dyn Fn(&Event)) -> Result<(), Failure> {
        for input in &mut self.inputs {
            loop {
                let records = input
                    .reader
                    .next(Duration::ZERO)
                    .or_fail(Exit::Log, || format!("cannot read {}", input.partition))?;
                if records.is_empty() {
                    break;
                }
                for event in records.iter().filter_map(|record| event(record, input.types)) {
                    match &mut self.held {
                        None => learn(&event),
                        Some(held) => {
                            self.read += 1;
                            held.insert((event.time, self.read), event);
                        }
                    }
                }
            }
        }
        let Some(held) = &mut self.held else { return Ok(()) };
        while let Some(next) = held.first_entry().filter(|next| next.key().0 <= through) {
            learn(&next.remove());
        }
        Ok(())
    }
}

/// The event of a record, when it is one of these types; of all types where none is named.
fn event(record: &Record, types: &[&str]) -> Option<Event> {
    let type_name = || record.headers.iter().find(|(name, _)| name == "ce_type")?.1.as_deref();
    let is_wanted = types.is_empty()
        || type_name().is_some_and(|found| types.iter().any(|wanted| wanted.as_bytes() == found));
    if is_wanted { record::to_event(record).ok() } else { None }
}
