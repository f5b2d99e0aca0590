use std::collections::BTreeSet;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::core::Core;
use crate::journal::OffsetRow;
use crate::log::batch::BatchHeader;
use crate::log::testing::{Build, batch};
use crate::options::BrokerOptions;
use crate::sync::lock;
use crate::txn::{Context, InitRequest};

fn transaction(phase: Phase) -> Transaction {
    let producer = ProducerKey { id: 7, epoch: 3 };
    Transaction { producer, last_epoch: 2, timeout_ms: 1_000, phase, changed_at: 0 }
}

fn at(partition: i32) -> PartitionRef {
    PartitionRef { topic: "t".to_owned(), partition }
}

fn ongoing() -> Phase {
    let contents = Contents { partitions: BTreeSet::from([at(0)]), ..Contents::default() };
    Phase::Ongoing { since: 500, contents }
}

fn phases() -> Vec<(&'static str, Phase)> {
    let decided = Phase::Decided { ending: Ending::Commit, partitions: vec![at(0)], offsets: Vec::new() };
    vec![
        ("Empty", Phase::Empty),
        ("Ongoing", ongoing()),
        ("Preparing", Phase::Preparing { contents: Contents::default() }),
        ("Decided", decided),
        ("Ended(Abort)", Phase::Ended { ending: Ending::Abort }),
        ("Ended(Commit)", Phase::Ended { ending: Ending::Commit }),
    ]
}

/// Every state against every event: a change of behaviour shows as a changed line.
#[test]
fn transition_table() {
    let current = ProducerKey { id: 7, epoch: 3 };
    let mut table = Vec::new();
    for (name, phase) in phases() {
        let mut transaction = transaction(phase);
        let brief =
            |outcome: Result<String, ResponseError>| outcome.unwrap_or_else(|error| format!("{error:?}"));
        let commit = brief(transaction.end(current, Ending::Commit).map(|step| format!("{step:?}")));
        let abort = brief(transaction.end(current, Ending::Abort).map(|step| format!("{step:?}")));
        let write = brief(transaction.check_write(current, &at(0)).map(|()| "ok".to_owned()));
        let other = brief(transaction.check_write(current, &at(9)).map(|()| "ok".to_owned()));
        let open =
            transaction.open(current).map(|open| if open.is_some() { "add" } else { "begin" }.to_owned());
        let open = brief(open);
        let seat = brief(transaction.seat(None).map(|seating| match seating {
            Seating::Seat { epoch, .. } => format!("epoch {epoch}"),
            Seating::Repeat => "repeat".to_owned(),
            Seating::AbortFirst => "abort first".to_owned(),
        }));
        table.push(format!(
            "{name}: commit={commit} abort={abort} write={write}/{other} add={open} init={seat}"
        ));
    }
    assert_eq!(
        table,
        [
            "Empty: commit=InvalidTxnState abort=InvalidTxnState write=InvalidTxnState/InvalidTxnState \
             add=begin init=epoch 4",
            "Ongoing: commit=Decide abort=Decide write=ok/InvalidTxnState add=add init=abort first",
            "Preparing: commit=ConcurrentTransactions abort=ConcurrentTransactions \
             write=InvalidTxnState/InvalidTxnState add=ConcurrentTransactions init=ConcurrentTransactions",
            "Decided: commit=ConcurrentTransactions abort=ConcurrentTransactions \
             write=InvalidTxnState/InvalidTxnState add=ConcurrentTransactions init=ConcurrentTransactions",
            "Ended(Abort): commit=InvalidTxnState abort=AlreadyEnded write=InvalidTxnState/InvalidTxnState \
             add=begin init=epoch 4",
            "Ended(Commit): commit=AlreadyEnded abort=InvalidTxnState write=InvalidTxnState/InvalidTxnState \
             add=begin init=epoch 4",
        ]
    );
}

