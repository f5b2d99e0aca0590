//! What can be written to the journal, and its bytes.
//!
//! Kinds are numbered for ever; a new one gets a new number. A reader that meets an unknown kind refuses the file, since
//! skipping it would lose what a newer version meant.

use std::collections::BTreeMap;

use bytes::BufMut;
use uuid::Uuid;

use crate::codec::{Malformed, Reader, Writer};
use crate::log::batch::Ending;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartitionRef {
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

/// A committed position of a group in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetRow {
    pub(crate) at: PartitionRef,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// Committed positions of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetRows {
    pub(crate) group: String,
    pub(crate) rows: Vec<OffsetRow>,
}

/// One durable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The folder was set up; its identity towards clients.
    ClusterNamed { id: Uuid },
    /// A topic came to be.
    TopicCreated { name: String, id: Uuid, partitions: i32, configs: BTreeMap<String, String> },
    /// A topic and every offset committed for it went.
    TopicDeleted { name: String },
    /// A topic got more partitions.
    PartitionsAdded { name: String, partitions: i32 },
    /// A topic's explicit settings were replaced.
    ConfigsSet { name: String, configs: BTreeMap<String, String> },
    /// Records below an offset were deleted on request.
    StartRaised { at: PartitionRef, offset: i64 },
    /// A group committed positions.
    OffsetsCommitted(OffsetRows),
    /// A group's positions in some partitions were deleted on request.
    OffsetsDeleted { group: String, partitions: Vec<PartitionRef> },
    /// A group went with all its positions.
    GroupDeleted { group: String },
    /// Producer ids below `next` are given away or skipped.
    ProducerIdsReserved { next: i64 },
    /// A transactional id got a producer id and an epoch; no transaction is open.
    ProducerSeated {
        transactional_id: String,
        producer_id: i64,
        epoch: i16,
        last_epoch: i16,
        timeout_ms: i32,
        at: i64,
    },
    /// The first partition or group joined a transaction.
    TransactionBegun { transactional_id: String, at: i64 },
    /// How a transaction ends is decided; `epoch` is the one its markers carry. The offsets count from
    /// [`Entry::TransactionEnded`] on.
    TransactionDecided {
        transactional_id: String,
        epoch: i16,
        ending: Ending,
        partitions: Vec<PartitionRef>,
        offsets: Vec<OffsetRows>,
        at: i64,
    },
    /// The markers of a decided transaction are all written.
    TransactionEnded { transactional_id: String, at: i64 },
    /// A transactional id was not used for long and is forgotten.
    TransactionalIdExpired { transactional_id: String },
}

