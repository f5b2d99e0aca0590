//! Transactions: all of it or nothing.

use bytes::Bytes;

use super::Harness;
use super::tools::{Bench, Outcome, ensure, equal, expected, fail, numbered, spec, values};
use crate::{ErrorClass, NewRecord, Position, TopicPartition, Transaction};

pub(super) fn outputs_and_positions_commit_together(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let outputs = [bench.topic("out-a", 2)?, bench.topic("out-b", 2)?];
    bench.fill(&input, 0..6)?;
    let group = bench.unique("group");
    let mut hand = bench.join(bench.options(&group, &[&input.topic]))?;
    let (taken, token) = hand.take(6)?;
    let to = |number: u32| {
        let topic = &outputs[usize::from(number % 2 == 1)];
        TopicPartition::new(topic.clone(), (number / 2) % 2)
    };
    let records: Vec<NewRecord> = (0..6).map(|number| numbered(&to(number), number)).collect();
    let outcome = hand.commit(&taken, records, token)?;
    equal("offsets told", outcome.offsets, [0, 0, 0, 0, 1, 1].map(Some).to_vec())?;
    for number in 0..2 {
        let (read, _) = bench.read(&to(number), 0)?;
        equal("values", values(&read), vec![format!("v{number}"), format!("v{}", number + 4)])?;
    }
    equal("own committed position", hand.committed(&input)?, Some(6))?;
    let told = bench.log.committed(&group, std::slice::from_ref(&input))?;
    equal("position from outside", told, vec![Position { partition: input, next_offset: 6 }])?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn positions_alone_commit(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    bench.fill(&input, 0..3)?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&input.topic]))?;
    let (taken, token) = hand.take(3)?;
    hand.commit(&taken[..2], vec![], token)?;
    equal("committed", hand.committed(&input)?, Some(2))?;
    hand.commit(&taken[..2], vec![], token)?;
    equal("committed again, unchanged", hand.committed(&input)?, Some(2))?;
    let token = hand.idle()?;
    hand.commit(&taken, vec![], token)?;
    equal("committed with the token of an idle poll", hand.committed(&input)?, Some(3))?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn positions_are_required(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&input.topic]))?;
    hand.hold(1)?;
    let token = hand.idle()?;
    let refused =
        hand.member.commit(&Transaction { records: vec![numbered(&output, 0)], positions: vec![], token });
    match refused {
        Ok(_) => fail("a transaction without positions was committed"),
        Err(error) => equal("class", error.class(), ErrorClass::Fatal),
    }?;
    equal("end of the output", bench.log.bounds(&output)?.end, 0)?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn a_refused_transaction_leaves_nothing(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let wide = TopicPartition::new(bench.topic("wide", 1)?, 0);
    let mut narrow = spec(bench.unique("narrow"), 1);
    narrow.settings = vec![("max.message.bytes".to_owned(), "1000".to_owned())];
    bench.log.create_topics(std::slice::from_ref(&narrow))?;
    let narrow = TopicPartition::new(narrow.name, 0);
    bench.fill(&input, 0..4)?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&input.topic]))?;
    let (taken, token) = hand.take(4)?;
    hand.commit(&taken[..1], vec![numbered(&wide, 0)], token)?;

    let noise: Vec<u8> = (0u32..5_000).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let oversized = NewRecord { value: Some(Bytes::from(noise)), ..numbered(&narrow, 1) };
    let refused = hand.commit(&taken[..3], vec![numbered(&wide, 1), oversized, numbered(&wide, 2)], token);
    match refused {
        Ok(_) => fail("a record beyond the topic's bound was committed"),
        Err(error) => equal("class of a record that can never pass", error.class(), ErrorClass::Fatal),
    }?;
    equal("committed position", hand.committed(&input)?, Some(1))?;
    let (read, _) = bench.read(&wide, 0)?;
    equal("visible records", values(&read), expected(0..1))?;
    let bounds = bench.log.bounds(&wide)?;
    equal("nothing is left open", bounds.stable_end, bounds.end)?;

    hand.commit(&taken[..2], vec![numbered(&wide, 1)], token)?;
    let (read, next_offset) = bench.read(&wide, 0)?;
    equal("visible records after the next transaction", values(&read), expected(0..2))?;
    equal("the reader passed what was aborted", next_offset, bench.log.bounds(&wide)?.end)?;
    hand.member.start(&input, 2)?;
    let (taken, _) = hand.take(2)?;
    equal("values after the rewind", values(&taken), expected(2..4))?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn transactions_follow_each_other(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    bench.fill(&input, 0..60)?;
    let mut options = bench.options(&bench.unique("group"), &[&input.topic]);
    options.max_batch_records = 3;
    let mut hand = bench.join(options)?;
    let mut done = 0;
    while done < 60 {
        let (taken, token) = hand.take(1)?;
        let copies = taken.iter().map(|record| NewRecord {
            to: output.clone(),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: vec![],
            timestamp_ms: Some(record.timestamp_ms),
        });
        let outcome = hand.commit(&taken, copies.collect(), token)?;
        ensure(outcome.offsets.len() == taken.len(), "one offset per record")?;
        done += taken.len();
    }
    let (read, _) = bench.read(&output, 0)?;
    equal("copied", values(&read), expected(0..60))?;
    hand.member.leave()?;
    Ok(())
}
