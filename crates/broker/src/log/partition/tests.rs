use super::*;
use crate::log::read::ReadFault;
use crate::log::testing::{Build, TestLog, batch, keep_all};

fn transactional(producer: i64, sequence: i32) -> Build<'static> {
    Build { producer: Some((producer, 0, sequence)), transactional: true, ..Build::default() }
}

fn append_many(test: &mut TestLog, count: usize) {
    for _ in 0..count {
        test.append(&Build::default());
    }
}

#[test]
fn offsets_are_dense_and_reads_return_whole_batches_in_bounds() {
    let mut test = TestLog::new(keep_all());
    for at in 0..100 {
        let appended = test.append(&Build { keys: &["a", "b", "c"], ..Build::default() });
        assert_eq!(appended.base_offset, at * 3);
    }
    let bytes = test.log.read_alone(7, 300, 250, true).unwrap().bytes;
    let first = BatchHeader::parse_whole(&bytes).unwrap();
    assert_eq!(first.base_offset, 6);
    assert!(bytes.len() <= 250 && bytes.len().is_multiple_of(first.size));
    let bounded = test.log.read_alone(0, 6, 1 << 20, true).unwrap().bytes;
    assert_eq!(bounded.len(), first.size * 2);
    assert!(test.log.read_alone(300, 300, 100, true).unwrap().bytes.is_empty());
    assert!(matches!(test.log.read_alone(301, 301, 100, true), Err(ReadFault::OutOfRange)));
    assert!(test.log.read_alone(0, 300, 10, false).unwrap().bytes.is_empty());
    assert_eq!(test.log.read_alone(0, 300, 10, true).unwrap().bytes.len(), first.size);
}

#[test]
fn a_batch_larger_than_the_read_ahead_is_served_whole() {
    let mut test = TestLog::new(keep_all());
    let large = "x".repeat(300_000);
    test.append(&Build::default());
    test.append(&Build { value: Some(&large), ..Build::default() });
    test.append(&Build::default());
    assert!(test.log.read_alone(1, 3, 1_000, true).unwrap().bytes.len() > 300_000);
    assert_eq!(test.batches(i64::MAX).len(), 3);
}

#[test]
fn reads_cross_segments_and_survive_a_reopening() {
    let mut test = TestLog::new(LogSettings { segment_bytes: 500, ..keep_all() });
    append_many(&mut test, 50);
    assert!(test.log.segments.len() > 5);
    let before = test.batches(i64::MAX);
    assert_eq!(before.len(), 50);
    for trust in [true, false] {
        test.reopen(trust);
        assert_eq!(test.batches(i64::MAX), before);
        assert_eq!(test.log.end, 50);
    }
}

#[test]
fn recovery_cuts_the_torn_tail_at_every_point() {
    let mut test = TestLog::new(keep_all());
    for at in 0..4 {
        test.append(&transactional(1, at));
    }
    let path = test.log.segments[0].path.clone();
    let whole = fs::read(&path).unwrap();
    let size = whole.len() / 4;
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        test.reopen(true);
        let kept = (cut / size) as i64;
        assert_eq!(test.log.end, kept, "cut at {cut}");
        assert_eq!(fs::metadata(&path).unwrap().len(), kept as u64 * size as u64);
        assert_eq!(test.log.stable_end(), 0);
        let next = test.append(&transactional(1, kept as i32));
        assert_eq!(next.base_offset, kept);
    }
}

#[test]
fn recovery_cuts_at_a_flipped_bit_behind_the_saved_state() {
    let mut test = TestLog::new(keep_all());
    append_many(&mut test, 3);
    test.log.save_state();
    append_many(&mut test, 3);
    let path = test.log.segments[0].path.clone();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 5;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    test.reopen(true);
    assert_eq!(test.log.end, 5);
}

#[test]
fn state_of_the_growing_segment_is_not_trusted_after_a_power_failure() {
    let mut test = TestLog::new(keep_all());
    append_many(&mut test, 3);
    test.log.save_state();
    let path = test.log.segments[0].path.clone();
    let mut bytes = fs::read(&path).unwrap();
    let third = bytes.len() / 3;
    bytes[third..].fill(0);
    fs::write(&path, &bytes).unwrap();
    test.reopen(false);
    assert_eq!(test.log.end, 1);
}

