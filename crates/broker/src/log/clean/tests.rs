use std::fs;

use super::*;
use crate::log::batch::{BatchHeader, Ending};
use crate::log::records::{records, unfold};
use crate::log::testing::{Build, TestLog, keep_all};

fn compacted() -> TestLog {
    TestLog::new(LogSettings { compact: true, delete_retention_ms: 1_000, segment_bytes: 100, ..keep_all() })
}

fn put(test: &mut TestLog, key: &str, value: Option<&str>) -> i64 {
    test.append(&Build { keys: &[key], value, ..Build::default() }).base_offset
}

fn clean(test: &mut TestLog, now: i64) -> bool {
    let settings = test.settings.clone();
    match test.log.plan_clean(&settings, now).unwrap() {
        Some(plan) => {
            let cleaned = plan.build().unwrap();
            test.log.swap_cleaned(cleaned).unwrap()
        }
        None => false,
    }
}

/// Offsets and keys of all records left.
fn left(test: &TestLog) -> Vec<(i64, String, bool)> {
    let mut found = Vec::new();
    let mut offset = test.log.start;
    loop {
        let bytes = test.log.read_alone(offset, i64::MAX, 1, true).unwrap().bytes;
        if bytes.is_empty() {
            return found;
        }
        let header = BatchHeader::parse_whole(&bytes).unwrap();
        offset = header.next_offset();
        if header.is_control() {
            continue;
        }
        let unfolded = unfold(&bytes, &header).unwrap();
        for record in records(&unfolded).map(Result::unwrap) {
            let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            found.push((header.base_offset + i64::from(record.offset_delta), key, record.tombstone));
        }
    }
}

fn keys(test: &TestLog) -> Vec<(i64, String)> {
    left(test).into_iter().map(|(offset, key, _)| (offset, key)).collect()
}

fn key(offset: i64, key: &str) -> (i64, String) {
    (offset, key.to_owned())
}

#[test]
fn only_the_latest_record_of_a_key_stays_at_its_offset() {
    let mut test = compacted();
    for round in 0..3 {
        put(&mut test, "a", Some("v"));
        put(&mut test, &format!("b{round}"), Some("v"));
    }
    put(&mut test, "growing", Some("v"));
    assert!(clean(&mut test, 0));
    assert_eq!(keys(&test), [key(1, "b0"), key(3, "b1"), key(4, "a"), key(5, "b2"), key(6, "growing")]);
    assert!(!clean(&mut test, 0), "nothing is dirty any more");
    let before = keys(&test);
    test.reopen(true);
    assert_eq!(keys(&test), before);
    test.reopen(false);
    assert_eq!(keys(&test), before);
}

#[test]
fn a_later_value_supersedes_what_an_earlier_clean_kept() {
    let mut test = compacted();
    put(&mut test, "a", Some("1"));
    put(&mut test, "b", Some("1"));
    put(&mut test, "growing", Some("v"));
    clean(&mut test, 0);
    put(&mut test, "a", Some("2"));
    put(&mut test, "growing", Some("v"));
    assert!(clean(&mut test, 0));
    assert_eq!(keys(&test), [key(1, "b"), key(2, "growing"), key(3, "a"), key(4, "growing")]);
}

#[test]
fn deletions_stay_for_their_retention_and_then_go() {
    let mut test = compacted();
    put(&mut test, "a", Some("v"));
    put(&mut test, "a", None);
    put(&mut test, "b", Some("v"));
    put(&mut test, "c", Some("v"));
    clean(&mut test, 10_000);
    assert_eq!(left(&test)[0], (1, "a".to_owned(), true));
    put(&mut test, "d", Some("v"));
    clean(&mut test, 10_500);
    assert_eq!(left(&test)[0], (1, "a".to_owned(), true));
    put(&mut test, "e", Some("v"));
    clean(&mut test, 11_000);
    assert_eq!(left(&test)[0], (2, "b".to_owned(), false));
}

