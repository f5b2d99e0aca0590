//! Members: assignment, starting, pausing, positions.

use std::collections::BTreeSet;

use super::Harness;
use super::tools::{Bench, Outcome, POLL, POLLS, ensure, equal, expected, fail, values};
use crate::{Assignor, ErrorClass, Polled, TopicPartition};

pub(super) fn a_member_delivers_nothing_before_start(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let topic = bench.topic("paused", 2)?;
    let partition = |number| TopicPartition::new(topic.clone(), number);
    bench.fill(&partition(0), 0..5)?;
    bench.fill(&partition(1), 0..5)?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&topic]))?;
    hand.starts = false;
    hand.hold(2)?;
    ensure(hand.held.values().all(Option::is_none), "a new group has no positions")?;
    for _ in 0..5 {
        hand.idle()?;
    }
    hand.member.start(&partition(1), 0)?;
    let (taken, _) = hand.take(5)?;
    ensure(taken.iter().all(|record| record.from == partition(1)), "only what was started is delivered")?;
    equal("values", values(&taken), expected(0..5))?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn a_member_starts_at_the_given_offset(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("offset", 1)?, 0);
    bench.fill(&partition, 0..20)?;
    let mut hand = bench.join(bench.options(&bench.unique("group"), &[&partition.topic]))?;
    hand.starts = false;
    hand.hold(1)?;
    hand.member.start(&partition, 17)?;
    let (taken, _) = hand.take(3)?;
    equal("values", values(&taken), expected(17..20))?;
    hand.idle()?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn pause_stops_and_start_rewinds(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("rewind", 1)?, 0);
    bench.fill(&partition, 0..10)?;
    let mut options = bench.options(&bench.unique("group"), &[&partition.topic]);
    options.max_batch_records = 3;
    let mut hand = bench.join(options)?;
    hand.take(1)?;
    hand.member.pause(&partition)?;
    for _ in 0..5 {
        hand.idle()?;
    }
    hand.member.start(&partition, 2)?;
    let (taken, _) = hand.take(8)?;
    equal("values after the pause", values(&taken), expected(2..10))?;
    hand.member.start(&partition, 6)?;
    let (taken, _) = hand.take(4)?;
    equal("values after a rewind", values(&taken), expected(6..10))?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn batches_keep_to_their_bound(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("bound", 1)?, 0);
    bench.fill(&partition, 0..50)?;
    let mut options = bench.options(&bench.unique("group"), &[&partition.topic]);
    options.max_batch_records = 7;
    let mut hand = bench.join(options)?;
    let mut seen = Vec::new();
    for _ in 0..POLLS {
        if let Polled::Batch { records, .. } = hand.poll()? {
            ensure(records.len() <= 7, format!("a batch of {}", records.len()))?;
            seen.extend(values(&records));
        }
        if seen.len() >= 50 {
            break;
        }
    }
    equal("values", seen, expected(0..50))?;
    hand.member.leave()?;
    Ok(())
}

pub(super) fn a_group_without_position_may_not_start(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let topic = bench.topic("strict", 1)?;
    let mut options = bench.options(&bench.unique("group"), &[&topic]);
    options.start_at_beginning = false;
    let mut member = bench.log.join(options)?;
    for _ in 0..POLLS {
        match member.poll(POLL) {
            Err(error) => {
                equal("class", error.class(), ErrorClass::Fatal)?;
                member.leave()?;
                return Ok(());
            }
            Ok(Polled::Idle { .. }) => {}
            Ok(other) => return fail(format!("polled {other:?} without a committed position")),
        }
    }
    fail("no error without a committed position")
}

pub(super) fn positions_come_with_the_assignment(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let partition = TopicPartition::new(bench.topic("positions", 1)?, 0);
    let group = bench.unique("group");
    bench.fill(&partition, 0..4)?;
    equal(
        "positions of a new group",
        bench.log.committed(&group, std::slice::from_ref(&partition))?,
        vec![],
    )?;
    let mut first = bench.join(bench.options(&group, &[&partition.topic]))?;
    let (taken, token) = first.take(4)?;
    first.commit(&taken[..3], vec![], token)?;
    equal("own committed position", first.committed(&partition)?, Some(3))?;
    first.member.leave()?;
    let told = bench.log.committed(&group, std::slice::from_ref(&partition))?;
    equal("committed position from outside", told.first().map(|position| position.next_offset), Some(3))?;

    let mut options = bench.options(&group, &[&partition.topic]);
    options.start_at_beginning = false;
    let mut second = bench.join(options)?;
    second.hold(1)?;
    equal("position handed over", second.held.get(&partition).copied().flatten(), Some(3))?;
    let (taken, _) = second.take(1)?;
    equal("values", values(&taken), expected(3..4))?;
    second.member.leave()?;
    Ok(())
}

pub(super) fn range_gives_equal_numbers_to_one_member(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let (left, right) = (bench.topic("left", 5)?, bench.topic("right", 5)?);
    let group = bench.unique("group");
    let options = || {
        let mut options = bench.options(&group, &[&left, &right]);
        options.assignor = Assignor::Range;
        options
    };
    let mut first = bench.join(options())?;
    first.hold(10)?;
    let mut second = bench.join(options())?;
    for _ in 0..POLLS {
        if first.held.len() + second.held.len() == 10 && !second.held.is_empty() {
            break;
        }
        first.poll()?;
        second.poll()?;
    }
    let numbers = |hand: &super::tools::Hand, topic: &str| -> BTreeSet<u32> {
        hand.held.keys().filter(|held| held.topic == *topic).map(|held| held.partition).collect()
    };
    for hand in [&first, &second] {
        ensure(!hand.held.is_empty(), "both members hold something")?;
        equal("numbers of both topics", numbers(hand, &left), numbers(hand, &right))?;
    }
    let all: BTreeSet<u32> = numbers(&first, &left).union(&numbers(&second, &left)).copied().collect();
    equal("all numbers", all, (0..5).collect())?;
    first.member.leave()?;
    second.member.leave()?;
    Ok(())
}
