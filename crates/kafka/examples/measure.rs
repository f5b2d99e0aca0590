//! Measures the adapter against a cluster: opening, commits, polls, reads, appends.
//!
//! `cargo run --release -p bellwether-kafka --example measure -- HOST:PORT [name=value ...]`, where the settings are
//! librdkafka's. It makes topics `measure-...` and leaves them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{
    Assignor, Cleanup, EventLog, FencingToken, GroupOptions, Member, NewRecord, Polled, Position, Result,
    TimestampKind, TopicPartition, TopicSpec, Transaction,
};
use bytes::Bytes;

const POLL: Duration = Duration::from_millis(100);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().expect("the first argument is HOST:PORT");
    let mut settings: BTreeMap<String, String> = arguments
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    settings.insert("bootstrap.servers".to_owned(), bootstrap);
    let options = KafkaOptions::from_settings(settings).expect("settings the adapter takes");

    let began = Instant::now();
    let log = KafkaLog::connect(options)?;
    show("connect", began.elapsed());
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let name = |what: &str| format!("measure-{run}-{what}");
    let (input, output) = (name("in"), name("out"));
    let topic = |name: &String, partitions| TopicSpec {
        name: name.clone(),
        partitions,
        replication: 1,
        cleanup: Cleanup::Delete,
        retention_ms: -1,
        timestamps: TimestampKind::LogAppendTime,
        settings: Vec::new(),
    };
    let began = Instant::now();
    log.create_topics(&[topic(&input, 4), topic(&output, 4)])?;
    show("create topics", began.elapsed());

    appends(&log, &input)?;
    let mut member = join(&log, &input, &name("group"))?;
    polls(member.as_mut())?;
    commits(member.as_mut(), &input, &output)?;
    latency(&log, member.as_mut(), &input)?;
    let began = Instant::now();
    member.leave()?;
    show("leave", began.elapsed());
    openings(&log, &input)?;
    reads(&log, &input)?;
    Ok(())
}

