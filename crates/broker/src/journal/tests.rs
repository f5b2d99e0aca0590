use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::journal::{OffsetRow, OffsetRows, PartitionRef, TransactionPhase};
use crate::log::batch::Ending;

fn at(topic: &str, partition: i32) -> PartitionRef {
    PartitionRef { topic: topic.to_owned(), partition }
}

fn rows(group: &str, topic: &str, offset: i64) -> OffsetRows {
    let row = OffsetRow { at: at(topic, 0), offset, leader_epoch: 0, metadata: "m".to_owned() };
    OffsetRows { group: group.to_owned(), rows: vec![row] }
}

fn id(text: &str) -> String {
    text.to_owned()
}

/// A history that touches every kind of entry.
fn history() -> Vec<Entry> {
    let configs = BTreeMap::from([(id("cleanup.policy"), id("compact"))]);
    let seated = |name: &str, producer_id| Entry::ProducerSeated {
        transactional_id: id(name),
        producer_id,
        epoch: 3,
        last_epoch: 2,
        timeout_ms: 10_000,
        at: 5,
    };
    let decided = |name: &str, ending| Entry::TransactionDecided {
        transactional_id: id(name),
        epoch: 4,
        ending,
        partitions: vec![at("t", 1)],
        offsets: vec![rows("txn-group", "t", 77)],
        at: 7,
    };
    let begun = |name: &str| Entry::TransactionBegun { transactional_id: id(name), at: 6 };
    let ended = |name: &str| Entry::TransactionEnded { transactional_id: id(name), at: 8 };
    vec![
        Entry::ClusterNamed { id: Uuid::from_u128(9) },
        Entry::TopicCreated {
            name: id("t"),
            id: Uuid::from_u128(1),
            partitions: 2,
            configs: configs.clone(),
        },
        Entry::TopicCreated {
            name: id("gone"),
            id: Uuid::from_u128(2),
            partitions: 1,
            configs: BTreeMap::new(),
        },
        Entry::PartitionsAdded { name: id("t"), partitions: 4 },
        Entry::ConfigsSet { name: id("t"), configs },
        Entry::StartRaised { at: at("t", 1), offset: 11 },
        Entry::OffsetsCommitted(rows("g", "t", 5)),
        Entry::OffsetsCommitted(rows("g", "gone", 5)),
        Entry::OffsetsCommitted(rows("deleted-group", "t", 5)),
        Entry::OffsetsCommitted(rows("emptied", "t", 5)),
        Entry::OffsetsDeleted { group: id("emptied"), partitions: vec![at("t", 0)] },
        Entry::GroupDeleted { group: id("deleted-group") },
        Entry::TopicDeleted { name: id("gone") },
        Entry::ProducerIdsReserved { next: 1_000 },
        seated("committed", 1),
        begun("committed"),
        decided("committed", Ending::Commit),
        ended("committed"),
        seated("prepared", 2),
        begun("prepared"),
        decided("prepared", Ending::Abort),
        seated("open", 3),
        begun("open"),
        seated("expired", 4),
        Entry::TransactionalIdExpired { transactional_id: id("expired") },
    ]
}

fn fold(entries: &[Entry]) -> Image {
    let mut image = Image::default();
    entries.iter().cloned().for_each(|entry| image.apply(entry));
    image
}

fn write_one_by_one(dir: &TempDir) -> Journal {
    let mut journal = Journal::open(dir.path().join("journal")).unwrap();
    history().into_iter().for_each(|entry| journal.append(vec![entry]).unwrap());
    journal
}

#[test]
fn history_folds_as_expected() {
    let image = fold(&history());
    assert_eq!(image.topics.keys().collect::<Vec<_>>(), ["t"]);
    assert_eq!((image.topics["t"].partitions, image.topics["t"].starts[&1]), (4, 11));
    assert_eq!(image.offsets.keys().collect::<Vec<_>>(), ["g", "txn-group"]);
    assert_eq!(image.offsets["txn-group"][&at("t", 0)].offset, 77);
    assert_eq!(image.transactions["committed"].phase, TransactionPhase::Ended { ending: Ending::Commit });
    assert!(matches!(image.transactions["prepared"].phase, TransactionPhase::Decided { .. }));
    assert_eq!(image.transactions["open"].phase, TransactionPhase::Ongoing);
    assert!(!image.transactions.contains_key("expired"));
}

#[test]
fn minimal_entries_fold_to_the_same_image() {
    let image = fold(&history());
    assert_eq!(fold(&image.entries().collect::<Vec<_>>()), image);
}

#[test]
fn replay_at_every_truncation_gives_a_prefix_of_history() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("journal");
    drop(write_one_by_one(&dir));
    let whole = fs::read(&path).unwrap();
    let mut known: Vec<Image> = (0..=history().len()).map(|count| fold(&history()[..count])).collect();
    known.dedup();
    for cut in MAGIC.len()..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let journal = Journal::open(path.clone()).unwrap();
        assert!(known.contains(journal.image()), "cut at {cut}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(Journal::open(path).unwrap().image(), &fold(&history()));
}

#[test]
fn a_failed_append_changes_nothing_and_the_next_one_works() {
    let dir = TempDir::new().unwrap();
    let mut journal = write_one_by_one(&dir);
    let before = journal.image().clone();
    journal.fail_next();
    assert!(journal.append(vec![Entry::OffsetsCommitted(rows("g", "t", 99))]).is_err());
    assert_eq!(journal.image(), &before);
    journal.append(vec![Entry::OffsetsCommitted(rows("g", "t", 100))]).unwrap();
    let after = journal.image().clone();
    drop(journal);
    assert_eq!(Journal::open(dir.path().join("journal")).unwrap().image(), &after);
}

#[test]
fn a_grown_journal_is_rewritten_and_keeps_its_meaning() {
    let dir = TempDir::new().unwrap();
    let mut journal = write_one_by_one(&dir);
    let commit = |offset| Entry::OffsetsCommitted(rows(&"g".repeat(1_000), "t", offset));
    (0..20_000).for_each(|offset| journal.append(vec![commit(offset)]).unwrap());
    assert!(fs::metadata(dir.path().join("journal")).unwrap().len() < REWRITE_FROM + 10_000);
    let after = journal.image().clone();
    drop(journal);
    assert_eq!(Journal::open(dir.path().join("journal")).unwrap().image(), &after);
}

#[test]
fn a_foreign_file_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("journal");
    fs::write(&path, b"something else entirely").unwrap();
    let error = Journal::open(path.clone()).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()));
}
