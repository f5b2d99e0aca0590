//! The essential client paths against a broker in this process.

use std::time::Duration;

use bellwether_broker::{Broker, BrokerOptions, Durability};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::harness::{
    InProcess, PATIENCE, admin, block_on, consumer, create_topic, drain, read_all, take, transactional,
};

fn send(producer: &rdkafka::producer::BaseProducer, topic: &str, value: &str) {
    producer.send(BaseRecord::<str, str>::to(topic).key("k").payload(value).partition(0)).unwrap();
    drain(producer);
}

fn assigned(config: &rdkafka::ClientConfig, topic: &str, isolation: &str) -> BaseConsumer {
    let consumer = consumer(config, "assigned", isolation);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    consumer
}

#[test]
fn idempotent_records_keep_order_headers_and_survive_a_restart() {
    let mut broker = InProcess::start();
    create_topic(&broker.config(), "t", 1, &[]);
    let producer: rdkafka::producer::BaseProducer =
        broker.config().set("enable.idempotence", "true").create().unwrap();
    for at in 0..100 {
        let value = at.to_string();
        let headers = OwnedHeaders::new()
            .insert(Header { key: "h", value: Some(&b"1"[..]) })
            .insert(Header { key: "h", value: None::<&[u8]> });
        producer.send(BaseRecord::to("t").key("k").payload(&value).headers(headers)).unwrap();
    }
    drain(&producer);
    broker.restart();
    let consumer = assigned(&broker.config(), "t", "read_uncommitted");
    let mut expected = 0;
    while expected < 100 {
        let Some(message) = consumer.poll(PATIENCE) else { panic!("record {expected} does not come") };
        let message = message.unwrap();
        assert_eq!(message.offset(), expected);
        assert_eq!(message.payload(), Some(expected.to_string().as_bytes()));
        assert_eq!(message.headers().unwrap().count(), 2);
        expected += 1;
    }
}

#[test]
fn committed_transactions_show_and_aborted_ones_do_not() {
    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "t", 1, &[]);
    let producer = transactional(&config, "id");
    producer.init_transactions(PATIENCE).unwrap();
    for (value, commit) in [("one", true), ("two", false), ("three", true)] {
        producer.begin_transaction().unwrap();
        send(&producer, "t", value);
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }
    assert_eq!(read_all(&config, "t", 1), ["one", "three"]);
    let everything = assigned(&config, "t", "read_uncommitted");
    assert_eq!(take(&everything, 3), ["one", "two", "three"]);
}

#[test]
fn an_open_transaction_holds_back_readers_until_it_ends() {
    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "t", 1, &[]);
    let producer = transactional(&config, "id");
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, "t", "held");
    let reader = assigned(&config, "t", "read_committed");
    assert!(reader.poll(Duration::from_millis(300)).is_none());
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(take(&reader, 1), ["held"]);
}

#[test]
fn a_zombie_is_fenced_on_write_and_on_commit() {
    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "t", 1, &[]);
    let zombie = transactional(&config, "id");
    zombie.init_transactions(PATIENCE).unwrap();
    zombie.begin_transaction().unwrap();
    send(&zombie, "t", "from the zombie");
    let successor = transactional(&config, "id");
    successor.init_transactions(PATIENCE).unwrap();
    let error = zombie.commit_transaction(PATIENCE).unwrap_err();
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fenced), "{error}");
    successor.begin_transaction().unwrap();
    send(&successor, "t", "from the successor");
    successor.commit_transaction(PATIENCE).unwrap();
    assert_eq!(read_all(&config, "t", 1), ["from the successor"]);
}

#[test]
fn offsets_move_with_the_transaction_and_a_stale_member_is_refused() {
    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "in", 1, &[]);
    create_topic(&config, "out", 1, &[]);
    let feed: rdkafka::producer::BaseProducer = config.create().unwrap();
    send(&feed, "in", "a");
    let consumer = consumer(&config, "g", "read_committed");
    consumer.subscribe(&["in"]).unwrap();
    assert_eq!(take(&consumer, 1), ["a"]);

    let producer = transactional(&config, "id");
    producer.init_transactions(PATIENCE).unwrap();
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset("in", 0, Offset::Offset(1)).unwrap();
    let committed = || {
        let mut list = TopicPartitionList::new();
        list.add_partition("in", 0);
        let list = consumer.committed_offsets(list, PATIENCE).unwrap();
        list.find_partition("in", 0).unwrap().offset()
    };
    for (commit, expected) in [(false, Offset::Invalid), (true, Offset::Offset(1))] {
        producer.begin_transaction().unwrap();
        send(&producer, "out", "A");
        let metadata = consumer.group_metadata().unwrap();
        producer.send_offsets_to_transaction(&positions, &metadata, PATIENCE).unwrap();
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
        assert_eq!(committed(), expected);
    }
    assert_eq!(read_all(&config, "out", 1), ["A"]);

    let stale = consumer.group_metadata().unwrap();
    drop(consumer);
    producer.begin_transaction().unwrap();
    let refused = producer.send_offsets_to_transaction(&positions, &stale, PATIENCE);
    assert!(refused.is_err(), "a member that left is not let through");
    producer.abort_transaction(PATIENCE).unwrap();
}

