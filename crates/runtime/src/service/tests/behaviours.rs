//! Dead letters, panics, halts, stops and refusals of the log, one behaviour per test.

use bellwether_log::sim::{Fault, FaultPlan};
use bellwether_log::{Cleanup, EventLog, Position, TimestampKind, TopicPartition};

use super::tally::{self, DEAD, FACTS, OUT, UNITS};
use super::world::{World, record, text, topic};
use crate::dead_letter;
use crate::error::Error;
use crate::fold::UnitId;
use crate::service::Step;
use crate::status::{HaltCause, UnitHealth};

fn said(world: &World, unit: u32) -> Vec<String> {
    world.committed(OUT, unit).iter().map(text).collect()
}

fn committed(world: &World, unit: u32) -> Option<i64> {
    let at: Vec<Position> =
        world.sim.process().committed("app-process", &[TopicPartition::new(FACTS, unit)]).unwrap();
    at.first().map(|position| position.next_offset)
}

fn append(world: &mut World, values: &[&str]) {
    world.append(values.iter().map(|value| record(FACTS, 0, "", value)).collect());
}

#[test]
fn a_record_that_cannot_be_folded_is_diverted_and_the_rest_goes_on() {
    let mut world = tally::world(1, 1, None);
    append(&mut world, &["add:a:60", "gibberish", "add:a:60"]);
    world.settle().unwrap();
    assert_eq!(said(&world, 0), ["crossed:a:1:120:2"], "what was said before the refusal is taken back");
    let letters = world.committed(DEAD, 0);
    assert_eq!(letters.len(), 1);
    assert_eq!(text(&letters[0]), "gibberish");
    let header = |name: &str| {
        let found = letters[0].headers.iter().find(|(header, _)| header == name);
        String::from_utf8(found.unwrap().1.clone().unwrap().to_vec()).unwrap()
    };
    assert_eq!(header(dead_letter::STAGE), "decode");
    assert_eq!(header(dead_letter::CAUSE), "unknown word gibberish");
    assert_eq!((header(dead_letter::TOPIC), header(dead_letter::OFFSET)), (FACTS.to_owned(), "1".to_owned()));
}

