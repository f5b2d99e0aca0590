//! How units come back: from which snapshot, over which log, and when not at all.

use bellwether_log::TopicPartition;
use bellwether_log::sim::{Fault, FaultPlan};

use super::tally::{self, FACTS, OUT};
use super::world::{World, record, text};
use super::{alarm, relay};
use crate::options::LostPositions;
use crate::snapshot::Objects;
use crate::status::HaltCause;

/// A world that has folded `count` records of unit 0, in several snapshots, and then lost its service.
fn crashed(seed: u64, count: usize, lost: LostPositions) -> World {
    let mut world = tally::world_with(seed, 1, None, move |options| options.lost_positions = lost);
    for _ in 0..count / 10 {
        world.append(vec![record(FACTS, 0, "", "add:a:9"); 10]);
        world.settle_for(25_000).unwrap();
    }
    world.crash(0);
    world.sim.advance(20_000);
    world
}

fn snapshots(world: &World) -> Vec<String> {
    world.objects.all().into_keys().filter(|name| name.contains("/00000/")).collect()
}

fn halted(world: &World) -> HaltCause {
    let halted = world.service(0).handle().status().halted();
    halted.into_iter().find(|(unit, _)| unit.0 == 0).expect("unit 0 is halted").1
}

#[test]
fn spoilt_snapshots_fall_back_to_older_ones_and_then_to_the_log() {
    let mut world = crashed(21, 60, LostPositions::Refuse);
    let names = snapshots(&world);
    assert_eq!(names.len(), 3);
    for name in names.iter().rev() {
        let mut bytes = world.objects.all()[name].clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        world.objects.spoil(name, bytes);
        world.settle().unwrap();
        tally::verify(&world).unwrap_or_else(|error| panic!("{name} spoilt: {error}"));
        world.crash(0);
        world.sim.advance(20_000);
    }
}

#[test]
fn a_snapshot_whose_content_lies_is_refused() {
    let mut world = crashed(22, 30, LostPositions::Refuse);
    let name = snapshots(&world).pop().unwrap();
    let mut snapshot = crate::snapshot::codec::decode(&world.objects.all()[&name]).unwrap();
    // Well formed and checksummed, but not the state its header speaks of.
    let text = String::from_utf8(snapshot.payload.clone()).unwrap();
    snapshot.payload = text.replace("\"a\":", "\"b\":").into_bytes();
    world.objects.spoil(&name, crate::snapshot::codec::encode(&snapshot).unwrap());
    world.settle().unwrap();
    tally::verify(&world).unwrap();
}

#[test]
fn without_a_snapshot_and_with_a_cut_log_the_unit_halts_and_says_what_to_do() {
    let mut world = crashed(23, 30, LostPositions::Refuse);
    for name in snapshots(&world) {
        world.objects.delete(&name).unwrap();
    }
    world.sim.truncate(&TopicPartition::new(FACTS, 0), 5).unwrap();
    world.settle().unwrap();
    let cause = halted(&world);
    assert!(matches!(cause, HaltCause::StateLost { log_start: 5, needed: 0, .. }));
    assert!(cause.to_string().contains("bring back a snapshot"), "{cause}");
}

#[test]
fn with_a_snapshot_the_cut_part_of_the_log_is_not_needed() {
    let mut world = crashed(24, 30, LostPositions::Refuse);
    let before = world.committed(FACTS, 0);
    world.sim.truncate(&TopicPartition::new(FACTS, 0), 5).unwrap();
    world.append(vec![record(FACTS, 0, "", "add:a:50")]);
    world.settle().unwrap();
    let all: Vec<_> = before.into_iter().chain(world.committed(FACTS, 0).pop()).collect();
    assert_eq!(world.hash(0), Some(tally::straight(0, &all).hash));
}