#[test]
fn a_kept_deletion_keeps_its_timestamp() {
    let mut test = compacted();
    test.append(&Build { keys: &["a"], value: None, timestamp: 777, ..Build::default() });
    put(&mut test, "b", Some("v"));
    clean(&mut test, 10_000);
    let bytes = test.log.read_alone(0, i64::MAX, 1, true).unwrap().bytes;
    let header = BatchHeader::parse_whole(&bytes).unwrap();
    let unfolded = unfold(&bytes, &header).unwrap();
    let record = records(&unfolded).next().unwrap().unwrap();
    assert_eq!(header.delete_horizon(), Some(11_000));
    assert_eq!(header.base_timestamp + record.timestamp_delta, 777);
}

#[test]
fn aborted_records_go_and_open_transactions_are_not_touched() {
    let mut test = compacted();
    let of = |producer, first| Build {
        keys: &["a"],
        producer: Some((producer, 0, first)),
        transactional: true,
        ..Build::default()
    };
    put(&mut test, "a", Some("kept"));
    test.append(&of(1, 0));
    let settings = test.settings.clone();
    test.log.append_marker(1, 0, Ending::Abort, &settings, 0).unwrap();
    put(&mut test, "b", Some("v"));
    test.append(&of(2, 0)); // stays open
    put(&mut test, "b", Some("later"));
    put(&mut test, "growing", Some("v"));
    assert!(clean(&mut test, 0));
    assert_eq!(keys(&test), [key(0, "a"), key(3, "b"), key(4, "a"), key(5, "b"), key(6, "growing")]);
    assert_eq!(test.log.aborted, []);
    assert_eq!(test.log.stable_end(), 4);
}

#[test]
fn sequence_numbers_survive_when_all_records_of_a_producer_are_superseded() {
    let mut test = compacted();
    let numbered = |first| Build { keys: &["a"], producer: Some((9, 2, first)), ..Build::default() };
    test.append(&numbered(0));
    test.append(&numbered(1));
    put(&mut test, "a", Some("v"));
    put(&mut test, "growing", Some("v"));
    assert!(clean(&mut test, 0));
    assert_eq!(test.batches(i64::MAX), [(1, 0), (2, 1), (3, 1)]);
    test.reopen(false);
    forget_states(&test);
    test.reopen(true);
    assert!(test.append(&numbered(1)).repeat);
    assert!(!test.append(&numbered(2)).repeat);
}

#[test]
fn markers_of_vanished_transactions_go_after_the_retention_of_deletions() {
    let mut test = compacted();
    let settings = test.settings.clone();
    for round in 0..3 {
        let build =
            Build { keys: &["a"], producer: Some((1, 0, round)), transactional: true, ..Build::default() };
        test.append(&build);
        test.log.append_marker(1, 0, Ending::Commit, &settings, 0).unwrap();
    }
    put(&mut test, "x", Some("v"));
    put(&mut test, "y", Some("v"));
    clean(&mut test, 10_000);
    put(&mut test, "z", Some("v"));
    clean(&mut test, 20_000);
    // Offsets 1 and 3 were markers of superseded records; the last transaction is whole.
    let offsets: Vec<i64> = test.batches(i64::MAX).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, [4, 5, 6, 7, 8]);
}

#[test]
fn an_interrupted_swap_is_finished_at_every_step() {
    for crash_after in ["cleaned", "renamed", "deleted"] {
        let mut test = compacted();
        put(&mut test, "a", Some("1"));
        put(&mut test, "a", Some("2"));
        put(&mut test, "growing", Some("v"));
        let settings = test.settings.clone();
        let cleaned = test.log.plan_clean(&settings, 0).unwrap().unwrap().build().unwrap();
        let group = &cleaned.groups[0];
        let (base, end) = (group.segment.base, group.segment.next_offset);
        let dir = test.dir.path().join("p");
        if crash_after != "cleaned" {
            fs::rename(&group.segment.path, dir.join(format!("{base:020}-{end:020}.swap"))).unwrap();
        }
        if crash_after == "deleted" {
            test.log.segments[0].delete_files().unwrap();
        }
        test.reopen(true);
        let expected: &[_] = if crash_after == "cleaned" {
            &[key(0, "a"), key(1, "a"), key(2, "growing")]
        } else {
            &[key(1, "a"), key(2, "growing")]
        };
        assert_eq!(keys(&test), expected, "crash after {crash_after}");
    }
}

