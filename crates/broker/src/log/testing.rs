//! Builders of batches and logs for the tests of this crate.

use std::sync::Arc;

use bytes::BufMut;
use tempfile::TempDir;

use super::batch::{BatchHeader, HEADER_BYTES, with_records};
use super::buffers::Buffers;
use super::files::Files;
use super::partition::{Appended, PartitionLog};
use super::read::{Batches, ReadFault};
use super::records::put_varint;
use super::settings::LogSettings;

/// What a test batch holds.
pub(crate) struct Build<'a> {
    pub(crate) keys: &'a [&'a str],
    pub(crate) value: Option<&'a str>,
    pub(crate) timestamp: i64,
    pub(crate) producer: Option<(i64, i16, i32)>,
    pub(crate) transactional: bool,
}

impl Default for Build<'_> {
    fn default() -> Self {
        Self { keys: &["k"], value: Some("v"), timestamp: 1_000, producer: None, transactional: false }
    }
}

/// Builds a batch as a client would send it; record `n` is dated `timestamp + n`.
pub(crate) fn batch(build: &Build<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    for (at, key) in build.keys.iter().enumerate() {
        let mut body = vec![0];
        put_varint(&mut body, at as i64);
        put_varint(&mut body, at as i64);
        put_varint(&mut body, key.len() as i64);
        body.extend_from_slice(key.as_bytes());
        match build.value {
            Some(value) => {
                put_varint(&mut body, value.len() as i64);
                body.extend_from_slice(value.as_bytes());
            }
            None => put_varint(&mut body, -1),
        }
        put_varint(&mut body, 0);
        put_varint(&mut records, body.len() as i64);
        records.extend_from_slice(&body);
    }
    let count = build.keys.len() as i32;
    let (id, epoch, sequence) = build.producer.unwrap_or((-1, -1, -1));
    let mut head = Vec::with_capacity(HEADER_BYTES);
    head.put_i64(0);
    head.put_i32(0);
    head.put_i32(-1);
    head.put_i8(2);
    head.put_u32(0);
    head.put_i16(if build.transactional { 0x10 } else { 0 });
    head.put_i32(count - 1);
    head.put_i64(build.timestamp);
    head.put_i64(build.timestamp + i64::from(count) - 1);
    head.put_i64(id);
    head.put_i16(epoch);
    head.put_i32(sequence);
    head.put_i32(count);
    with_records(&head, &records, count)
}

/// Settings of a log that keeps everything in segments of 1 MiB.
pub(crate) fn keep_all() -> LogSettings {
    LogSettings {
        delete: false,
        compact: false,
        append_time: false,
        max_message_bytes: 1 << 20,
        segment_bytes: 1 << 20,
        segment_ms: i64::MAX,
        retention_ms: None,
        retention_bytes: None,
        delete_retention_ms: 0,
        min_dirty_permille: 0,
        min_compaction_lag_ms: 0,
    }
}

/// A log in a folder of its own.
pub(crate) struct TestLog {
    pub(crate) dir: TempDir,
    pub(crate) files: Arc<Files>,
    pub(crate) log: PartitionLog,
    pub(crate) settings: LogSettings,
}

impl TestLog {
    pub(crate) fn new(settings: LogSettings) -> Self {
        let dir = TempDir::new().unwrap();
        let files = Arc::new(Files::default());
        let log = PartitionLog::open(dir.path().join("p"), Arc::clone(&files), false, true, 0).unwrap();
        Self { dir, files, log, settings }
    }

    /// Opens the folder again as after a kill: nothing is saved first.
    pub(crate) fn reopen(&mut self, trust_state: bool) {
        self.files = Arc::new(Files::default());
        let path = self.dir.path().join("p");
        self.log = PartitionLog::open(path, Arc::clone(&self.files), false, trust_state, 0).unwrap();
    }

    pub(crate) fn append(&mut self, build: &Build<'_>) -> Appended {
        self.append_at(build, 0)
    }

    pub(crate) fn append_at(&mut self, build: &Build<'_>, now: i64) -> Appended {
        let bytes = batch(build);
        let header = BatchHeader::parse_whole(&bytes).unwrap();
        self.log.append(&bytes, &header, &self.settings, now).unwrap()
    }

    /// Reads the whole log and returns (base offset, record count) of each batch up to `bound`.
    pub(crate) fn batches(&self, bound: i64) -> Vec<(i64, i32)> {
        let mut offset = self.log.start;
        let mut found = Vec::new();
        loop {
            let bytes = self.log.read_alone(offset, bound, 4_096, true).unwrap().bytes;
            if bytes.is_empty() {
                return found;
            }
            let mut at = 0;
            while at < bytes.len() {
                let header = BatchHeader::parse_whole(&bytes[at..]).unwrap();
                found.push((header.base_offset, header.record_count));
                offset = header.next_offset();
                at += header.size;
            }
        }
    }
}

impl PartitionLog {
    /// Reads into memory of its own.
    pub(crate) fn read_alone(
        &self,
        offset: i64,
        bound: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Batches, ReadFault> {
        self.read(offset, bound, max_bytes, at_least_one, &mut Buffers::default())
    }
}
