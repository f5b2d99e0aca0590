//! The topic settings a log obeys, as plain values. Parsing and defaults live with the topics.

/// How a log keeps, rolls, cleans and dates what is written to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogSettings {
    /// Old segments are deleted (`cleanup.policy` holds `delete`).
    pub(crate) delete: bool,
    /// Older records of a key are removed (`cleanup.policy` holds `compact`).
    pub(crate) compact: bool,
    /// Records carry the time of their append rather than the producer's.
    pub(crate) append_time: bool,
    pub(crate) max_message_bytes: usize,
    pub(crate) segment_bytes: u64,
    pub(crate) segment_ms: i64,
    /// `None` keeps records for ever.
    pub(crate) retention_ms: Option<i64>,
    /// `None` sets no bound on the size.
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) delete_retention_ms: i64,
    /// Share of uncleaned bytes that makes a clean worth while, in thousandths.
    pub(crate) min_dirty_permille: u64,
    pub(crate) min_compaction_lag_ms: i64,
}
