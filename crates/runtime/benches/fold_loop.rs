//! What the loop itself costs per record, on a log that costs next to nothing: live folding with commits, and the
//! replay of a restore. The fold only adds up lengths.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bellwether_log::{
    Appender, Assignment, Bounds, CommitOutcome, EventLog, FencingToken, GroupOptions, Member,
    PartitionReader, Polled, Position, Record, Result, TopicInfo, TopicPartition, TopicSpec, Transaction,
};
use bellwether_runtime::{
    DeadLetterTopic, Fold, FoldFactory, ManualClock, MemoryObjects, NoFailpoints, Options, Outputs, Poison,
    Restore, RestoreError, Service, StateHash, UnitHealth, UnitId,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Records in the partition.
const RECORDS: i64 = 100_000;
/// Records of one poll or read.
const BATCH: i64 = 4_000;

/// A partition of equal records; `committed` of them are consumed.
#[derive(Debug, Clone)]
struct Plain {
    committed: Option<i64>,
    value: bytes::Bytes,
}

impl Plain {
    fn new(committed: Option<i64>) -> Self {
        Self { committed, value: vec![7; 150].into() }
    }

    fn batch(&self, from: i64) -> Vec<Record> {
        let record = |offset| Record {
            from: TopicPartition::new("bellwether.facts.v1", 0),
            offset,
            key: None,
            value: Some(self.value.clone()),
            headers: Vec::new(),
            timestamp_ms: offset,
        };
        (from..(from + BATCH).min(RECORDS)).map(record).collect()
    }
}

impl EventLog for Plain {
    fn create_topics(&self, _topics: &[TopicSpec]) -> Result<()> {
        Ok(())
    }

    fn describe_topics(&self, prefix: &str) -> Result<Vec<TopicInfo>> {
        Ok(vec![TopicInfo { name: prefix.to_owned(), partitions: 1, replication: 1, settings: vec![] }])
    }

    fn bounds(&self, _partition: &TopicPartition) -> Result<Bounds> {
        Ok(Bounds { start: 0, stable_end: RECORDS, end: RECORDS })
    }

    fn committed(&self, _group: &str, _partitions: &[TopicPartition]) -> Result<Vec<Position>> {
        Ok(vec![])
    }

    fn join(&self, _options: GroupOptions) -> Result<Box<dyn Member>> {
        Ok(Box::new(PlainMember { log: self.clone(), assigned: false, at: None }))
    }

    fn read(&self, _partition: &TopicPartition, from_offset: i64) -> Result<Box<dyn PartitionReader>> {
        Ok(Box::new(PlainReader { log: self.clone(), at: from_offset }))
    }

    fn appender(&self) -> Result<Box<dyn Appender>> {
        unreachable!("the loop appends in transactions only")
    }
}

struct PlainMember {
    log: Plain,
    assigned: bool,
    at: Option<i64>,
}

impl Member for PlainMember {
    fn poll(&mut self, _timeout: Duration) -> Result<Polled> {
        let token = FencingToken(1);
        if !self.assigned {
            self.assigned = true;
            let partition = TopicPartition::new("bellwether.facts.v1", 0);
            return Ok(Polled::Assigned(vec![Assignment { partition, committed: self.log.committed }]));
        }
        match self.at {
            Some(at) if at < RECORDS => {
                let records = self.log.batch(at);
                self.at = Some(at + BATCH);
                Ok(Polled::Batch { records, token })
            }
            _ => Ok(Polled::Idle { token }),
        }
    }

    fn start(&mut self, _partition: &TopicPartition, next_offset: i64) -> Result<()> {
        self.at = Some(next_offset);
        Ok(())
    }

    fn pause(&mut self, _partition: &TopicPartition) -> Result<()> {
        self.at = None;
        Ok(())
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<CommitOutcome> {
        Ok(CommitOutcome { offsets: vec![None; transaction.records.len()] })
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Assignment>> {
        let at = |partition: &TopicPartition| Assignment {
            partition: partition.clone(),
            committed: self.log.committed,
        };
        Ok(partitions.iter().map(at).collect())
    }

    fn leave(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

struct PlainReader {
    log: Plain,
    at: i64,
}

impl PartitionReader for PlainReader {
    fn next(&mut self, _timeout: Duration) -> Result<Vec<Record>> {
        let records = self.log.batch(self.at);
        self.at = (self.at + BATCH).min(RECORDS);
        Ok(records)
    }

    fn next_offset(&self) -> i64 {
        self.at
    }
}

struct Lengths(u64);

impl Fold for Lengths {
    fn apply(&mut self, record: &Record, _out: &mut Outputs) -> std::result::Result<(), Poison> {
        self.0 += record.value.as_ref().map_or(0, |value| value.len() as u64);
        Ok(())
    }

    fn on_clock(&mut self, _now_ms: i64, _out: &mut Outputs) {}

    fn next_due_ms(&self) -> Option<i64> {
        None
    }

    fn skipped(&mut self, _record: &Record, _cause: &str, _out: &mut Outputs) {}

    fn snapshot(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn state_hash(&self) -> StateHash {
        StateHash::default()
    }
}

struct Factory;

impl FoldFactory for Factory {
    fn create(&self, _unit: UnitId) -> Box<dyn Fold> {
        Box::new(Lengths(0))
    }

    fn restore(
        &self,
        _unit: UnitId,
        _engine: &str,
        _snapshot: &[u8],
    ) -> std::result::Result<Box<dyn Fold>, RestoreError> {
        Err(RestoreError::new("there are no snapshots here"))
    }

    fn engine(&self) -> &str {
        "bench"
    }
}

fn service(committed: Option<i64>) -> Service {
    let dead_letters = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
    let restore = Restore::Snapshots(Arc::new(MemoryObjects::default()));
    let options = Options::new("bench", "process", "bellwether.facts.v1", 1, dead_letters, restore);
    let clock = Arc::new(ManualClock::new(0));
    let log = Arc::new(Plain::new(committed));
    Service::simulated(log, Arc::new(Factory), clock, options, Box::new(NoFailpoints))
        .expect("the options fit")
}

/// Steps until the one unit is live and `next_offset` is committed.
fn drive(mut service: Service, next_offset: i64) -> Service {
    let handle = service.handle();
    loop {
        service.step().expect("this log never fails");
        let units = handle.status().units();
        let Some(unit) = units.get(&UnitId(0)) else { continue };
        let reached = unit.next_offsets.first().is_some_and(|at| at.next_offset >= next_offset);
        if reached && unit.health == UnitHealth::Live {
            return service;
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold_loop");
    group.throughput(Throughput::Elements(RECORDS.unsigned_abs())).sample_size(20);
    group.bench_function("live", |bencher| {
        bencher.iter_with_large_drop(|| black_box(drive(service(None), RECORDS)));
    });
    group.bench_function("replay", |bencher| {
        bencher.iter_with_large_drop(|| black_box(drive(service(Some(RECORDS)), RECORDS)));
    });
    group.bench_function("the log alone", |bencher| {
        let log = Plain::new(None);
        bencher.iter(|| {
            let mut at = 0;
            while at < RECORDS {
                black_box(log.batch(at));
                at += BATCH;
            }
        });
    });
    group.finish();
}

criterion_group!(fold_loop, benches);
criterion_main!(fold_loop);