fn record(to: &str, partition: u32, number: u32, size: usize) -> NewRecord {
    let mut value =
        format!("{{\"ticket\":\"ABC-{number}\",\"status\":\"in progress\",\"points\":{}}}", number % 13)
            .into_bytes();
    value.resize(size, b' ');
    NewRecord {
        to: TopicPartition::new(to, partition),
        key: Some(Bytes::from(format!("squad-{}", number % 97))),
        value: Some(Bytes::from(value)),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

/// 400,000 records of 150 bytes over four partitions, 5,000 per call.
fn appends(log: &KafkaLog, input: &str) -> Result<()> {
    let mut appender = log.appender()?;
    appender.append(vec![record(input, 0, 0, 150)])?;
    let began = Instant::now();
    for batch in 0..80 {
        let records = (0..5_000).map(|n| record(input, n % 4, batch * 5_000 + n, 150)).collect();
        appender.append(records)?;
    }
    rate("append", 400_000, began.elapsed());
    let mut times = Vec::new();
    for number in 0..300 {
        let began = Instant::now();
        appender.append(vec![record(input, number % 4, number, 150)])?;
        times.push(began.elapsed());
    }
    spread("append one", &mut times);
    Ok(())
}

fn join(log: &KafkaLog, input: &str, group: &str) -> Result<Box<dyn Member>> {
    let began = Instant::now();
    let mut member = log.join(GroupOptions {
        group: group.to_owned(),
        topics: vec![input.to_owned()],
        assignor: Assignor::CooperativeSticky,
        transactional_id: format!("{group}-0"),
        start_at_beginning: true,
        max_batch_bytes: 8 << 20,
        max_batch_records: 5_000,
    })?;
    show("open a member", began.elapsed());
    loop {
        if let Polled::Assigned(assignments) = member.poll(POLL)? {
            show("until assigned", began.elapsed());
            let began = Instant::now();
            for assignment in &assignments {
                member.start(&assignment.partition, 0)?;
            }
            show("start four partitions", began.elapsed());
            return Ok(member);
        }
    }
}

fn polls(member: &mut dyn Member) -> Result<()> {
    let (mut count, mut first) = (0, None);
    let mut busy = Duration::ZERO;
    while count < 400_000 {
        let began = Instant::now();
        if let Polled::Batch { records, .. } = member.poll(POLL)? {
            first.get_or_insert(began);
            count += records.len();
            busy += began.elapsed();
        }
    }
    rate("poll", count, busy);
    Ok(())
}

fn token(member: &mut dyn Member) -> Result<FencingToken> {
    loop {
        match member.poll(Duration::from_millis(10))? {
            Polled::Idle { token } | Polled::Batch { token, .. } => return Ok(token),
            Polled::Assigned(_) | Polled::Revoked { .. } => {}
        }
    }
}

fn commits(member: &mut dyn Member, input: &str, output: &str) -> Result<()> {
    let token = token(member)?;
    for (what, count) in
        [("commit of positions", 0), ("commit of 1 record", 1), ("commit of 1,000 records", 1_000)]
    {
        let mut times = Vec::new();
        for round in 0..300 {
            let records = (0..count).map(|n| record(output, n % 4, round * count + n, 150)).collect();
            let partition = TopicPartition::new(input, 0);
            let positions = vec![Position { partition, next_offset: i64::from(round) }];
            let began = Instant::now();
            member.commit(&Transaction { records, positions, token })?;
            times.push(began.elapsed());
        }
        spread(what, &mut times);
    }
    Ok(())
}

/// From an append to the poll that brings it, one record at a time.
fn latency(log: &KafkaLog, member: &mut dyn Member, input: &str) -> Result<()> {
    let mut appender = log.appender()?;
    let mut times = Vec::new();
    while !matches!(member.poll(POLL)?, Polled::Idle { .. }) {}
    for number in 0..200 {
        let began = Instant::now();
        appender.append(vec![record(input, number % 4, number, 150)])?;
        while !matches!(member.poll(POLL)?, Polled::Batch { .. }) {}
        times.push(began.elapsed());
    }
    spread("append to poll", &mut times);
    Ok(())
}

/// A catch-up of nothing but the last record, ten times: what a reader costs before it reads.
fn openings(log: &KafkaLog, input: &str) -> Result<()> {
    let partition = TopicPartition::new(input, 0);
    let from = log.bounds(&partition)?.stable_end - 1;
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let mut reader = log.read(&partition, from)?;
        while !reader.next(Duration::ZERO)?.is_empty() {}
        times.push(began.elapsed());
    }
    spread("read the last record", &mut times);
    Ok(())
}

fn reads(log: &KafkaLog, input: &str) -> Result<()> {
    let (mut count, began) = (0, Instant::now());
    for partition in 0..4 {
        let opened = Instant::now();
        let mut reader = log.read(&TopicPartition::new(input, partition), 0)?;
        let mut first = true;
        loop {
            let records = reader.next(Duration::ZERO)?;
            if first {
                show("until the first records", opened.elapsed());
                first = false;
            }
            if records.is_empty() {
                break;
            }
            count += records.len();
        }
        let closing = Instant::now();
        drop(reader);
        show("close a reader", closing.elapsed());
    }
    rate("read", count, began.elapsed());
    Ok(())
}

fn show(what: &str, took: Duration) {
    eprintln!("{what:<28} {took:>10.2?}");
}

fn rate(what: &str, count: usize, took: Duration) {
    let each = took.as_nanos() / u128::try_from(count.max(1)).unwrap_or(1);
    eprintln!("{what:<28} {each:>7} ns per record, {count} in {took:.2?}");
}

fn spread(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    eprintln!("{what:<28} p50 {:>8.2?}  p95 {:>8.2?}  p99 {:>8.2?}", at(50), at(95), at(99));
}
