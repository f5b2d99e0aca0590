//! Random inputs and random crashes: what is committed equals a straight fold of the committed log, nothing lost,
//! nothing doubled. A seed is a run; a failure names it.

use bellwether_log::sim::{Fault, Weakness};

use super::world::World;
use super::{Sabotage, alarm, relay, tally};
use crate::options::{ClockRule, InputOrder};

/// Seeds per property; each is a run of its own.
const SEEDS: u64 = 200;
/// Rounds of ill-treatment per run.
const ROUNDS: u64 = 300;
/// Seeds within which every mutation must be caught.
const MUTATION_SEEDS: u64 = 60;

/// Faults of a cluster that keeps its promises. A duplicated append would be a new event to the toys.
const FAULTS: [Fault; 10] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::CrashInside,
    Fault::Transient,
    Fault::Abort,
    Fault::LoseAcknowledgement,
    Fault::LoseRequest,
    Fault::Evict,
    Fault::Rebalance,
    Fault::Usurp,
];

fn run_tally(seed: u64, sabotage: Option<Sabotage>) -> Result<World, String> {
    rage_tally(tally::world(seed, 2, sabotage))
}

fn rage_tally(mut world: World) -> Result<World, String> {
    world.rage(ROUNDS, &FAULTS, tally::inputs)?;
    // A transaction left open by the dead would hold the positions.
    world.sim.advance(20_000);
    world.verify_snapshots("app-process")?;
    world.settle()?;
    tally::verify(&world)?;
    Ok(world)
}

fn run_alarm(seed: u64, sabotage: Option<Sabotage>) -> Result<World, String> {
    rage_alarm(alarm::world(seed, 2, sabotage))
}

fn rage_alarm(mut world: World) -> Result<World, String> {
    world.rage(ROUNDS, &FAULTS, alarm::inputs)?;
    world.sim.compact(alarm::DELAY, false);
    world.settle()?;
    alarm::verify(&world)?;
    Ok(world)
}

fn run_relay(seed: u64) -> Result<World, String> {
    let mut world = relay::world(seed, 2, false);
    world.rage(ROUNDS, &FAULTS, relay::inputs)?;
    world.settle()?;
    relay::verify(&world)?;
    Ok(world)
}

/// Runs all seeds: one of them with `BELLWETHER_SIM_SEED`, more of them with `BELLWETHER_SIM_SEEDS`.
fn all(run: impl Fn(u64) -> Result<World, String>) {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seeds = match (number("BELLWETHER_SIM_SEED"), number("BELLWETHER_SIM_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, many) => 1..=many.unwrap_or(SEEDS),
    };
    let alone = seeds.clone().count() == 1;
    let mut crashes = 0;
    for seed in seeds {
        match run(seed) {
            Ok(world) => crashes += world.crashes,
            Err(error) => panic!("seed {seed} (run it alone with BELLWETHER_SIM_SEED={seed}): {error}"),
        }
    }
    assert!(alone || crashes > 100, "only {crashes} crashes: the schedule does not ill-treat anything");
}

fn caught(run: impl Fn(u64) -> Result<World, String>) -> bool {
    (1..=MUTATION_SEEDS).any(|seed| run(seed).is_err())
}

#[test]
fn a_fold_with_snapshots_and_ticks_says_what_a_straight_fold_says() {
    all(|seed| run_tally(seed, None));
}

#[test]
fn a_fold_with_a_changelog_fires_every_alarm_once() {
    all(|seed| run_alarm(seed, None));
}

#[test]
fn a_fold_of_several_inputs_passes_every_event_on_once() {
    all(run_relay);
}

#[test]
fn clock_outputs_outside_the_transaction_are_caught() {
    assert!(caught(|seed| run_alarm(seed, Some(Sabotage::UnfencedClock))));
}

#[test]
fn snapshots_ahead_of_the_commit_are_caught() {
    assert!(caught(|seed| run_tally(seed, Some(Sabotage::SnapshotBeforeCommit))));
}

#[test]
fn a_state_kept_after_an_abort_is_caught() {
    assert!(caught(|seed| run_tally(seed, Some(Sabotage::KeepStateOnAbort))));
    assert!(caught(|seed| run_alarm(seed, Some(Sabotage::KeepStateOnAbort))));
}

#[test]
fn a_clock_that_overtakes_unread_inputs_is_caught() {
    let hasty = |seed| {
        rage_alarm(alarm::world_with(seed, 2, None, |options| options.clock_rule = ClockRule::WhenDue))
    };
    assert!(caught(hasty));
}

#[test]
fn inputs_taken_as_they_arrive_are_caught_where_their_order_matters() {
    let unmerged =
        |seed| rage_alarm(alarm::world_with(seed, 2, None, |options| options.order = InputOrder::Arrival));
    assert!(caught(unmerged));
}

#[test]
fn a_log_that_breaks_its_promises_is_caught() {
    // The other two do no harm to this loop: its fence is the group's generation rather than the producer's epoch,
    // and what the dead leave open on this cluster is always aborted, so an unstable position is a stable one.
    for weakness in [Weakness::AnyGeneration, Weakness::ShowAborted, Weakness::DropPositions] {
        assert!(caught(|seed| rage_tally(tally::world(seed, 3, None).weakened(weakness))), "{weakness:?}");
        assert!(caught(|seed| rage_alarm(alarm::world(seed, 3, None).weakened(weakness))), "{weakness:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let log = |world: &World| -> Vec<_> {
        (0..tally::UNITS).flat_map(|unit| world.committed(tally::FACTS, unit)).collect()
    };
    let (one, other) = (run_tally(7, None).unwrap(), run_tally(7, None).unwrap());
    assert_eq!(log(&one), log(&other));
    assert_eq!(one.sim.steps(), other.sim.steps());
}
