//! The order between inputs, and the clock: what waits for what, and what does not.

use std::time::Duration;

use bellwether_log::sim::{Fault, FaultPlan};

use super::alarm;
use super::relay::{self, SOURCES};
use super::tally::{self, FACTS};
use super::world::{World, record, text};
use crate::pulse::{COALESCE_MS, HEARTBEAT_MS};

/// What was passed on to one partition, in order.
fn passed(world: &World) -> Vec<String> {
    world.committed(relay::FACTS, 0).iter().map(text).collect()
}

/// Values of even length go to partition 0.
fn event(source: &str, number: u64, at: u64) -> String {
    let value = format!("{source}:{number:04}:{at:04}");
    if value.len() % 2 == 0 { value } else { format!("{source}:{number:05}:{at:04}") }
}

fn time(value: &str) -> u64 {
    value.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_backlog_folds_in_time_order_however_the_topics_were_filled() {
    for seed in 40..50 {
        let mut world = relay::world(seed, 1, false);
        // Months of one source after the other, each longer than what is held back per input.
        for (shift, source) in (0_u64..).zip(SOURCES) {
            let events = (0..300).map(|n| record(source, 0, "", &event(source, n, n * 3 + shift)));
            world.append(events.collect());
        }
        world.settle().unwrap();
        let order: Vec<u64> = passed(&world).iter().map(|value| time(value)).collect();
        assert_eq!(order.len(), 900);
        assert!(order.is_sorted(), "seed {seed}");
    }
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut world = relay::world(51, 1, true);
    // Under marks a silent source holds everything back.
    let events = (0..3_000).map(|n| record("page", 0, "", &event("page", n, n)));
    world.append(events.collect());
    world.start(0).unwrap();
    for _ in 0..400 {
        world.step(0).unwrap();
    }
    let service = world.service(0);
    let unit = &service.units[&crate::fold::UnitId(0)];
    let crate::unit::Phase::Live(live) = &unit.phase else { panic!("{:?}", unit.phase) };
    assert_eq!(live.lanes.held(0).0, 40, "the bound of this test's options");
    drop(service);
    assert!(passed(&world).is_empty());

    world.append(SOURCES.map(|source| record(source, 0, "", "mark:9999")).to_vec());
    world.settle().unwrap();
    assert_eq!(passed(&world).len(), 3_000, "the rest was fetched when there was room");
}

#[test]
fn live_nothing_waits_for_quiet_inputs() {
    let mut world = relay::world(52, 1, false);
    world.settle().unwrap();
    for n in 0..5 {
        world.append(vec![record("page", 0, "", &event("page", n, 500))]);
        let before = world.sim.now_ms();
        let mut rounds = 0;
        while passed(&world).len() <= usize::try_from(n).unwrap() {
            world.step(0).unwrap();
            rounds += 1;
            assert!(rounds < 5, "event {n} waits");
        }
        assert_eq!(world.sim.now_ms(), before, "and no time has to pass");
        world.sim.advance(7);
    }
}

#[test]
fn markers_at_the_end_of_a_quiet_input_hold_nothing_back_for_long() {
    let mut world = relay::world(53, 1, false);
    let hidden = [record("ticket", 0, "", &event("ticket", 1, 1))];
    world.sim.open_transaction("upstream", &hidden).unwrap().abort();
    world.settle().unwrap();
    world.append(vec![record("page", 0, "", &event("page", 1, 500))]);
    for _ in 0..20 {
        world.step(0).unwrap();
        world.sim.advance(10);
    }
    assert_eq!(passed(&world).len(), 1, "an aborted record and its marker are nothing to wait for");
}

#[test]
fn r15_in_warped_time_the_order_never_depends_on_arrival() {
    let run = |seed: u64, chunk: usize| {
        let mut world = relay::world(seed, 1, true);
        let mut feeds: Vec<Vec<String>> = SOURCES
            .iter()
            .map(|source| {
                let events = (0..60_u64).flat_map(|n| {
                    let mark = (n % 10 == 9).then(|| format!("mark:{}", n * 3 + 2));
                    [Some(event(source, n, n * 3 + n % 3)), mark].into_iter().flatten()
                });
                events.chain(["mark:9999".to_owned()]).collect()
            })
            .collect();
        world.start(0).unwrap();
        while feeds.iter().any(|feed| !feed.is_empty()) {
            let source = usize::try_from(world.random.below(3)).unwrap();
            let count = chunk.min(feeds[source].len());
            let records = feeds[source].drain(..count).map(|value| record(SOURCES[source], 0, "", &value));
            let records: Vec<_> = records.collect();
            world.append(records);
            world.step(0).unwrap();
            world.sim.advance(30);
        }
        world.settle().unwrap();
        passed(&world)
    };
    let expected = run(60, 1);
    assert_eq!(expected.len(), 180);
    for (seed, chunk) in [(61, 3), (62, 17), (63, 200)] {
        assert_eq!(run(seed, chunk), expected);
    }
}

#[test]
fn a_clock_that_tells_no_folds_never_ticks() {
    let mut world = relay::world(64, 1, true);
    world.append(SOURCES.map(|source| record(source, 0, "", "mark:5")).to_vec());
    // The toy would answer a clock with nothing; that it is not asked shows in the pulse, which never looked.
    world.settle().unwrap();
    let service = world.service(0);
    let unit = &service.units[&crate::fold::UnitId(0)];
    assert!(format!("{:?}", unit.pulse).contains("looked_at_ms: None"));
}

fn ticks(world: &World) -> Vec<i64> {
    let facts = world.committed(FACTS, 0);
    facts.iter().filter(|fact| text(fact) == "tick").map(|fact| fact.timestamp_ms).collect()
}

#[test]
fn deadlines_inside_a_second_share_one_tick() {
    let mut world = tally::world(65, 1, None);
    world.settle().unwrap();
    let waits = (0..50).map(|n| record(FACTS, 0, "", &format!("wait:{n}:{}", 5_000 + n * 20)));
    world.append(waits.collect());
    let started = world.sim.now_ms();
    world.settle().unwrap();
    let ticks = ticks(&world);
    assert!((2..=3).contains(&ticks.len()), "{ticks:?}");
    assert!(ticks[0] >= started + 5_000, "never early");
    assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] >= i64::try_from(COALESCE_MS).unwrap()));
    tally::verify(&world).unwrap();
}