#[test]
fn a_batch_whose_time_is_up_is_committed_before_more_is_folded() {
    let mut world = tally::world_with(6, 1, None, |options| {
        options.bounds.batch_time = std::time::Duration::ZERO;
    });
    append(&mut world, &["add:a:60", "add:a:60", "add:a:60"]);
    world.start(0).unwrap();
    let mut seen = vec![None];
    for _ in 0..1_000 {
        world.step(0).unwrap();
        world.sim.advance(50);
        let now = committed(&world, 0);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    assert_eq!(seen, [None, Some(1), Some(2), Some(3)]);
}

#[test]
fn a_run_of_bad_records_halts_its_partition_and_no_other() {
    let mut world = tally::world(2, 1, None);
    append(&mut world, &["add:a:1"]);
    append(&mut world, &["gibberish"; 200]);
    world.append(vec![record(FACTS, 1, "", "add:b:150")]);
    world.settle().unwrap();

    assert_eq!(world.committed(DEAD, 0).len(), 50);
    assert_eq!(committed(&world, 0), Some(51), "held in front of the record that was one too many");
    assert_eq!(said(&world, 1), ["crossed:b:1:150:0"]);
    let status = world.service(0).handle();
    let (unit, cause) = status.status().halted().remove(0);
    assert_eq!(unit, UnitId(0));
    assert!(matches!(cause, HaltCause::DeadLetters { next_offset: 51, .. }));
    assert!(
        cause
            .to_string()
            .starts_with("51 records in a row could not be folded, so facts[0] is held at offset 51")
    );
    assert!(status.status().is_ready(), "the other partitions are served");
}

#[test]
fn a_halted_partition_stays_halted_through_a_rebalance() {
    let mut world = tally::world(3, 1, None);
    append(&mut world, &["gibberish"; 200]);
    world.settle().unwrap();
    world.sim.set_faults(FaultPlan::at(world.sim.steps() + 1, Fault::Evict));
    world.settle().unwrap();
    assert_eq!(world.committed(DEAD, 0).len(), 50, "no second helping");
    assert_eq!(world.service(0).handle().status().halted().len(), 1);
}

#[test]
fn a_panic_is_quarantined_and_said() {
    let mut world = tally::world(4, 1, None);
    append(&mut world, &["add:a:60", "boom", "add:a:60", "boom", "add:a:90"]);
    world.settle().unwrap();
    tally::verify(&world).unwrap();
    assert_eq!(
        said(&world, 0),
        ["crossed:a:1:120:2", "crossed:a:2:210:4"],
        "nothing of the torn state shows"
    );
    let facts: Vec<String> = world.committed(FACTS, 0).iter().map(text).collect();
    assert_eq!(facts[5..], ["skipped:1", "skipped:3"]);
    assert_eq!(world.committed(DEAD, 0).len(), 2);
}

#[test]
fn a_replay_passes_over_what_was_passed_over() {
    let mut world = tally::world_with(5, 1, None, |options| {
        options.bounds.snapshot_records = u64::MAX;
    });
    append(&mut world, &["add:a:60", "boom", "add:a:60"]);
    world.settle().unwrap();
    let snapshots = world.objects.all();
    assert!(!snapshots.is_empty(), "a quarantine is followed by a snapshot");

    // Without any snapshot the replay has to find out again.
    world.crash(0);
    for name in snapshots.keys() {
        crate::snapshot::Objects::delete(&world.objects, name).unwrap();
    }
    world.sim.advance(20_000);
    world.settle().unwrap();
    tally::verify(&world).unwrap();
    assert_eq!(world.committed(DEAD, 0).len(), 1, "a replay diverts nothing");
}

#[test]
fn panics_have_an_end() {
    let mut world = tally::world(6, 1, None);
    append(&mut world, &["boom"; 30]);
    world.settle().unwrap();
    assert_eq!(world.committed(DEAD, 0).len(), 10);
    let halted = world.service(0).handle().status().halted();
    assert!(matches!(halted[0].1, HaltCause::DeadLetters { next_offset: 10, .. }), "{halted:?}");
}

#[test]
fn a_graceful_stop_leaves_a_snapshot_of_the_committed_state_and_hands_over_at_once() {
    let mut world = tally::world_with(7, 2, None, |options| {
        options.bounds.snapshot_records = u64::MAX;
        options.bounds.snapshot_every = std::time::Duration::from_secs(100_000);
    });
    world.start(0).unwrap();
    append(&mut world, &["add:a:60", "add:a:60"]);
    for _ in 0..50 {
        world.step(0).unwrap();
    }
    assert_eq!(committed(&world, 0), Some(2));
    assert!(world.objects.all().is_empty());

    let stopped_at = world.sim.now_ms();
    world.service(0).handle().stop();
    assert_eq!(world.step(0).unwrap(), Step::Stopped);
    assert!(world.sim.now_ms() - stopped_at < 5_000);
    let names: Vec<String> = world.objects.all().into_keys().collect();
    assert_eq!(names.len(), 1, "units without records need none: {names:?}");
    assert!(names[0].contains("/00000/0000000000000000002-"), "{names:?}");

    // The next owner need not wait for the session, and replays nothing.
    world.start(1).unwrap();
    append(&mut world, &["add:a:100"]);
    for _ in 0..50 {
        world.step(1).unwrap();
    }
    assert_eq!(said(&world, 0), ["crossed:a:1:120:1", "crossed:a:2:220:2"]);
    assert_eq!(world.sim.now_ms(), stopped_at, "no time had to pass");
}

#[test]
fn a_stop_does_not_wait_for_a_store_that_hangs() {
    use std::sync::Arc;
    use std::time::Duration;

    use bellwether_log::sim::Sim;

    use crate::clock::Clock;
    use crate::options::Restore;
    use crate::service::Service;
    use crate::snapshot::{MemoryObjects, Objects, ObjectsError, Put};

    /// Answers everything but puts.
    #[derive(Debug)]
    struct Hanging(MemoryObjects, std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

    impl Objects for Hanging {
        fn put_new(&self, name: &str, _bytes: Vec<u8>) -> Result<Put, ObjectsError> {
            let hung = self.1.lock().unwrap().recv();
            Err(ObjectsError::new(format!("creating {name}"), hung.unwrap_err()))
        }

        fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
            self.0.get(name)
        }

        fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
            self.0.list(folder)
        }

        fn delete(&self, name: &str) -> Result<(), ObjectsError> {
            self.0.delete(name)
        }
    }

    /// Half a second passes whenever somebody looks.
    #[derive(Debug)]
    struct Hurried(Sim);

    impl Clock for Hurried {
        fn now_ms(&self) -> i64 {
            self.0.now_ms()
        }

        fn elapsed(&self) -> Duration {
            self.0.advance(500);
            Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap())
        }

        fn wait(&self, _duration: Duration) {}
    }

    let mut world = tally::world(18, 1, None);
    append(&mut world, &["add:a:60"]);
    let (release, hung) = std::sync::mpsc::channel();
    let objects = Hanging(MemoryObjects::default(), std::sync::Mutex::new(hung));
    let mut options = tally::options(0, &world.objects);
    options.restore = Restore::Snapshots(Arc::new(objects));
    let clock = Arc::new(Hurried(world.sim.clone()));
    let process = Arc::new(world.sim.process());
    let mut service = Service::new(process, Arc::new(tally::Tallies), clock, options).unwrap();
    while committed(&world, 0).is_none() {
        service.step().unwrap();
    }
    service.handle().stop();
    let asked = world.sim.now_ms();
    assert_eq!(service.step().unwrap(), Step::Stopped);
    assert!(world.sim.now_ms() - asked <= 6_000, "took {} ms", world.sim.now_ms() - asked);
    drop(release);
}