#[test]
fn two_members_share_a_topic_and_the_survivor_takes_over() {
    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "t", 4, &[]);
    let mut assignor = config;
    assignor.set("partition.assignment.strategy", "cooperative-sticky");
    let members: Vec<BaseConsumer> = (0..2).map(|_| consumer(&assignor, "g", "read_committed")).collect();
    members.iter().for_each(|member| member.subscribe(&["t"]).unwrap());
    let settle = |members: &[&BaseConsumer], each: usize| {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            assert!(std::time::Instant::now() < deadline, "the group does not settle");
            members.iter().for_each(|member| drop(member.poll(Duration::from_millis(50))));
            if members.iter().all(|member| member.assignment().unwrap().count() == each) {
                return;
            }
        }
    };
    settle(&[&members[0], &members[1]], 2);
    let mut members = members;
    drop(members.pop());
    settle(&[&members[0]], 4);
    let groups = members[0].fetch_group_list(Some("g"), PATIENCE).unwrap();
    assert_eq!(groups.groups()[0].state(), "Stable");
    assert_eq!(groups.groups()[0].members().len(), 1);
}

#[test]
fn commits_that_wait_for_the_disk_work_the_same() {
    let broker = InProcess::start_with(|options| options.durability = Durability::OnCommit);
    let config = broker.config();
    create_topic(&config, "t", 1, &[]);
    let producer = transactional(&config, "id");
    producer.init_transactions(PATIENCE).unwrap();
    for value in ["one", "two"] {
        producer.begin_transaction().unwrap();
        send(&producer, "t", value);
        producer.commit_transaction(PATIENCE).unwrap();
    }
    producer.begin_transaction().unwrap();
    send(&producer, "t", "aborted");
    producer.abort_transaction(PATIENCE).unwrap();
    assert_eq!(read_all(&config, "t", 1), ["one", "two"]);
}

#[test]
fn one_thread_is_enough_for_a_broker() {
    let dir = tempfile::TempDir::new().unwrap();
    let (address, started) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let options = BrokerOptions::new(([127, 0, 0, 1], 0).into(), dir.path());
    let serving = std::thread::spawn(move || {
        block_on(async {
            let broker = Broker::start(options).await.unwrap();
            address.send(broker.local_addr()).unwrap();
            stopped.await.unwrap();
            broker.stop().await.unwrap();
        });
    });
    let config = crate::harness::config(started.recv_timeout(PATIENCE).unwrap());
    create_topic(&config, "t", 1, &[]);
    let producer = transactional(&config, "id");
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, "t", "one");
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(read_all(&config, "t", 1), ["one"]);
    drop(producer);
    stop.send(()).unwrap();
    serving.join().unwrap();
}

#[test]
fn committed_offsets_survive_a_restart() {
    let mut broker = InProcess::start();
    create_topic(&broker.config(), "t", 1, &[]);
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset("t", 0, Offset::Offset(42)).unwrap();
    let before = consumer(&broker.config(), "g", "read_committed");
    before.commit(&positions, CommitMode::Sync).unwrap();
    drop(before);
    broker.restart();
    let after = consumer(&broker.config(), "g", "read_committed");
    let mut list = TopicPartitionList::new();
    list.add_partition("t", 0);
    let found = after.committed_offsets(list, PATIENCE).unwrap();
    assert_eq!(found.find_partition("t", 0).unwrap().offset(), Offset::Offset(42));
}

#[test]
fn topics_are_created_once_deleted_and_created_anew() {
    use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};

    let broker = InProcess::start();
    let config = broker.config();
    create_topic(&config, "t", 3, &[("cleanup.policy", "compact")]);
    let admin = admin(&config);
    let options = AdminOptions::new();
    let again = NewTopic::new("t", 1, TopicReplication::Fixed(1));
    let refused = block_on(admin.create_topics([&again], &options)).unwrap();
    assert_eq!(refused[0].as_ref().unwrap_err().1, RDKafkaErrorCode::TopicAlreadyExists);
    let described = block_on(admin.describe_configs(&[ResourceSpecifier::Topic("t")], &options))
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(described.get("cleanup.policy").unwrap().value.as_deref(), Some("compact"));
    block_on(admin.delete_topics(&["t"], &options)).unwrap().remove(0).unwrap();
    create_topic(&config, "t", 1, &[]);
    let client = consumer(&config, "g", "read_committed");
    let metadata = client.fetch_metadata(Some("t"), PATIENCE).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 1);
}