#[test]
fn only_the_current_producer_is_heard() {
    for (name, phase) in phases() {
        let mut transaction = transaction(phase);
        for (producer, error) in [
            (ProducerKey { id: 8, epoch: 3 }, ResponseError::InvalidProducerIdMapping),
            (ProducerKey { id: 7, epoch: 2 }, ResponseError::ProducerFenced),
            (ProducerKey { id: 7, epoch: 4 }, ResponseError::ProducerFenced),
        ] {
            assert_eq!(transaction.end(producer, Ending::Commit), Err(error), "{name}");
            assert_eq!(transaction.check_write(producer, &at(0)), Err(error), "{name}");
            assert_eq!(transaction.open(producer).err(), Some(error), "{name}");
        }
    }
}

#[test]
fn a_producer_that_names_itself_is_bumped_repeated_or_fenced() {
    let transaction = transaction(Phase::Empty);
    let key = |id, epoch| Some(ProducerKey { id, epoch });
    let seat = Seating::Seat { id: Some(7), epoch: 4, last_epoch: 3 };
    assert_eq!(transaction.seat(key(7, 3)), Ok(seat));
    assert_eq!(transaction.seat(key(7, 2)), Ok(Seating::Repeat));
    assert_eq!(transaction.seat(key(7, 1)), Err(ResponseError::ProducerFenced));
    assert_eq!(transaction.seat(key(8, 3)), Err(ResponseError::ProducerFenced));
}

#[test]
fn an_exhausted_epoch_takes_a_new_producer_id() {
    let mut transaction = transaction(Phase::Empty);
    transaction.producer.epoch = i16::MAX - 1;
    assert_eq!(transaction.seat(None), Ok(Seating::Seat { id: None, epoch: 0, last_epoch: -1 }));
    assert_eq!(fencing_epoch(i16::MAX - 1), i16::MAX);
}

/// A broker without sockets, its clients being these tests.
struct Bench {
    dir: TempDir,
    core: Core,
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let core = open(&dir);
        let row = crate::journal::TopicRow {
            id: uuid::Uuid::from_u128(1),
            partitions: 2,
            configs: Default::default(),
            starts: Default::default(),
        };
        let created = crate::journal::Entry::TopicCreated {
            name: "t".to_owned(),
            id: row.id,
            partitions: 2,
            configs: Default::default(),
        };
        core.record(created).unwrap();
        core.topics.insert("t", &row, true, 0).unwrap();
        Self { dir, core }
    }

    /// Opens the folder again as after a kill.
    fn crash(self) -> Self {
        let Self { dir, core } = self;
        drop(core);
        let core = open(&dir);
        Self { dir, core }
    }

    fn context(&self) -> Context<'_> {
        self.core.transaction_context()
    }

    fn init(&self) -> ProducerKey {
        let request = InitRequest { transactional_id: Some("tx"), timeout_ms: 1_000, known: None };
        self.core.transactions.init(self.context(), request).unwrap()
    }

    fn begin(&self, producer: ProducerKey, first_sequence: i32) {
        self.core.transactions.add_partitions(self.context(), "tx", producer, vec![at(0), at(1)]).unwrap();
        self.core.transactions.add_group(self.context(), "tx", producer, "g").unwrap();
        self.write(producer, first_sequence).unwrap();
        let row = OffsetRow { at: at(1), offset: 42, leader_epoch: 0, metadata: String::new() };
        self.core.transactions.add_offsets("tx", producer, "g", vec![row], || Ok(())).unwrap();
    }

    fn write(&self, producer: ProducerKey, sequence: i32) -> Result<(), ResponseError> {
        let build = Build {
            producer: Some((producer.id, producer.epoch, sequence)),
            transactional: true,
            ..Build::default()
        };
        let bytes = batch(&build);
        let header = BatchHeader::parse_whole(&bytes).unwrap();
        let partition = self.core.topics.partition(&at(0)).unwrap();
        let appended =
            self.core.transactions.write("tx", producer, &at(0), || partition.append(&bytes, &header))?;
        appended.map(drop).map_err(|_| ResponseError::InvalidProducerEpoch)
    }

    async fn end(&self, producer: ProducerKey, ending: Ending) -> Result<(), ResponseError> {
        self.core.transactions.end(self.context(), "tx", producer, ending).await
    }

    /// End, stable end and number of aborted ranges of partition 0.
    fn log(&self) -> (i64, i64, usize) {
        let partition = self.core.topics.partition(&at(0)).unwrap();
        let log = lock(&partition.log);
        (log.end, log.stable_end(), log.aborted.len())
    }

    fn committed(&self) -> Option<i64> {
        let journal = lock(&self.core.journal);
        journal.image().offsets.get("g")?.get(&at(1)).map(|row| row.offset)
    }
}

