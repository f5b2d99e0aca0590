use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::produce_request::TopicProduceData;
use tempfile::TempDir;

use super::*;
use crate::journal::{Entry, PartitionRef, TopicRow};
use crate::log::testing::{Build, batch};
use crate::options::BrokerOptions;
use crate::sync::lock;

struct Bench {
    _dir: TempDir,
    core: Core,
}

impl Bench {
    /// A broker without sockets and a topic with these settings.
    fn new(settings: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let local = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let core = Core::open(BrokerOptions::new(local, dir.path()), local, false, None).unwrap();
        let configs = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let row =
            TopicRow { id: uuid::Uuid::from_u128(1), partitions: 1, configs, starts: Default::default() };
        let (id, configs) = (row.id, row.configs.clone());
        core.record(Entry::TopicCreated { name: "t".into(), id, partitions: 1, configs }).unwrap();
        core.topics.insert("t", &row, true, 0).unwrap();
        Self { _dir: dir, core }
    }

    fn partition(&self) -> Arc<Partition> {
        self.core.topics.partition(&PartitionRef { topic: "t".into(), partition: 0 }).unwrap()
    }

    /// Error code and base offset.
    fn send(&self, batch: Vec<u8>) -> (i16, i64) {
        let data = PartitionProduceData::default().with_index(0).with_records(Some(Bytes::from(batch)));
        let topic = TopicProduceData::default().with_name(topic_name("t")).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
        let response = produce(&self.core, &request).unwrap();
        let row = &response.responses[0].partition_responses[0];
        (row.error_code, row.base_offset)
    }
}

fn numbered(sequence: i32) -> Vec<u8> {
    batch(&Build { producer: Some((1, 0, sequence)), ..Build::default() })
}

#[test]
fn a_full_disk_is_a_storage_error_and_the_same_batch_fits_once_there_is_room() {
    let bench = Bench::new(&[]);
    assert_eq!(bench.send(numbered(0)), (0, 0));
    let files = Arc::clone(&lock(&bench.partition().log).files);
    files.set_room(Some(20));
    assert_eq!(bench.send(numbered(1)).0, ResponseError::KafkaStorageError.code());
    files.set_room(None);
    assert_eq!(bench.send(numbered(1)), (0, 1));
    assert_eq!(bench.send(numbered(1)), (0, 1), "a repeat gets its first answer");
    assert_eq!(lock(&bench.partition().log).end, 2);
}

#[test]
fn what_is_not_one_dense_data_batch_is_refused() {
    let bench = Bench::new(&[("max.message.bytes", "500")]);
    let good = batch(&Build::default());
    let twice = [good.clone(), good.clone()].concat();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut sparse = crate::log::batch::with_records(&good, &good[61..], 7);
    sparse.truncate(good.len());
    let large = batch(&Build { value: Some(&"x".repeat(600)), ..Build::default() });
    let marker = crate::log::batch::marker(1, 0, crate::log::batch::Ending::Commit, 0);
    let transactional = batch(&Build { producer: Some((1, 0, 0)), transactional: true, ..Build::default() });
    for (what, bytes, error) in [
        ("nothing", Vec::new(), ResponseError::CorruptMessage),
        ("two batches", twice, ResponseError::InvalidRecord),
        ("a flipped bit", flipped, ResponseError::CorruptMessage),
        ("a wrong count", sparse, ResponseError::InvalidRecord),
        ("too large", large, ResponseError::MessageTooLarge),
        ("a marker", marker, ResponseError::InvalidRecord),
        ("a transaction without an id", transactional, ResponseError::InvalidTxnState),
    ] {
        assert_eq!(bench.send(bytes).0, error.code(), "{what}");
    }
    assert_eq!(bench.send(good), (0, 0));
}

#[test]
fn a_compacted_topic_wants_keys() {
    let bench = Bench::new(&[("cleanup.policy", "compact")]);
    assert_eq!(bench.send(batch(&Build::default())), (0, 0));
    let keyless = {
        let good = batch(&Build { keys: &["k"], ..Build::default() });
        // Attributes, two deltas, key length -1, value length 0, no headers.
        crate::log::batch::with_records(&good, &[6 << 1, 0, 0, 0, 1, 0, 0], 1)
    };
    assert_eq!(bench.send(keyless).0, ResponseError::InvalidRecord.code());
}
