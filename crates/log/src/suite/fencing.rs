//! Fences: who may not commit any more.

use std::collections::BTreeMap;

use super::Harness;
use super::tools::{Bench, Failure, Hand, Outcome, POLLS, ensure, equal, fail, numbered, values};
use crate::{ErrorClass, FencingToken, NewRecord, Polled, Record, TopicPartition};

/// Polls both until `done`.
fn alternate(
    first: &mut Hand,
    second: &mut Hand,
    what: &str,
    done: impl Fn(&Hand, &Hand) -> bool,
) -> Outcome {
    for _ in 0..POLLS {
        if done(first, second) {
            return Ok(());
        }
        first.poll()?;
        second.poll()?;
    }
    fail(format!("waited for {what}: {:?} and {:?}", first.held.keys(), second.held.keys()))
}

fn refused(hand: &mut Hand, taken: &[Record], output: &TopicPartition, token: FencingToken) -> Outcome {
    match hand.commit(taken, vec![numbered(output, 99)], token) {
        Ok(_) => fail("a stale token was accepted"),
        Err(error) => equal("class", error.class(), ErrorClass::Fenced),
    }
}

/// Two members of one group over two partitions, the first with a batch of the partition it then gives away.
fn handed_over(bench: &Bench<'_>) -> Result<(Hand, Hand, Vec<Record>, FencingToken), Failure> {
    let topic = bench.topic("in", 2)?;
    for number in 0..2 {
        bench.fill(&TopicPartition::new(topic.clone(), number), 0..4)?;
    }
    let group = bench.unique("group");
    let mut first = bench.join(bench.options(&group, &[&topic]))?;
    first.hold(2)?;
    let (mut taken, token) = first.take(8)?;
    let mut second = bench.join(bench.options(&group, &[&topic]))?;
    second.starts = false;
    alternate(&mut first, &mut second, "one partition each", |first, second| {
        first.held.len() == 1 && second.held.len() == 1
    })?;
    taken.retain(|record| second.held.contains_key(&record.from));
    Ok((first, second, taken, token))
}

pub(super) fn a_stale_token_is_refused_after_revocation(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    let (mut first, mut second, taken, token) = handed_over(&bench)?;
    refused(&mut first, &taken, &output, token)?;
    let lost = &taken[0].from;
    equal("committed position of the new owner", second.committed(lost)?, None)?;
    equal("end of the output", bench.log.bounds(&output)?.end, 0)?;
    first.member.leave()?;
    second.member.leave()?;
    Ok(())
}

pub(super) fn a_stale_token_is_refused_after_reassignment(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    let (mut first, second, taken, token) = handed_over(&bench)?;
    second.member.leave()?;
    first.hold(2)?;
    refused(&mut first, &taken, &output, token)?;
    equal("end of the output", bench.log.bounds(&output)?.end, 0)?;
    let (again, token) = first.take(4)?;
    first.commit(&again, vec![numbered(&output, 1)], token)?;
    equal("output under the new token", values(&bench.read(&output, 0)?.0), vec!["v1".to_owned()])?;
    first.member.leave()?;
    Ok(())
}

pub(super) fn a_twin_fences_the_elder(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let input = TopicPartition::new(bench.topic("in", 1)?, 0);
    let output = TopicPartition::new(bench.topic("out", 1)?, 0);
    bench.fill(&input, 0..2)?;
    let options = bench.options(&bench.unique("group"), &[&input.topic]);
    let mut twin_options = options.clone();
    twin_options.group = bench.unique("other-group");
    let mut elder = bench.join(options)?;
    let (taken, token) = elder.take(2)?;
    elder.commit(&taken[..1], vec![numbered(&output, 0)], token)?;

    let mut twin = bench.join(twin_options)?;
    refused(&mut elder, &taken, &output, token)?;
    equal("visible output", values(&bench.read(&output, 0)?.0), vec!["v0".to_owned()])?;
    let (twins, token) = twin.take(2)?;
    twin.commit(&twins, vec![numbered(&output, 2)], token)?;
    equal("output of the twin", values(&bench.read(&output, 0)?.0), vec!["v0".to_owned(), "v2".to_owned()])?;

    twin.member.leave()?;
    let mut lost = false;
    for _ in 0..POLLS {
        if let Polled::Revoked { lost: thrown_out, .. } = elder.poll()? {
            lost = thrown_out;
            break;
        }
    }
    ensure(lost, "what the elder held is polled as lost")?;
    elder.hold(1)?;
    equal("position the elder finds", elder.held.get(&input).copied().flatten(), Some(1))?;
    let (taken, token) = elder.take(1)?;
    elder.commit(&taken, vec![], token)?;
    elder.member.leave()?;
    Ok(())
}

/// Copies one batch, as every role does: what fails is rewound to the committed positions. Records committed.
fn copy(hand: &mut Hand, output: &str) -> Result<usize, Failure> {
    let Polled::Batch { records, token } = hand.poll()? else { return Ok(0) };
    let outputs = records.iter().map(|record| NewRecord {
        to: TopicPartition::new(output, record.from.partition),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: vec![],
        timestamp_ms: None,
    });
    match hand.commit(&records, outputs.collect(), token) {
        Ok(_) => return Ok(records.len()),
        Err(error) => match error.class() {
            ErrorClass::Aborted | ErrorClass::Fenced | ErrorClass::Indefinite => {}
            ErrorClass::Transient | ErrorClass::Fatal => return Err(error.into()),
        },
    }
    let mut rewound: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    for record in &records {
        if hand.held.contains_key(&record.from) && !rewound.contains_key(&record.from) {
            let next_offset = hand.committed(&record.from)?.unwrap_or(0);
            hand.member.start(&record.from, next_offset)?;
            rewound.insert(record.from.clone(), next_offset);
        }
    }
    Ok(0)
}

pub(super) fn members_hand_over_without_loss_or_duplicate(harness: &dyn Harness) -> Outcome {
    const PARTITIONS: u32 = 4;
    const EACH: u32 = 150;
    let bench = Bench::new(harness);
    let (input, output) = (bench.topic("in", PARTITIONS)?, bench.topic("out", PARTITIONS)?);
    for number in 0..PARTITIONS {
        bench.fill(&TopicPartition::new(input.clone(), number), 0..EACH)?;
    }
    let group = bench.unique("group");
    let join = || {
        let mut options = bench.options(&group, &[&input]);
        options.max_batch_records = 4;
        bench.join(options)
    };
    let total = usize::try_from(PARTITIONS * EACH).unwrap_or(usize::MAX);
    let (mut done, mut by_second) = (0, 0);
    let mut first = join()?;
    for _ in 0..POLLS {
        if done >= total / 4 {
            break;
        }
        done += copy(&mut first, &output)?;
    }
    let mut second = join()?;
    for _ in 0..POLLS {
        if by_second >= total / 8 || done >= total {
            break;
        }
        done += copy(&mut first, &output)?;
        let copied = copy(&mut second, &output)?;
        (done, by_second) = (done + copied, by_second + copied);
    }
    first.member.leave()?;
    for _ in 0..POLLS {
        if done >= total {
            break;
        }
        done += copy(&mut second, &output)?;
    }
    second.member.leave()?;
    for number in 0..PARTITIONS {
        let (read, _) = bench.read(&TopicPartition::new(output.clone(), number), 0)?;
        let expected: Vec<String> = (0..EACH).map(|number| format!("v{number}")).collect();
        equal(&format!("copies in partition {number}"), values(&read), expected)?;
    }
    equal("records committed", done, total)
}