fn open(dir: &TempDir) -> Core {
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    Core::open(BrokerOptions::new(local, dir.path()), local, false, None).unwrap()
}

#[tokio::test]
async fn a_commit_shows_records_and_offsets_together() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    assert_eq!((bench.log(), bench.committed()), ((1, 0, 0), None));
    assert!(bench.core.transactions.holds_offset("g", &at(1)));
    bench.end(producer, Ending::Commit).await.unwrap();
    assert_eq!((bench.log(), bench.committed()), ((2, 2, 0), Some(42)));
    assert!(!bench.core.transactions.holds_offset("g", &at(1)));
    bench.end(producer, Ending::Commit).await.unwrap();
    assert_eq!(bench.log().0, 2, "a repeated commit writes nothing");
}

#[tokio::test]
async fn an_abort_hides_records_and_drops_offsets() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    bench.end(producer, Ending::Abort).await.unwrap();
    assert_eq!((bench.log(), bench.committed()), ((2, 2, 1), None));
    assert_eq!(bench.end(producer, Ending::Commit).await, Err(ResponseError::InvalidTxnState));
}

#[tokio::test]
async fn a_new_producer_aborts_its_predecessor_and_fences_it_at_the_partitions() {
    let bench = Bench::new();
    let zombie = bench.init();
    bench.begin(zombie, 0);
    let successor = bench.init();
    assert_eq!(successor.id, zombie.id);
    assert!(successor.epoch > zombie.epoch);
    assert_eq!(bench.log(), (2, 2, 1));
    assert_eq!(bench.write(zombie, 1), Err(ResponseError::ProducerFenced));
    assert_eq!(bench.end(zombie, Ending::Commit).await, Err(ResponseError::ProducerFenced));
    let partition = bench.core.topics.partition(&at(0)).unwrap();
    let epoch = lock(&partition.log).producers.get(zombie.id).unwrap().epoch;
    assert!(epoch > zombie.epoch, "the marker carries the bumped epoch");
    bench.begin(successor, 0);
    bench.end(successor, Ending::Commit).await.unwrap();
    assert_eq!(bench.committed(), Some(42));
}

#[tokio::test]
async fn a_crash_aborts_what_was_open_and_fences_its_producer() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    let bench = bench.crash();
    assert_eq!((bench.log(), bench.committed()), ((2, 2, 1), None));
    assert_eq!(bench.end(producer, Ending::Commit).await, Err(ResponseError::ProducerFenced));
    let again = bench.crash();
    assert_eq!(again.log(), (2, 2, 1), "a second start finds nothing to do");
}

#[tokio::test]
async fn a_transaction_of_offsets_only_does_not_survive_a_crash_as_an_empty_commit() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.core.transactions.add_group(bench.context(), "tx", producer, "g").unwrap();
    let row = OffsetRow { at: at(1), offset: 42, leader_epoch: 0, metadata: String::new() };
    bench.core.transactions.add_offsets("tx", producer, "g", vec![row], || Ok(())).unwrap();
    let bench = bench.crash();
    let refused = bench.core.transactions.add_partitions(bench.context(), "tx", producer, vec![at(0)]);
    assert_eq!(refused, Err(ResponseError::ProducerFenced));
}