#[test]
fn records_that_expired_unread_are_not_passed_over_in_silence() {
    let mut world = crashed(25, 30, LostPositions::Refuse);
    world.append(vec![record(FACTS, 0, "", "add:a:1"); 5]);
    world.sim.truncate(&TopicPartition::new(FACTS, 0), 33).unwrap();
    world.settle().unwrap();
    assert!(matches!(halted(&world), HaltCause::Expired { log_start: 33, committed: 30, .. }));

    let mut world = crashed(25, 30, LostPositions::Resume);
    world.append(vec![record(FACTS, 0, "", "add:a:1"); 5]);
    world.sim.truncate(&TopicPartition::new(FACTS, 0), 33).unwrap();
    world.settle().unwrap();
    assert!(world.service(0).handle().status().halted().is_empty());
}

#[test]
fn a_group_that_lost_its_positions_does_not_start_over_unasked() {
    // Another group name is what expired positions look like.
    let halted_world = |lost| {
        let renamed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = std::sync::Arc::clone(&renamed);
        let mut world = tally::world_with(26, 1, None, move |options| {
            options.lost_positions = lost;
            if flag.load(std::sync::atomic::Ordering::SeqCst) {
                options.group = "renamed".to_owned();
            }
        });
        world.append(vec![record(FACTS, 0, "", "add:a:60"); 40]);
        world.settle().unwrap();
        world.service(0).handle().stop();
        world.step(0).unwrap();
        renamed.store(true, std::sync::atomic::Ordering::SeqCst);
        world.append(vec![record(FACTS, 0, "", "add:a:60")]);
        world.settle().unwrap();
        world
    };
    let world = halted_world(LostPositions::Refuse);
    let cause = halted(&world);
    assert!(matches!(cause, HaltCause::PositionsLost { .. }));
    assert!(cause.to_string().contains("lost-positions"), "{cause}");

    let world = halted_world(LostPositions::Resume);
    tally::verify(&world).expect("it goes on where the snapshot was, and nothing is said twice");
}

#[test]
fn a_topic_made_anew_under_the_same_name_is_noticed() {
    let mut world = tally::world(27, 1, None);
    // The positions of the old topic, without the old topic.
    let process = world.sim.process();
    let options = tally::options(9, &world.objects).group_options();
    let mut member = bellwether_log::EventLog::join(&process, options).unwrap();
    let token = loop {
        match member.poll(std::time::Duration::ZERO).unwrap() {
            bellwether_log::Polled::Idle { token } => break token,
            bellwether_log::Polled::Assigned(_) => {}
            other => panic!("{other:?}"),
        }
    };
    let at = TopicPartition::new(FACTS, 0);
    let positions = vec![bellwether_log::Position { partition: at, next_offset: 500 }];
    member.commit(&bellwether_log::Transaction { records: vec![], positions, token }).unwrap();
    member.leave().unwrap();

    world.settle().unwrap();
    assert!(matches!(halted(&world), HaltCause::LogBehind { log_end: 0, committed: 500, .. }));
}

#[test]
fn a_log_that_begins_late_is_followed_by_a_snapshot_at_once() {
    let mut world = tally::world(28, 1, None);
    world.append(vec![record(FACTS, 0, "", "add:a:9"); 10]);
    world.sim.truncate(&TopicPartition::new(FACTS, 0), 5).unwrap();
    world.start(0).unwrap();
    for _ in 0..50 {
        world.step(0).unwrap();
    }
    assert_eq!(snapshots(&world).len(), 1, "the state could not be rebuilt from the log");
}

#[test]
fn a_store_that_fails_for_a_while_is_waited_for() {
    let mut world = crashed(29, 30, LostPositions::Refuse);
    world.objects.fail_next(5);
    world.settle().unwrap();
    tally::verify(&world).unwrap();
}

#[test]
fn a_restore_does_not_hold_up_live_units() {
    let mut world = tally::world_with(30, 1, None, |options| {
        options.bounds.snapshot_records = u64::MAX;
        options.bounds.snapshot_every = std::time::Duration::from_secs(100_000);
    });
    for _ in 0..20 {
        world.append(vec![record(FACTS, 0, "", "add:a:1"); 500]);
    }
    world.settle().unwrap();
    world.crash(0);
    world.sim.advance(20_000);
    world.start(0).unwrap();
    world.append(vec![record(FACTS, 2, "", "add:b:150")]);
    let mut rounds = 0;
    while world.committed(OUT, 2).is_empty() {
        world.step(0).unwrap();
        rounds += 1;
        assert!(rounds < 50, "unit 2 waits for the replay of unit 0");
    }
    assert_eq!(world.hash(0), None, "unit 0 is still being restored");
}