#[test]
fn transactions_bound_the_stable_end_and_aborted_ranges_are_found() {
    let mut test = TestLog::new(keep_all());
    let settings = test.settings.clone();
    test.append(&transactional(1, 0)); // 0
    test.append(&transactional(2, 0)); // 1
    test.append(&Build::default()); // 2
    assert_eq!(test.log.stable_end(), 0);
    test.log.append_marker(1, 0, Ending::Abort, &settings, 0).unwrap(); // 3
    assert_eq!(test.log.stable_end(), 1);
    test.log.append_marker(2, 0, Ending::Abort, &settings, 0).unwrap(); // 4
    assert_eq!(test.log.stable_end(), 5);
    let producers = |test: &TestLog, from, to| -> Vec<i64> {
        test.log.aborted_in(from, to).iter().map(|range| range.producer_id).collect()
    };
    assert_eq!(producers(&test, 0, 5), [1, 2]);
    assert_eq!(producers(&test, 0, 1), [1]);
    assert_eq!(producers(&test, 4, 5), [2]);
    test.log.roll(0).unwrap();
    for trust in [true, false] {
        test.reopen(trust);
        assert_eq!(producers(&test, 0, 5), [1, 2]);
        assert_eq!(test.log.stable_end(), 5);
    }
}

#[test]
fn a_full_disk_refuses_the_append_and_leaves_the_log_as_it_was() {
    let mut test = TestLog::new(keep_all());
    test.append(&Build::default());
    let length = fs::metadata(&test.log.segments[0].path).unwrap().len();
    let bytes = batch(&Build { producer: Some((1, 0, 0)), ..Build::default() });
    let header = BatchHeader::parse_whole(&bytes).unwrap();
    let settings = test.settings.clone();
    for room in 0..bytes.len() as u64 {
        test.files.set_room(Some(room));
        let refused = test.log.append(&bytes, &header, &settings, 0);
        assert!(matches!(refused, Err(AppendFault::Io(_))), "room {room}");
        assert_eq!(fs::metadata(&test.log.segments[0].path).unwrap().len(), length);
    }
    test.files.set_room(None);
    assert_eq!(test.log.append(&bytes, &header, &settings, 0).unwrap().base_offset, 1);
    test.reopen(false);
    assert_eq!(test.log.end, 2);
}

#[test]
fn append_time_replaces_the_producers_time() {
    let mut test = TestLog::new(LogSettings { append_time: true, ..keep_all() });
    let appended = test.append_at(&Build { timestamp: 5, ..Build::default() }, 9_000);
    assert_eq!(appended.append_time, Some(9_000));
    let bytes = test.log.read_alone(0, 1, 1_000, true).unwrap().bytes;
    assert_eq!(BatchHeader::parse_whole(&bytes).unwrap().max_timestamp, 9_000);
}

#[test]
fn records_are_found_by_time() {
    let mut test = TestLog::new(LogSettings { segment_bytes: 2_000, ..keep_all() });
    for at in 0..100 {
        test.append(&Build { keys: &["a", "b"], timestamp: at * 10, ..Build::default() });
    }
    for (timestamp, offset) in [(0, 0), (1, 1), (2, 2), (500, 100), (501, 101), (991, 199)] {
        let found = test.log.offset_for_time(timestamp).unwrap().unwrap();
        assert_eq!(found.offset, offset, "timestamp {timestamp}");
    }
    assert!(test.log.offset_for_time(992).unwrap().is_none());
    assert_eq!(test.log.latest_record().unwrap().unwrap().offset, 199);
}

#[test]
fn deleting_records_raises_the_start_and_drops_whole_segments() {
    let mut test = TestLog::new(LogSettings { segment_bytes: 200, ..keep_all() });
    append_many(&mut test, 20);
    let segments = test.log.segments.len();
    assert_eq!(test.log.delete_before(11).unwrap(), 11);
    assert!(test.log.segments.len() < segments);
    assert!(matches!(test.log.read_alone(10, 20, 100, true), Err(ReadFault::OutOfRange)));
    assert!(!test.log.read_alone(11, 20, 100, true).unwrap().bytes.is_empty());
    assert_eq!(test.log.delete_before(500).unwrap(), 20);
}