/// What a reader of committed records folds the log to: the latest value's offset by key.
fn committed_fold(test: &TestLog) -> std::collections::BTreeMap<String, i64> {
    let mut fold = std::collections::BTreeMap::new();
    let mut offset = test.log.start;
    let stable = test.log.stable_end();
    loop {
        let batches = test.log.read_alone(offset, stable, 2_000, true).unwrap();
        if batches.bytes.is_empty() {
            return fold;
        }
        let aborted = test.log.aborted_in(batches.from, batches.to);
        let mut at = 0;
        while at < batches.bytes.len() {
            let header = BatchHeader::parse_whole(&batches.bytes[at..]).unwrap();
            let batch = &batches.bytes[at..at + header.size];
            at += header.size;
            offset = header.next_offset();
            if header.is_control() || filter::is_aborted(&aborted, &header) {
                continue;
            }
            let unfolded = unfold(batch, &header).unwrap();
            for record in records(&unfolded).map(Result::unwrap) {
                let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
                let offset = header.base_offset + i64::from(record.offset_delta);
                match record.tombstone {
                    true => fold.remove(&key),
                    false => fold.insert(key, offset),
                };
            }
        }
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One random step: plain and transactional writes of few keys, endings, rolls.
fn step(test: &mut TestLog, chance: &mut Chance, sequences: &mut [i32; 3], open: &mut [bool; 3], now: i64) {
    let names = ["a", "b", "c", "d", "e", "f"];
    let first = chance.below(6) as usize;
    let keys = &names[first..(first + 1 + chance.below(3) as usize).min(6)];
    let value = if chance.below(4) == 0 { None } else { Some("value") };
    let producer = chance.below(3) as usize;
    let settings = test.settings.clone();
    match chance.below(8) {
        0..=2 => {
            let build = Build { keys, value, ..Build::default() };
            test.append_at(&build, now);
        }
        3..=5 => {
            let numbered = Some((producer as i64, 0, sequences[producer]));
            let build = Build { keys, value, producer: numbered, transactional: true, ..Build::default() };
            test.append_at(&build, now);
            sequences[producer] += keys.len() as i32;
            open[producer] = true;
        }
        _ if open[producer] => {
            let ending = if chance.below(2) == 0 { Ending::Abort } else { Ending::Commit };
            test.log.append_marker(producer as i64, 0, ending, &settings, now).unwrap();
            open[producer] = false;
        }
        _ => test.log.roll(now).unwrap(),
    }
}

#[test]
fn cleaning_never_changes_what_a_committed_reader_folds_to() {
    for seed in 1..=20u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut test = compacted();
        test.settings.segment_bytes = 300 + chance.below(2_000);
        let (mut sequences, mut open) = ([0; 3], [false; 3]);
        for round in 0..400 {
            let now = round * 20;
            step(&mut test, &mut chance, &mut sequences, &mut open, now);
            if chance.below(12) == 0 {
                let before = (committed_fold(&test), test.log.end, test.log.stable_end());
                clean(&mut test, now);
                let after = (committed_fold(&test), test.log.end, test.log.stable_end());
                assert_eq!(after, before, "seed {seed}, round {round}");
            }
            if chance.below(60) == 0 {
                let before = (committed_fold(&test), test.log.end, test.log.stable_end());
                test.reopen(chance.below(2) == 0);
                let after = (committed_fold(&test), test.log.end, test.log.stable_end());
                assert_eq!(after, before, "seed {seed}, round {round}, reopened");
            }
            if chance.below(100) == 0 {
                forget_states(&test);
            }
        }
    }
}

/// Removes the state files, which are only caches.
fn forget_states(test: &TestLog) {
    for entry in fs::read_dir(test.dir.path().join("p")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "state") {
            fs::remove_file(path).unwrap();
        }
    }
}