#[test]
fn the_heartbeat_is_slow_and_ends_with_what_is_pending() {
    let mut world = tally::world(66, 1, None);
    world.append(vec![record(FACTS, 0, "", "wait:far:400000")]);
    world.settle_for(i64::try_from(HEARTBEAT_MS).unwrap() * 2).unwrap();
    let gaps: Vec<i64> = ticks(&world).windows(2).map(|pair| pair[1] - pair[0]).collect();
    let slow = gaps.iter().filter(|gap| **gap >= i64::try_from(HEARTBEAT_MS).unwrap()).count();
    assert!(slow >= 5 && gaps.len() <= slow + 1, "{gaps:?}");
    let due: Vec<String> = world.committed(tally::OUT, 0).iter().map(text).collect();
    assert_eq!(due, ["due:far@0"], "and the last one does its work");
}

#[test]
fn a_pause_of_the_owner_is_told_once() {
    let resumed = |world: &World| {
        let facts = world.committed(FACTS, 0).iter().map(text).collect::<Vec<_>>();
        facts.into_iter().filter(|fact| fact.starts_with("resumed:")).count()
    };
    let mut world = tally::world(67, 1, None);
    world.append(vec![record(FACTS, 0, "", "wait:far:3600000")]);
    for _ in 0..50 {
        if world.committed(FACTS, 0).len() > 1 {
            break;
        }
        world.settle_for(1_000).unwrap();
    }
    assert_eq!(resumed(&world), 0, "a fresh state has not been paused");

    // The loop stands still for two minutes, as a stopped process does.
    world.sim.advance(120_000);
    world.settle_for(5_000).unwrap();
    assert_eq!(resumed(&world), 1);

    // The owner dies and another comes three minutes later.
    world.crash(0);
    world.sim.advance(180_000);
    world.settle_for(5_000).unwrap();
    assert_eq!(resumed(&world), 2);

    // An abort is no pause, and does not make the fold forget one either.
    world.sim.set_faults(FaultPlan::at(world.sim.steps() + 1, Fault::Abort));
    world.append(vec![record(FACTS, 0, "", "add:a:1")]);
    world.settle_for(5_000).unwrap();
    assert_eq!(resumed(&world), 2);
    world.sim.set_faults(FaultPlan::at(world.sim.steps() + 1, Fault::Abort));
    world.sim.advance(120_000);
    world.settle_for(5_000).unwrap();
    assert_eq!(resumed(&world), 3);
}

#[test]
fn an_acknowledgement_in_the_log_is_not_overtaken() {
    let mut world = alarm::world(68, 1, None);
    world.append(vec![record(alarm::TRIGGER, 0, "", "arm:7:10000")]);
    world.settle_for(2_000).unwrap();
    world.crash(0);
    // While nobody looks, the alarm is acknowledged in time, behind a pile of others; then it falls due.
    world.append(vec![record(alarm::COMMAND, 0, "", "ack:none"); 400]);
    world.append(vec![record(alarm::COMMAND, 0, "", "ack:7")]);
    world.sim.advance(60_000);
    world.settle().unwrap();
    let ends: Vec<String> = world.committed(alarm::OUT, 0).iter().map(text).collect();
    assert_eq!(ends, ["acknowledged:7"]);
}

#[test]
fn a_marker_at_the_end_of_an_input_does_not_keep_the_clock_waiting() {
    let mut world = alarm::world(69, 1, None);
    let armed = [record(alarm::TRIGGER, 0, "", "arm:7:5000")];
    world.sim.open_transaction("upstream", &armed).unwrap().commit();
    let since = world.sim.now_ms();
    world.settle().unwrap();
    let fired = world.committed(alarm::OUT, 0);
    assert_eq!(fired.len(), 1);
    let late = Duration::from_millis(u64::try_from(fired[0].timestamp_ms - since - 5_000).unwrap());
    assert!(late < Duration::from_secs(2), "fired {late:?} late");
}