#[test]
fn the_status_tells_health_positions_and_lag() {
    let mut world = tally::world(8, 1, None);
    world.start(0).unwrap();
    let handle = world.service(0).handle();
    assert!(handle.status().is_ready(), "a member without partitions is ready");
    assert_eq!(handle.status().units().len(), 0);
    world.step(0).unwrap();
    assert!(!handle.status().is_ready(), "one that restores everything is not");

    append(&mut world, &["add:a:60"]);
    world.settle().unwrap();
    let units = handle.status().units();
    assert_eq!(units.len(), usize::try_from(UNITS).unwrap());
    let unit = &units[&UnitId(0)];
    assert_eq!(unit.health, UnitHealth::Live);
    assert_eq!(unit.next_offsets, [Position { partition: TopicPartition::new(FACTS, 0), next_offset: 1 }]);
    assert_eq!(unit.lag_ms, 0, "nothing is waiting, however old the last record is");
    assert!(unit.last_commit_ms.is_some());
    assert!(handle.status().last_loop_ms().is_some());
}

#[test]
fn a_log_that_fails_for_good_ends_the_service_with_what_was_tried() {
    let mut world = tally::world(9, 1, None);
    world.start(0).unwrap();
    let plan = (0..1_000).fold(FaultPlan::none(), |plan, _| plan.and(0, Fault::Transient));
    world.sim.set_faults(plan);
    let started = world.sim.now_ms();
    let error = (0..1_000).find_map(|_| world.step(0).err()).expect("it gives up");
    assert!(matches!(&error, Error::Log { attempts: 30, .. }), "{error:?}");
    let patience = world.sim.now_ms() - started;
    assert!((60_000..600_000).contains(&patience), "waited {patience} ms between attempts");
}

#[test]
fn commits_that_never_happen_end_the_service() {
    let mut world = tally::world(10, 1, None);
    append(&mut world, &["add:a:60"]);
    let plan = (0..1_000).fold(FaultPlan::none(), |plan, _| plan.and(0, Fault::Abort));
    world.sim.set_faults(plan);
    world.start(0).unwrap();
    let error = (0..5_000).find_map(|_| world.step(0).err()).expect("it gives up");
    assert!(matches!(&error, Error::NoProgress { rounds: 30, .. }), "{error:?}");
}

#[test]
fn topics_that_do_not_fit_are_refused() {
    let mut plain = tally::world_with(11, 1, None, |options| options.partitions = 64);
    let refused = plain.start(0).unwrap_err();
    assert!(matches!(refused, Error::TopicPartitions { found: 3, expected: 64, .. }));

    let mut plain =
        tally::world_with(12, 1, None, |options| options.dead_letters.topic = "nowhere".to_owned());
    assert!(matches!(plain.start(0).unwrap_err(), Error::NoTopic { topic } if topic == "nowhere"));

    let mut plain = tally::world_with(13, 1, None, |options| options.inputs.push(OUT.to_owned()));
    assert!(matches!(plain.start(0).unwrap_err(), Error::Options { .. }), "several inputs need range");

    let mut plain = tally::world_with(14, 1, None, |options| options.epoch = "../other".to_owned());
    assert!(matches!(plain.start(0).unwrap_err(), Error::Options { .. }));
}

#[test]
fn a_snapshot_of_another_partition_count_refuses_to_start() {
    let mut world = tally::world(15, 1, None);
    append(&mut world, &["add:a:60"]);
    world.settle().unwrap();
    world.service(0).handle().stop();
    world.step(0).unwrap();

    // The topic was made anew with more partitions under the same name and epoch: simulated by editing the header.
    let (name, bytes) = world.objects.all().pop_first().unwrap();
    let mut snapshot = crate::snapshot::codec::decode(&bytes).unwrap();
    snapshot.header.partitions = 64;
    world.objects.spoil(&name, crate::snapshot::codec::encode(&snapshot).unwrap());
    world.start(0).unwrap();
    let error = (0..50).find_map(|_| world.step(0).err()).expect("it refuses");
    assert!(matches!(error, Error::SnapshotPartitions { found: 64, expected: 3, .. }));
}

#[test]
fn no_unit_starves_behind_a_busy_one() {
    let mut world = tally::world(16, 1, None);
    world.append(vec![record(FACTS, 0, "", "add:a:1"); 2_000]);
    world.start(0).unwrap();
    while committed(&world, 0).is_none() {
        world.step(0).unwrap();
    }
    world.append(vec![record(FACTS, 1, "", "add:b:150")]);
    let mut rounds = 0;
    while said(&world, 1).is_empty() {
        world.step(0).unwrap();
        rounds += 1;
        assert!(rounds < 100, "unit 1 waits behind unit 0");
    }
    assert!(committed(&world, 0).unwrap() < 2_000);
}

#[test]
fn an_unrelated_topic_with_a_longer_name_is_not_taken_for_ours() {
    let mut world = tally::world(17, 1, None);
    let longer = topic("facts.more", 9, TimestampKind::CreateTime, Cleanup::Delete);
    world.sim.process().create_topics(&[longer]).unwrap();
    append(&mut world, &["add:a:160"]);
    world.settle().unwrap();
    assert_eq!(said(&world, 0).len(), 1);
}