#[tokio::test]
async fn a_crash_right_after_the_decision_is_finished_as_decided() {
    for ending in [Ending::Commit, Ending::Abort] {
        let bench = Bench::new();
        let producer = bench.init();
        bench.begin(producer, 0);
        // The crash comes between the decision and the first marker.
        let offsets = if ending == Ending::Commit {
            let row = OffsetRow { at: at(1), offset: 42, leader_epoch: 0, metadata: String::new() };
            vec![OffsetRows { group: "g".to_owned(), rows: vec![row] }]
        } else {
            Vec::new()
        };
        let decided = crate::journal::Entry::TransactionDecided {
            transactional_id: "tx".to_owned(),
            epoch: producer.epoch,
            ending,
            partitions: vec![at(0), at(1)],
            offsets,
            at: 0,
        };
        bench.core.record(decided).unwrap();
        let bench = bench.crash();
        let (aborted, committed) = if ending == Ending::Commit { (0, Some(42)) } else { (1, None) };
        assert_eq!((bench.log(), bench.committed()), ((2, 2, aborted), committed));
        bench.end(producer, ending).await.unwrap();
        let bench = bench.crash();
        assert_eq!(bench.log(), (2, 2, aborted), "nothing is written twice");
    }
}

#[tokio::test]
async fn a_failed_decision_leaves_the_transaction_open() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    lock(&bench.core.journal).fail_next();
    assert_eq!(bench.end(producer, Ending::Commit).await, Err(ResponseError::CoordinatorNotAvailable));
    assert_eq!((bench.log(), bench.committed()), ((1, 0, 0), None));
    bench.end(producer, Ending::Commit).await.unwrap();
    assert_eq!((bench.log(), bench.committed()), ((2, 2, 0), Some(42)));
}

#[tokio::test]
async fn a_failed_marker_is_written_later_and_the_decision_stands() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    let files = {
        let partition = bench.core.topics.partition(&at(0)).unwrap();
        let log = lock(&partition.log);
        Arc::clone(&log.files)
    };
    files.set_room(Some(10));
    assert_eq!(bench.end(producer, Ending::Commit).await, Err(ResponseError::CoordinatorNotAvailable));
    assert_eq!(bench.end(producer, Ending::Abort).await, Err(ResponseError::ConcurrentTransactions));
    assert_eq!(bench.committed(), None);
    files.set_room(None);
    bench.core.transactions.tick(bench.context());
    assert_eq!((bench.log(), bench.committed()), ((2, 2, 0), Some(42)));
    bench.end(producer, Ending::Commit).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_transaction_is_aborted_at_its_time_out() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    tokio::time::advance(std::time::Duration::from_millis(999)).await;
    bench.core.transactions.tick(bench.context());
    assert_eq!(bench.log(), (1, 0, 0));
    tokio::time::advance(std::time::Duration::from_millis(2)).await;
    bench.core.transactions.tick(bench.context());
    assert_eq!(bench.log(), (2, 2, 1));
    assert_eq!(bench.end(producer, Ending::Commit).await, Err(ResponseError::ProducerFenced));
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_cannot_be_written_is_tried_once_a_second_however_often_clients_ask() {
    let bench = Bench::new();
    let producer = bench.init();
    bench.begin(producer, 0);
    tokio::time::advance(std::time::Duration::from_millis(1_001)).await;
    lock(&bench.core.journal).fail_next();
    let again = bench.core.transactions.tick(bench.context());
    assert_eq!(bench.log(), (1, 0, 0), "the first try fails");
    for _ in 0..100 {
        assert_eq!(bench.core.transactions.tick(bench.context()), again);
    }
    assert_eq!(bench.log(), (1, 0, 0), "nothing is tried in between");
    tokio::time::advance(std::time::Duration::from_millis(1_000)).await;
    bench.core.transactions.tick(bench.context());
    assert_eq!(bench.log(), (2, 2, 1), "then it is aborted");
}

#[tokio::test]
async fn producer_ids_are_never_given_twice() {
    let bench = Bench::new();
    let plain = InitRequest { transactional_id: None, timeout_ms: 0, known: None };
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        assert!(seen.insert(bench.core.transactions.init(bench.context(), plain).unwrap().id));
    }
    let bench = bench.crash();
    assert!(seen.insert(bench.core.transactions.init(bench.context(), plain).unwrap().id));
}
