//! Appending outside groups and reading one partition.

use bytes::Bytes;

use super::Harness;
use super::tools::{Bench, Outcome, POLL, POLLS, ensure, equal, expected, fail, numbered, spec, values};
use crate::{Bounds, NewRecord, TimestampKind, TopicPartition};

pub(super) fn appended_records_are_read_to_the_stable_end(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("append", 2)?, 1);
    equal("bounds of nothing", bench.log.bounds(&partition)?, Bounds { start: 0, stable_end: 0, end: 0 })?;
    let offsets = bench.append((0..2_500).map(|number| numbered(&partition, number)).collect())?;
    equal("offsets told", offsets, (0..2_500).map(Some).collect())?;

    let (records, next_offset) = bench.read(&partition, 0)?;
    equal("values", values(&records), expected(0..2_500))?;
    equal("offsets", records.iter().map(|record| record.offset).collect(), (0..2_500).collect::<Vec<i64>>())?;
    equal("next offset", next_offset, 2_500)?;
    equal("bounds", bench.log.bounds(&partition)?, Bounds { start: 0, stable_end: 2_500, end: 2_500 })?;
    let (tail, _) = bench.read(&partition, 2_498)?;
    equal("tail", values(&tail), expected(2_498..2_500))
}

pub(super) fn appenders_at_once_are_told_their_own_offsets(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let topic = bench.topic("at-once", 2)?;
    let mut threads = Vec::new();
    for number in 0..2 {
        let partition = TopicPartition::new(topic.clone(), number);
        let mut appender = bench.log.appender()?;
        threads.push(std::thread::spawn(move || {
            let records =
                |round: u32| (round * 10..round * 10 + 10).map(|number| numbered(&partition, number));
            (0..20).map(|round| appender.append(records(round).collect())).collect::<crate::Result<Vec<_>>>()
        }));
    }
    for (number, thread) in (0..).zip(threads) {
        let Ok(offsets) = thread.join() else { return fail("an appender panicked") };
        equal("offsets told", offsets?.concat(), (0..200).map(Some).collect())?;
        let (records, _) = bench.read(&TopicPartition::new(topic.clone(), number), 0)?;
        equal("values", values(&records), expected(0..200))?;
    }
    Ok(())
}

pub(super) fn a_reader_at_the_end_sees_what_comes_later(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("later", 1)?, 0);
    let mut reader = bench.log.read(&partition, 0)?;
    for round in 0..5 {
        ensure(reader.next(std::time::Duration::ZERO)?.is_empty(), "nothing at the end")?;
        bench.fill(&partition, round..round + 1)?;
        let records = reader.next(POLL)?;
        equal("what came later", values(&records), expected(round..round + 1))?;
        equal("next offset", reader.next_offset(), i64::from(round) + 1)?;
    }
    Ok(())
}

pub(super) fn control_markers_are_passed(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    bench.fill(&input, 0..1)?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&input.topic]))?;
    let (taken, token) = hand.take(1)?;
    for round in 0..3 {
        hand.commit(&taken, vec![numbered(&output, round)], token)?;
    }
    let bounds = bench.settled(&output)?;
    equal("three records, three markers", bounds, Bounds { start: 0, stable_end: 6, end: 6 })?;
    let (records, next_offset) = bench.read(&output, 0)?;
    equal("values", values(&records), expected(0..3))?;
    equal("offsets", records.iter().map(|record| record.offset).collect::<Vec<i64>>(), vec![0, 2, 4])?;
    equal("the last marker is passed", next_offset, 6)?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn headers_tombstones_and_times_come_back(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let to = TopicPartition::new(bench.topic("shapes", 1)?, 0);
    let full = NewRecord {
        to: to.clone(),
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::from_static(b"\x00\xff value")),
        headers: vec![
            ("ce_id".to_owned(), Some(Bytes::from_static(b"one"))),
            ("ce_id".to_owned(), Some(Bytes::from_static(b"two"))),
            ("binary".to_owned(), Some(Bytes::from_static(b"\x00\x01\xfe"))),
            ("empty".to_owned(), Some(Bytes::new())),
            ("absent".to_owned(), None),
        ],
        timestamp_ms: Some(1_600_000_000_123),
    };
    let tombstone = NewRecord { value: None, headers: Vec::new(), ..full.clone() };
    let empty = NewRecord { value: Some(Bytes::new()), headers: Vec::new(), ..full.clone() };
    let keyless = NewRecord { key: None, headers: Vec::new(), ..full.clone() };
    let sent = vec![full, tombstone, empty, keyless];
    bench.append(sent.clone())?;
    let (read, _) = bench.read(&to, 0)?;
    equal("records", read.len(), sent.len())?;
    for (read, sent) in read.iter().zip(&sent) {
        equal("key", &read.key, &sent.key)?;
        equal("value", &read.value, &sent.value)?;
        equal("headers", &read.headers, &sent.headers)?;
        equal("time", Some(read.timestamp_ms), sent.timestamp_ms)?;
    }
    Ok(())
}

pub(super) fn a_record_of_900_kb_passes(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("large", 1)?, 0);
    let output = TopicPartition::new(bench.topic("large-out", 1)?, 0);
    // Bytes that no compression makes small.
    let mut noise: u32 = 1;
    let value: Vec<u8> = (0..900_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    let record = NewRecord { value: Some(Bytes::from(value)), ..numbered(&input, 0) };
    bench.append(vec![record.clone()])?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&input.topic]))?;
    let (taken, token) = hand.take(1)?;
    ensure(taken[0].value == record.value, "the large record comes back in a batch")?;
    hand.commit(&taken, vec![NewRecord { to: output.clone(), ..record.clone() }], token)?;
    let (read, _) = bench.read(&output, 0)?;
    ensure(
        read.len() == 1 && read[0].value == record.value,
        "the large record comes back from a transaction",
    )?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn append_time_is_stamped_by_the_log(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let mut stamped = spec(bench.unique("stamped"), 1);
    stamped.timestamps = TimestampKind::LogAppendTime;
    bench.log.create_topics(std::slice::from_ref(&stamped))?;
    let to = TopicPartition::new(stamped.name, 0);
    let record = NewRecord { timestamp_ms: Some(1_000), ..numbered(&to, 0) };
    bench.append(vec![record])?;
    let (first, _) = bench.read(&to, 0)?;
    let (second, _) = bench.read(&to, 0)?;
    ensure(first.len() == 1 && first[0].timestamp_ms > 1_600_000_000_000, "the log's own clock stamps")?;
    equal("the stamp of a second reading", second[0].timestamp_ms, first[0].timestamp_ms)
}

pub(super) fn an_offset_outside_the_log_is_an_error(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("outside", 1)?, 0);
    bench.fill(&partition, 0..3)?;
    let mut reader = bench.log.read(&partition, 40)?;
    for _ in 0..POLLS {
        match reader.next(POLL) {
            Err(error) => return equal("class", error.class(), crate::ErrorClass::Fatal),
            Ok(records) => ensure(records.is_empty(), "records from beyond the end")?,
        }
    }
    fail("an offset beyond the end was taken")
}
