use super::*;
use crate::options::{DeadLetterTopic, Restore};
use crate::snapshot::MemoryObjects;
use crate::snapshot::codec::tests::sample;

const UNIT: UnitId = UnitId(7);

fn depot(objects: &MemoryObjects) -> Depot {
    let dead_letters = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
    let restore = Restore::Snapshots(Arc::new(objects.clone()));
    Depot::new(Arc::new(objects.clone()), &Options::new("app", "process", "facts", 64, dead_letters, restore))
}

fn committed(next_offset: i64) -> Vec<Position> {
    let snapshot = sample(next_offset, vec![]);
    snapshot.header.inputs.iter().map(codec::InputPosition::position).collect()
}

fn offset_of(loaded: &Loaded) -> Option<i64> {
    loaded.found.as_ref().map(|(_, snapshot)| snapshot.header.inputs[0].next_offset)
}

fn load(depot: &Depot, at: i64) -> Loaded {
    depot.load(UNIT, Some(&committed(at)), &BTreeSet::new()).unwrap()
}

#[test]
fn the_newest_at_or_before_the_committed_position_is_taken() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    for offset in [10, 200, 3_000] {
        depot.publish(&sample(offset, vec![1])).unwrap();
    }
    assert_eq!(offset_of(&load(&depot, 3_000)), Some(3_000));
    assert_eq!(offset_of(&load(&depot, 2_999)), Some(200), "one ahead of the commit is never loaded");
    assert_eq!(offset_of(&load(&depot, 9)), None);
    assert_eq!(load(&depot, 2_999).rejected.len(), 1);
}

#[test]
fn three_are_kept_and_old_ones_go_only_behind_two_verified() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    for offset in 1..=5 {
        depot.publish(&sample(offset, vec![1])).unwrap();
    }
    assert_eq!(objects.all().len(), 3);

    // Another owner has verified nothing yet; the newest two are spoilt on disk, so nothing may go.
    let names: Vec<String> = objects.all().into_keys().collect();
    objects.spoil(&names[1], vec![0; 10]);
    objects.spoil(&names[2], vec![0; 10]);
    let mut depot = self::depot(&objects);
    depot.publish(&sample(6, vec![1])).unwrap();
    assert_eq!(objects.all().len(), 4, "one newer verified snapshot is not enough");
    depot.publish(&sample(7, vec![1])).unwrap();
    assert_eq!(objects.all().len(), 3, "two newer verified ones are: {:?}", objects.all().keys());
    assert_eq!(offset_of(&load(&depot, 100)), Some(7));
}

#[test]
fn a_spoilt_snapshot_falls_back_to_the_older_one_and_then_to_none() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    for offset in [10, 20] {
        depot.publish(&sample(offset, vec![1])).unwrap();
    }
    let names: Vec<String> = objects.all().into_keys().collect();
    objects.spoil(&names[1], b"not a snapshot at all, but long enough for a checksum".to_vec());
    assert_eq!(offset_of(&load(&depot, 50)), Some(10));
    objects.spoil(&names[0], vec![]);
    let loaded = load(&depot, 50);
    assert_eq!(offset_of(&loaded), None);
    assert_eq!(loaded.rejected.len(), 2);
}

#[test]
fn a_refused_content_falls_back_to_the_older_one() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    depot.publish(&sample(10, vec![1])).unwrap();
    let (name, _) = depot.publish(&sample(20, vec![1])).unwrap();
    let loaded = depot.load(UNIT, Some(&committed(50)), &[name].into()).unwrap();
    assert_eq!(offset_of(&loaded), Some(10));
}

#[test]
fn another_partition_count_is_an_error_and_not_a_fallback() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    let mut foreign = sample(10, vec![1]);
    foreign.header.partitions = 32;
    depot.publish(&foreign).unwrap();
    let refused = depot.load(UNIT, Some(&committed(50)), &BTreeSet::new());
    assert!(matches!(refused, Err(LoadError::Partitions { found: 32, .. })));
}

#[test]
fn a_snapshot_of_another_unit_in_the_folder_is_passed_over() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    let (name, _) = depot.publish(&sample(10, vec![1])).unwrap();
    let bytes = objects.all()[&name].clone();
    objects.put_new(&name.replace("/00007/", "/00008/"), bytes).unwrap();
    let loaded = depot.load(UnitId(8), Some(&committed(50)), &BTreeSet::new()).unwrap();
    assert!(loaded.found.is_none());
    assert_eq!(loaded.rejected.len(), 1);
}

#[test]
fn publishing_the_same_state_twice_keeps_one() {
    let objects = MemoryObjects::default();
    let mut depot = depot(&objects);
    let first = depot.publish(&sample(10, vec![1])).unwrap();
    assert_eq!(depot.publish(&sample(10, vec![1])).unwrap(), first);
    assert_eq!(objects.all().len(), 1);
}

#[test]
fn an_object_in_the_way_that_is_not_the_snapshot_is_told() {
    let objects = MemoryObjects::default();
    let name = depot(&objects).publish(&sample(10, vec![1])).unwrap().0;
    objects.spoil(&name, vec![1, 2, 3]);
    let published = depot(&objects).publish(&sample(10, vec![1]));
    assert!(matches!(published, Err(PublishError::Unverified { .. })));
}