impl Entry {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Entry::ClusterNamed { id } => {
                out.put_u8(1);
                out.uuid(*id);
            }
            Entry::TopicCreated { name, id, partitions, configs } => {
                out.put_u8(2);
                out.string(name);
                out.uuid(*id);
                out.put_i32(*partitions);
                put_configs(out, configs);
            }
            Entry::TopicDeleted { name } => {
                out.put_u8(3);
                out.string(name);
            }
            Entry::PartitionsAdded { name, partitions } => {
                out.put_u8(4);
                out.string(name);
                out.put_i32(*partitions);
            }
            Entry::ConfigsSet { name, configs } => {
                out.put_u8(5);
                out.string(name);
                put_configs(out, configs);
            }
            Entry::StartRaised { at, offset } => {
                out.put_u8(6);
                put_partition(out, at);
                out.put_i64(*offset);
            }
            Entry::OffsetsCommitted(rows) => {
                out.put_u8(7);
                put_offsets(out, rows);
            }
            Entry::OffsetsDeleted { group, partitions } => {
                out.put_u8(8);
                out.string(group);
                out.list(partitions.iter(), put_partition);
            }
            Entry::GroupDeleted { group } => {
                out.put_u8(9);
                out.string(group);
            }
            Entry::ProducerIdsReserved { next } => {
                out.put_u8(10);
                out.put_i64(*next);
            }
            Entry::ProducerSeated { transactional_id, producer_id, epoch, last_epoch, timeout_ms, at } => {
                out.put_u8(11);
                out.string(transactional_id);
                out.put_i64(*producer_id);
                out.put_i16(*epoch);
                out.put_i16(*last_epoch);
                out.put_i32(*timeout_ms);
                out.put_i64(*at);
            }
            Entry::TransactionBegun { transactional_id, at } => {
                out.put_u8(12);
                out.string(transactional_id);
                out.put_i64(*at);
            }
            Entry::TransactionDecided { transactional_id, epoch, ending, partitions, offsets, at } => {
                out.put_u8(13);
                out.string(transactional_id);
                out.put_i16(*epoch);
                out.bool(*ending == Ending::Commit);
                out.list(partitions.iter(), put_partition);
                out.list(offsets.iter(), put_offsets);
                out.put_i64(*at);
            }
            Entry::TransactionEnded { transactional_id, at } => {
                out.put_u8(14);
                out.string(transactional_id);
                out.put_i64(*at);
            }
            Entry::TransactionalIdExpired { transactional_id } => {
                out.put_u8(15);
                out.string(transactional_id);
            }
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            1 => Entry::ClusterNamed { id: reader.uuid()? },
            2 => Entry::TopicCreated {
                name: reader.string()?,
                id: reader.uuid()?,
                partitions: reader.i32()?,
                configs: configs(reader)?,
            },
            3 => Entry::TopicDeleted { name: reader.string()? },
            4 => Entry::PartitionsAdded { name: reader.string()?, partitions: reader.i32()? },
            5 => Entry::ConfigsSet { name: reader.string()?, configs: configs(reader)? },
            6 => Entry::StartRaised { at: partition(reader)?, offset: reader.i64()? },
            7 => Entry::OffsetsCommitted(offsets(reader)?),
            8 => Entry::OffsetsDeleted { group: reader.string()?, partitions: reader.list(partition)? },
            9 => Entry::GroupDeleted { group: reader.string()? },
            10 => Entry::ProducerIdsReserved { next: reader.i64()? },
            11 => Entry::ProducerSeated {
                transactional_id: reader.string()?,
                producer_id: reader.i64()?,
                epoch: reader.i16()?,
                last_epoch: reader.i16()?,
                timeout_ms: reader.i32()?,
                at: reader.i64()?,
            },
            12 => Entry::TransactionBegun { transactional_id: reader.string()?, at: reader.i64()? },
            13 => Entry::TransactionDecided {
                transactional_id: reader.string()?,
                epoch: reader.i16()?,
                ending: if reader.bool()? { Ending::Commit } else { Ending::Abort },
                partitions: reader.list(partition)?,
                offsets: reader.list(offsets)?,
                at: reader.i64()?,
            },
            14 => Entry::TransactionEnded { transactional_id: reader.string()?, at: reader.i64()? },
            15 => Entry::TransactionalIdExpired { transactional_id: reader.string()? },
            _ => return Err(Malformed),
        })
    }
}

fn put_configs(out: &mut Vec<u8>, configs: &BTreeMap<String, String>) {
    out.list(configs.iter(), |out, (key, value)| {
        out.string(key);
        out.string(value);
    });
}

fn configs(reader: &mut Reader<'_>) -> Result<BTreeMap<String, String>, Malformed> {
    reader.list(|reader| Ok((reader.string()?, reader.string()?)))
}

fn put_partition(out: &mut Vec<u8>, at: &PartitionRef) {
    out.string(&at.topic);
    out.put_i32(at.partition);
}

fn partition(reader: &mut Reader<'_>) -> Result<PartitionRef, Malformed> {
    Ok(PartitionRef { topic: reader.string()?, partition: reader.i32()? })
}

fn put_offsets(out: &mut Vec<u8>, offsets: &OffsetRows) {
    out.string(&offsets.group);
    out.list(offsets.rows.iter(), |out, row| {
        put_partition(out, &row.at);
        out.put_i64(row.offset);
        out.put_i32(row.leader_epoch);
        out.string(&row.metadata);
    });
}

fn offsets(reader: &mut Reader<'_>) -> Result<OffsetRows, Malformed> {
    let group = reader.string()?;
    let rows = reader.list(|reader| {
        Ok(OffsetRow {
            at: partition(reader)?,
            offset: reader.i64()?,
            leader_epoch: reader.i32()?,
            metadata: reader.string()?,
        })
    })?;
    Ok(OffsetRows { group, rows })
}
