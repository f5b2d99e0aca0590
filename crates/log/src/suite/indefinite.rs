//! Outcomes nobody told, and owners that vanish: what only the simulator can bring about at will.

use super::Harness;
use super::tools::{Bench, Failure, Hand, Outcome, POLLS, ensure, equal, expected, fail, numbered, values};
use crate::sim::{Fault, FaultPlan, Sim, is_crash};
use crate::{Error, ErrorClass, FencingToken, Polled, Record, TopicPartition};

struct Stage<'a> {
    bench: Bench<'a>,
    sim: Sim,
    input: TopicPartition,
    output: TopicPartition,
    options: crate::GroupOptions,
}

impl<'a> Stage<'a> {
    fn new(harness: &'a dyn Harness) -> Result<Self, Failure> {
        let bench = Bench::new(harness);
        let Some(sim) = harness.sim() else { return fail("this case needs the simulator") };
        let input = TopicPartition::new(bench.topic("in", 1)?, 0);
        let output = TopicPartition::new(bench.topic("out", 1)?, 0);
        bench.fill(&input, 0..3)?;
        let options = bench.options(&bench.unique("group"), &[&input.topic]);
        Ok(Self { bench, sim, input, output, options })
    }

    fn member(&self) -> Result<(Hand, Vec<Record>, FencingToken), Failure> {
        let mut hand = self.bench.join(self.options.clone())?;
        let (taken, token) = hand.take(3)?;
        Ok((hand, taken, token))
    }

    /// Commits everything under a fault; the error it came back with.
    fn strike(
        &self,
        fault: Fault,
        hand: &mut Hand,
        taken: &[Record],
        token: FencingToken,
    ) -> Result<Error, Failure> {
        self.sim.set_faults(FaultPlan::at(0, fault));
        let outputs = (0..3).map(|number| numbered(&self.output, number)).collect();
        match hand.commit(taken, outputs, token) {
            Ok(_) => fail(format!("{fault:?} went unnoticed")),
            Err(error) => Ok(error),
        }
    }

    fn copied(&self, count: u32) -> Outcome {
        let (read, _) = self.bench.read(&self.output, 0)?;
        equal("output", values(&read), expected(0..count))
    }
}

pub(super) fn a_lost_acknowledgement_can_be_read_back(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    let error = stage.strike(Fault::LoseAcknowledgement, &mut hand, &taken, token)?;
    equal("class", error.class(), ErrorClass::Indefinite)?;
    equal("it did happen", hand.committed(&stage.input)?, Some(3))?;
    stage.copied(3)?;
    hand.commit(&taken, vec![], token)?;
    Ok(())
}

pub(super) fn a_lost_request_can_be_read_back(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    let error = stage.strike(Fault::LoseRequest, &mut hand, &taken, token)?;
    equal("class", error.class(), ErrorClass::Indefinite)?;
    equal("it did not happen", hand.committed(&stage.input)?, None)?;
    stage.copied(0)?;
    hand.commit(&taken, (0..3).map(|number| numbered(&stage.output, number)).collect(), token)?;
    stage.copied(3)
}

pub(super) fn a_position_is_told_once_it_is_stable(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    stage.sim.set_faults(FaultPlan::at(0, Fault::SlowMarkers));
    hand.commit(&taken, (0..3).map(|number| numbered(&stage.output, number)).collect(), token)?;
    let mut waits = 0;
    let told = loop {
        match hand.committed(&stage.input) {
            Ok(told) => break told,
            Err(_) if waits < POLLS => waits += 1,
            Err(failure) => return Err(failure),
        }
    };
    equal("never an older one", told, Some(3))?;
    stage.copied(3)
}

pub(super) fn an_aborted_commit_can_be_made_again(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    let error = stage.strike(Fault::Abort, &mut hand, &taken, token)?;
    equal("class", error.class(), ErrorClass::Aborted)?;
    equal("committed position", hand.committed(&stage.input)?, None)?;
    stage.copied(0)?;
    hand.member.start(&stage.input, 0)?;
    let (taken, token) = hand.take(3)?;
    equal("values after the rewind", values(&taken), expected(0..3))?;
    hand.commit(&taken, (0..3).map(|number| numbered(&stage.output, number)).collect(), token)?;
    stage.copied(3)
}

pub(super) fn an_evicted_member_cannot_commit(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    let error = stage.strike(Fault::Evict, &mut hand, &taken, token)?;
    let class = error.class();
    ensure(matches!(class, ErrorClass::Aborted | ErrorClass::Fenced), format!("class {class:?}"))?;
    stage.copied(0)?;
    match hand.poll()? {
        Polled::Revoked { lost: true, partitions } => equal("lost", partitions, vec![stage.input.clone()])?,
        other => return fail(format!("polled {other:?} instead of a loss")),
    }
    hand.hold(1)?;
    let (taken, token) = hand.take(3)?;
    hand.commit(&taken, (0..3).map(|number| numbered(&stage.output, number)).collect(), token)?;
    stage.copied(3)
}

pub(super) fn a_crash_inside_a_commit_holds_readers_until_the_id_returns(harness: &dyn Harness) -> Outcome {
    let stage = Stage::new(harness)?;
    let (mut hand, taken, token) = stage.member()?;
    let error = stage.strike(Fault::CrashInside, &mut hand, &taken, token)?;
    ensure(is_crash(&error), "the process is dead")?;
    ensure(hand.member.poll(super::tools::POLL).is_err(), "the dead do not poll")?;

    let survivor = harness.log();
    let bounds = survivor.bounds(&stage.output)?;
    equal("the open transaction holds readers", (bounds.stable_end, bounds.end), (0, 3))?;
    let unstable = survivor.committed(&stage.options.group, std::slice::from_ref(&stage.input));
    equal(
        "the position is unstable",
        unstable.err().map(|error| error.class()),
        Some(ErrorClass::Transient),
    )?;

    let mut heir = Hand { member: survivor.join(stage.options.clone())?, held: [].into(), starts: true };
    let bounds = survivor.bounds(&stage.output)?;
    equal("the returning id aborts it", (bounds.stable_end, bounds.end), (4, 4))?;
    for _ in 0..POLLS {
        if !heir.held.is_empty() {
            break;
        }
        heir.poll()?;
        stage.sim.advance(1_000);
    }
    let (taken, token) = heir.take(3)?;
    heir.commit(&taken, (0..3).map(|number| numbered(&stage.output, number)).collect(), token)?;
    let mut reader = survivor.read(&stage.output, 0)?;
    let mut read = Vec::new();
    loop {
        let batch = reader.next(super::tools::POLL)?;
        if batch.is_empty() {
            break;
        }
        read.extend(batch);
    }
    equal("output", values(&read), expected(0..3))
}
