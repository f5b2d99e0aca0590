//! What a partition remembers about its producers: epochs, the last five batches of each (to recognise repeats), and
//! which transactions are open. Pure: batches and markers in, verdicts out.
//!
//! Invariants: a producer's epoch never falls; sequence numbers of accepted batches have no gaps within an epoch;
//! a producer has at most one open transaction, whose first offset bounds the last stable offset.

use std::collections::{BTreeMap, VecDeque};

use bytes::BufMut;

use super::batch::{BatchHeader, Ending, advance_sequence};
use crate::codec::{Malformed, Reader, Writer};

/// Batches remembered per producer: the most an idempotent producer may have in flight.
const REMEMBERED: usize = 5;

/// One accepted batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepted {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    timestamp: i64,
}

/// What is known about one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    recent: VecDeque<Accepted>,
    /// First offset of the open transaction.
    pub(crate) open_since: Option<i64>,
    /// Wall-clock time of the last batch or marker, for expiry.
    pub(crate) last_seen: i64,
}

impl Producer {
    /// Sequence number of the last accepted record, -1 when the epoch has none.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.recent.back().map_or(-1, |batch| batch.last_sequence)
    }

    /// Base offset of the last accepted batch.
    pub(crate) fn last_base_offset(&self) -> Option<i64> {
        self.recent.back().map(|batch| batch.base_offset)
    }
}

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new: append it.
    Append,
    /// It is a repeat: acknowledge it with the offset it got.
    Repeat { base_offset: i64, timestamp: i64 },
}

/// Why a batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProducerFault {
    /// A newer producer has taken over.
    Fenced,
    /// A sequence number is missing.
    OutOfOrder,
    /// A plain batch came while the producer's transaction is open.
    TransactionOpen,
}

/// A transaction that a marker ended in this partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) first_offset: i64,
    pub(crate) ending: Ending,
}

/// All producers of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    known: BTreeMap<i64, Producer>,
    /// First offsets of open transactions and their producers.
    open: BTreeMap<i64, i64>,
}

impl Producers {
    /// Judges a batch before it is written.
    pub(crate) fn check(&self, batch: &BatchHeader) -> Result<Verdict, ProducerFault> {
        if !batch.has_producer() {
            return Ok(Verdict::Append);
        }
        let Some(producer) = self.known.get(&batch.producer_id) else { return Ok(Verdict::Append) };
        if batch.producer_epoch < producer.epoch {
            return Err(ProducerFault::Fenced);
        }
        let same_epoch = batch.producer_epoch == producer.epoch;
        if same_epoch {
            let last = batch.last_sequence();
            let repeat = producer
                .recent
                .iter()
                .find(|seen| seen.first_sequence == batch.base_sequence && seen.last_sequence == last);
            if let Some(seen) = repeat {
                return Ok(Verdict::Repeat { base_offset: seen.base_offset, timestamp: seen.timestamp });
            }
        }
        let expected = if same_epoch { advance_sequence(producer.last_sequence(), 1) } else { 0 };
        if batch.base_sequence != expected {
            return Err(ProducerFault::OutOfOrder);
        }
        if producer.open_since.is_some() && !batch.is_transactional() {
            return Err(ProducerFault::TransactionOpen);
        }
        Ok(Verdict::Append)
    }

    /// Notes a data batch that is now in the log.
    pub(crate) fn record(&mut self, batch: &BatchHeader, now: i64) {
        if !batch.has_producer() {
            return;
        }
        let producer = self.seat(batch.producer_id, batch.producer_epoch, now);
        producer.recent.push_back(Accepted {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            timestamp: batch.max_timestamp,
        });
        if producer.recent.len() > REMEMBERED {
            producer.recent.pop_front();
        }
        if batch.is_transactional() && producer.open_since.is_none() {
            producer.open_since = Some(batch.base_offset);
            self.open.insert(batch.base_offset, batch.producer_id);
        }
    }

    /// Notes a marker that is now in the log. The epoch rises even when nothing was open, so that a zombie is
    /// refused here too.
    pub(crate) fn end(&mut self, producer_id: i64, epoch: i16, ending: Ending, now: i64) -> Option<Ended> {
        let producer = self.seat(producer_id, epoch, now);
        let first_offset = producer.open_since.take()?;
        self.open.remove(&first_offset);
        Some(Ended { first_offset, ending })
    }

    fn seat(&mut self, producer_id: i64, epoch: i16, now: i64) -> &mut Producer {
        let producer = self.known.entry(producer_id).or_insert_with(|| Producer {
            epoch,
            recent: VecDeque::new(),
            open_since: None,
            last_seen: now,
        });
        if epoch > producer.epoch {
            producer.epoch = epoch;
            producer.recent.clear();
        }
        producer.last_seen = producer.last_seen.max(now);
        producer
    }

    /// First offset of the oldest open transaction.
    pub(crate) fn first_open(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset)
    }

    /// Producers with an open transaction.
    pub(crate) fn open(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.open.values().filter_map(|id| Some((*id, self.known.get(id)?)))
    }

    pub(crate) fn get(&self, producer_id: i64) -> Option<&Producer> {
        self.known.get(&producer_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.known.iter().map(|(id, producer)| (*id, producer))
    }

    /// Forgets producers without an open transaction that were last seen before `before`.
    pub(crate) fn expire(&mut self, before: i64) {
        self.known.retain(|_, producer| producer.open_since.is_some() || producer.last_seen >= before);
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.list(self.known.iter(), |out, (id, producer)| {
            out.put_i64(*id);
            out.put_i16(producer.epoch);
            out.option(producer.open_since, |out, offset| out.put_i64(offset));
            out.put_i64(producer.last_seen);
            out.list(producer.recent.iter(), |out, batch| {
                out.put_i32(batch.first_sequence);
                out.put_i32(batch.last_sequence);
                out.put_i64(batch.base_offset);
                out.put_i64(batch.timestamp);
            });
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let known: BTreeMap<i64, Producer> = reader.list(|reader| {
            let id = reader.i64()?;
            let epoch = reader.i16()?;
            let open_since = reader.option(Reader::i64)?;
            let last_seen = reader.i64()?;
            let recent = reader.list(|reader| {
                Ok(Accepted {
                    first_sequence: reader.i32()?,
                    last_sequence: reader.i32()?,
                    base_offset: reader.i64()?,
                    timestamp: reader.i64()?,
                })
            })?;
            Ok((id, Producer { epoch, recent, open_since, last_seen }))
        })?;
        let open = known.iter().filter_map(|(id, producer)| Some((producer.open_since?, *id))).collect();
        Ok(Self { known, open })
    }
}

#[cfg(test)]
#[path = "producers/tests.rs"]
mod tests;