#[test]
fn a_changelog_is_read_to_the_end_of_its_last_transaction() {
    let mut world = alarm::world(31, 1, None);
    world.append(vec![record(alarm::TRIGGER, 0, "", "arm:1:60000")]);
    world.settle_for(2_000).unwrap();
    world.crash(0);
    world.sim.advance(20_000);
    // A zombie's transaction is still open in the changelog; what is behind it is not readable yet.
    let stray = [record(alarm::DELAY, 0, "1", "done")];
    let hanging = world.sim.open_transaction("zombie", &stray).unwrap();
    world.start(0).unwrap();
    for _ in 0..200 {
        world.step(0).unwrap();
    }
    assert_eq!(world.hash(0), None, "the unit waits for the transaction to be decided");
    hanging.abort();
    world.settle().unwrap();
    alarm::verify(&world).unwrap();
}

#[test]
fn a_changelog_record_that_does_not_load_halts_the_unit() {
    let mut world = alarm::world(32, 1, None);
    world.append(vec![record(alarm::DELAY, 0, "1", "gibberish")]);
    world.settle().unwrap();
    assert!(matches!(halted(&world), HaltCause::Changelog { offset: 0, .. }));
}

#[test]
fn broadcast_topics_are_known_before_going_live_and_followed_after() {
    let mut world = alarm::world(33, 1, None);
    world.append(vec![
        record(alarm::REFERENCE, 0, "x", "one"),
        record(alarm::REFERENCE, 1, "y", "bad"),
        record(alarm::REFERENCE, 1, "z", "two"),
    ]);
    world.settle().unwrap();
    alarm::verify(&world).expect("the units know what was there, and a bad record stops nobody");
    world.append(vec![record(alarm::REFERENCE, 0, "x", "three")]);
    world.settle().unwrap();
    alarm::verify(&world).expect("they follow");
    // A unit that is restored later knows the same.
    let evict = FaultPlan::at(world.sim.steps() + 1, Fault::Evict);
    world.sim.set_faults(evict);
    world.settle().unwrap();
    alarm::verify(&world).expect("and know it again");
}

#[test]
fn records_that_come_after_a_pause_are_folded_after_a_look_at_the_broadcast_topics() {
    let mut world = alarm::world(35, 1, None);
    world.settle().unwrap();
    // Wherever in the rest between two looks it happens, name and question come together, the name never second.
    for (number, pause_ms) in (300..2_400).step_by(100).enumerate() {
        world.step(0).unwrap();
        world.sim.advance(pause_ms);
        let name = format!("name-{number}");
        world.append(vec![record(alarm::REFERENCE, 0, "x", &name)]);
        world.append(vec![record(alarm::TRIGGER, 0, "", "who:x")]);
        let mut rounds = 0;
        while world.committed(alarm::OUT, 0).len() <= number {
            world.step(0).unwrap();
            rounds += 1;
            assert!(rounds < 1_000, "no answer after a pause of {pause_ms} ms");
        }
        let answers = world.committed(alarm::OUT, 0);
        assert_eq!(text(&answers[number]), format!("x:{name}"), "after a pause of {pause_ms} ms");
    }
}

#[test]
fn a_unit_of_several_inputs_goes_live_when_it_has_all_of_them() {
    let mut world = relay::world(34, 2, false);
    world.append(vec![record("page", 0, "", "page:1:5"), record("ticket", 0, "", "ticket:1:3")]);
    world.settle().unwrap();
    relay::verify(&world).unwrap();
    let passed: Vec<String> =
        (0..2).flat_map(|unit| world.committed(relay::FACTS, unit)).map(|fact| text(&fact)).collect();
    assert_eq!(passed.len(), 2);
}
