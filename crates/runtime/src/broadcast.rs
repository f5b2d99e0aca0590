//! The compacted topics every unit reads whole, outside the group: one reader per partition for all units of a
//! member, and the latest record of each key in memory for units that begin later.
//!
//! The memory is what a compacted topic is read for anyway; tombstones stay in it, because a unit may have seen the
//! key before. A unit keeps its place per partition and is given what lies behind it, in offset order.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bellwether_log::{EventLog, PartitionReader, Record, Result, TopicPartition};
use bytes::Bytes;

/// Time between two polls once the topics have been read to their end, while there is something to fold.
const POLL_EVERY_MS: u64 = 250;
/// The same while there is nothing: what they hold changes a few times a day, and records that come are folded after a
/// look of their own.
const POLL_IDLE_MS: u64 = 2_000;
/// Longest wait of a poll before that.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The broadcast topics of one member.
pub(crate) struct Broadcast {
    sources: Vec<Source>,
    polled_at: Option<u64>,
}

struct Source {
    partition: TopicPartition,
    reader: Option<Box<dyn PartitionReader>>,
    /// The stable end when the reader was opened: units go live behind it.
    first_end: i64,
    by_offset: BTreeMap<i64, Record>,
    by_key: HashMap<Bytes, i64>,
    next_offset: i64,
}

impl std::fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = self.sources.iter().map(|source| (&source.partition, source.next_offset));
        f.debug_map().entries(places).finish()
    }
}

impl Broadcast {
    /// Will read these partitions.
    pub(crate) fn new(partitions: Vec<TopicPartition>) -> Self {
        let source = |partition| Source {
            partition,
            reader: None,
            first_end: 0,
            by_offset: BTreeMap::new(),
            by_key: HashMap::new(),
            next_offset: 0,
        };
        Self { sources: partitions.into_iter().map(source).collect(), polled_at: None }
    }

    /// True when everything there was at the start has been read.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.sources.iter().all(Source::is_caught_up)
    }

    /// Reads what has come; true when something has. `busy` when there is something to fold in this round.
    pub(crate) fn poll(&mut self, log: &dyn EventLog, elapsed_ms: u64, busy: bool) -> Result<bool> {
        let caught_up = self.is_caught_up();
        let rest = if busy { POLL_EVERY_MS } else { POLL_IDLE_MS };
        let rested = self.polled_at.is_none_or(|at| elapsed_ms.saturating_sub(at) >= rest);
        if self.sources.is_empty() || (caught_up && !rested) {
            return Ok(false);
        }
        self.polled_at = Some(elapsed_ms);
        let mut news = false;
        for source in &mut self.sources {
            news |= source.poll(log)?;
        }
        Ok(news)
    }

    /// A place before everything.
    pub(crate) fn beginning(&self) -> Vec<i64> {
        vec![0; self.sources.len()]
    }

    /// What lies behind a place, in order of topic, partition and offset; the place moves behind it.
    pub(crate) fn advance<'a>(&'a self, place: &'a mut [i64]) -> impl Iterator<Item = &'a Record> {
        self.sources.iter().zip(place).flat_map(|(source, place)| {
            let from = std::mem::replace(place, source.next_offset);
            source.by_offset.range(from..).map(|(_, record)| record)
        })
    }
}

impl Source {
    fn is_caught_up(&self) -> bool {
        self.reader.is_some() && self.next_offset >= self.first_end
    }

    fn poll(&mut self, log: &dyn EventLog) -> Result<bool> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let bounds = log.bounds(&self.partition)?;
                self.first_end = bounds.stable_end;
                self.next_offset = bounds.start;
                self.reader.insert(log.read(&self.partition, bounds.start)?)
            }
        };
        let wait = if self.next_offset >= self.first_end { Duration::ZERO } else { FIRST_WAIT };
        let records = reader.next(wait)?;
        self.next_offset = self.next_offset.max(reader.next_offset());
        let news = !records.is_empty();
        for record in records {
            self.remember(record);
        }
        Ok(news)
    }

    fn remember(&mut self, record: Record) {
        self.next_offset = self.next_offset.max(record.offset + 1);
        // A record without a key is never replaced, as in the topic itself.
        if let Some(key) = &record.key
            && let Some(older) = self.by_key.insert(key.clone(), record.offset)
        {
            self.by_offset.remove(&older);
        }
        self.by_offset.insert(record.offset, record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &'static str, value: Option<&'static str>, offset: i64) -> Record {
        Record {
            from: TopicPartition::new("reference", 0),
            offset,
            key: Some(key.into()),
            value: value.map(Into::into),
            headers: vec![],
            timestamp_ms: 0,
        }
    }

    fn seen(broadcast: &Broadcast, place: &mut [i64]) -> Vec<i64> {
        broadcast.advance(place).map(|record| record.offset).collect()
    }

    #[test]
    fn a_latecomer_sees_the_last_of_each_key_and_others_what_is_new() {
        let mut broadcast = Broadcast::new(vec![TopicPartition::new("reference", 0)]);
        broadcast.sources[0].remember(record("a", Some("1"), 3));
        broadcast.sources[0].remember(record("b", Some("1"), 4));
        let mut early = broadcast.beginning();
        assert_eq!(seen(&broadcast, &mut early), [3, 4]);
        assert_eq!(seen(&broadcast, &mut early), [0; 0]);

        broadcast.sources[0].remember(record("a", None, 9));
        assert_eq!(seen(&broadcast, &mut early), [9], "a deletion is seen by who knew the key");
        assert_eq!(seen(&broadcast, &mut broadcast.beginning()), [4, 9]);
    }
}
