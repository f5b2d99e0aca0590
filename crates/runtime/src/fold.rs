//! What a shell gives to the runtime: a fold, and a factory that makes or restores one per unit.
//!
//! A *unit* is one state and everything that feeds it: the partitions of one number of all input topics of a
//! role. The fold is pure: it sees records, and the owner's clock only through [`Fold::on_clock`]; what it wants
//! done leaves as records through [`Outputs`].
//!
//! Invariants a fold keeps:
//! - The state is a function of the records folded; with several inputs it does not depend on how they were
//!   interleaved, because a restore interleaves them anew.
//! - `apply` folds a record whole or not at all: after an `Err` the state is as before the call.
//! - Nothing that happens to [`Outputs`] changes the state. A fold restored by snapshot does not change its state
//!   in `on_clock` or `resumed` either: it appends a record there and acts when it reads it back. A fold restored
//!   from a changelog may, and then says so in the changelog by the same outputs.

use bellwether_log::{NewRecord, Record};

/// One state: the partitions with this number of all input topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

impl std::fmt::Display for UnitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A hash of a fold's whole state, to prove two states equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StateHash(pub [u8; 16]);

impl std::fmt::Display for StateHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", hex::encode(self.0))
    }
}

/// Where a record stands among those of the unit's other inputs: time first, then a tie-break that is equal only
/// for records whose order does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Decides between records of one instant; (source, id) for events.
    pub tie: Vec<u8>,
}

/// At what a record failed. A closed set: it is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The bytes do not parse.
    Decode,
    /// They parse and say something impossible.
    Validate,
    /// The fold refused it.
    Apply,
    /// The fold panicked on it.
    Panic,
}

impl Stage {
    /// The word used in headers and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Validate => "validate",
            Self::Apply => "apply",
            Self::Panic => "panic",
        }
    }
}

/// Why one record cannot be folded. It goes to the dead-letter topic as it is, and the fold goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record failed at {}: {cause}", stage.as_str())]
pub struct Poison {
    /// At what it failed.
    pub stage: Stage,
    /// What was wrong with it, without personal data: it becomes a header and a log field.
    pub cause: String,
}

impl Poison {
    /// Names a failure.
    pub fn new(stage: Stage, cause: impl Into<String>) -> Self {
        Self { stage, cause: cause.into() }
    }
}

/// A snapshot's content that this fold cannot read.
#[derive(Debug, thiserror::Error)]
#[error("snapshot content does not restore: {what}")]
pub struct RestoreError {
    /// What was wrong.
    pub what: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RestoreError {
    /// An error without a cause below it.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// An error with its cause.
    pub fn with_source(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

/// Where a fold puts the records it wants appended. During a restore they are dropped.
#[derive(Debug, Default)]
pub struct Outputs {
    records: Vec<NewRecord>,
    bytes: usize,
    suppressed: bool,
}

impl Outputs {
    /// Collects what is pushed.
    pub fn collecting() -> Self {
        Self::default()
    }

    /// Drops what is pushed: the record was acted on when it was first folded.
    pub fn suppressed() -> Self {
        Self { suppressed: true, ..Self::default() }
    }

    /// False during a restore. A fold may skip encoding then, and nothing else: its state must come out the same.
    pub fn wanted(&self) -> bool {
        !self.suppressed
    }

    /// Asks for a record to be appended, after those pushed before it.
    pub fn push(&mut self, record: NewRecord) {
        if !self.suppressed {
            self.bytes += weight(&record);
            self.records.push(record);
        }
    }

    /// What was pushed so far.
    pub fn records(&self) -> &[NewRecord] {
        &self.records
    }

    /// Takes what was pushed.
    pub fn into_records(self) -> Vec<NewRecord> {
        self.records
    }

    /// Keys and values pushed so far, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Takes back what was pushed after the first `len`: a record is folded whole or not at all.
    pub(crate) fn truncate(&mut self, len: usize) {
        for record in self.records.drain(len..) {
            self.bytes -= weight(&record);
        }
    }
}

fn weight(record: &NewRecord) -> usize {
    record.key.as_ref().map_or(0, |key| key.len()) + record.value.as_ref().map_or(0, |value| value.len())
}

/// One unit's state and how records change it.
pub trait Fold: Send {
    /// Folds one record, whole or not at all. Effects leave through `out`.
    fn apply(&mut self, record: &Record, out: &mut Outputs) -> Result<(), Poison>;

    /// The owner's clock in Unix milliseconds: called when [`Fold::next_due_ms`] has come, at most once a second,
    /// and slowly while anything is pending. Appends ticks, or acts where state lives in a changelog.
    fn on_clock(&mut self, now_ms: i64, out: &mut Outputs);

    /// When the clock should be told next; `None` when nothing is pending.
    fn next_due_ms(&self) -> Option<i64>;

    /// Nobody may have told the clock since `paused_since_ms`: called before the first `on_clock` after an
    /// assignment (the instant is the latest record time of the restored state) and after the loop stood still.
    /// Whether that was a pause worth a fact is the fold's to judge. A fresh state has no such instant and is not
    /// called.
    fn resumed(&mut self, _paused_since_ms: i64, _now_ms: i64, _out: &mut Outputs) {}

    /// `record` made the fold panic and is in the dead-letter topic; called on the state reloaded to just before
    /// it, live with `out` collecting and again with `out` suppressed when a restore passes it. Should append a
    /// fact that says so.
    fn skipped(&mut self, record: &Record, cause: &str, out: &mut Outputs);

    /// A record of a broadcast topic, which every unit reads outside the group: first all that exists, before any
    /// replay, then as it comes, and again after every restore. It changes what the fold knows and says nothing;
    /// what follows from it is said at the next record or clock.
    fn observe(&mut self, _record: &Record) -> Result<(), Poison> {
        Ok(())
    }

    /// One record of the unit's changelog, on a fresh state, in offset order; a tombstone deletes. Only called
    /// with changelog restore.
    fn load_changelog(&mut self, _record: &Record) -> Result<(), Poison> {
        Err(Poison::new(Stage::Apply, "this fold keeps no changelog"))
    }

    /// Where the record stands among those of other inputs; used with merged inputs only. Must not fail on
    /// records that `apply` would refuse.
    fn order_key(&self, record: &Record) -> OrderKey {
        OrderKey { at_ms: record.timestamp_ms, tie: Vec::new() }
    }

    /// True while a record may be released only when every input has shown a record with a greater or equal key
    /// (time marks are ordinary records of each topic), so that the order never depends on arrival. For topic
    /// sets in warped time, with merged inputs.
    fn holds_until_marks(&self) -> bool {
        false
    }

    /// The whole state as bytes. Not called with changelog restore.
    fn snapshot(&self) -> Vec<u8>;

    /// A hash of the whole state: equal states, equal hashes, whatever led to them.
    fn state_hash(&self) -> StateHash;
}

/// Makes and restores folds.
pub trait FoldFactory: Send + Sync {
    /// A fresh state.
    fn create(&self, unit: UnitId) -> Box<dyn Fold>;

    /// A state from the bytes of [`Fold::snapshot`], written by `engine`, which may be an older version.
    fn restore(&self, unit: UnitId, engine: &str, snapshot: &[u8]) -> Result<Box<dyn Fold>, RestoreError>;

    /// Version of the engine, kept in snapshots.
    fn engine(&self) -> &str;

    /// Joins what one transaction is about to append into fewer records, in the same order within each partition. Not
    /// called for a batch in which a fold said something on its clock: that is found again by its place.
    fn pack(&self, records: Vec<NewRecord>) -> Vec<NewRecord> {
        records
    }
}
