//! Damaged payloads: whatever comes, nothing panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bellwether_connectors::webhook::Delivery;
use bellwether_connectors::{ImportOptions, jira, linear, pagerduty};
use bellwether_model::EventTime;
use bytes::Bytes;
use serde_json::Value;

use crate::support::{data, files_under, fixtures, imported};

/// Mutations tried, each from its own seed.
const MUTATIONS: u64 = 10_000;

/// Payloads longer than this are left out: they are schemas, not payloads.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// SplitMix64: a seed names a mutation for good.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    match random.below(4) {
        0 => {
            for _ in 0..=random.below(8) {
                let place = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
            bytes
        }
        1 => {
            bytes.truncate(random.below(bytes.len()));
            bytes
        }
        _ => match serde_json::from_slice::<Value>(original) {
            Ok(mut value) => {
                for _ in 0..=random.below(4) {
                    swap(&mut value, random);
                }
                serde_json::to_vec(&value).unwrap()
            }
            Err(_) => {
                bytes.truncate(random.below(bytes.len()));
                bytes
            }
        },
    }
}

/// Puts something of another type in the place of one value, some way down.
fn swap(value: &mut Value, random: &mut Random) {
    let deeper = random.below(8) != 0;
    match value {
        Value::Object(object) if deeper && !object.is_empty() => {
            let place = random.below(object.len());
            swap(object.values_mut().nth(place).unwrap(), random);
        }
        Value::Array(list) if deeper && !list.is_empty() => {
            let place = random.below(list.len());
            swap(&mut list[place], random);
        }
        other => *other = odd(other, random),
    }
}

fn odd(instead_of: &Value, random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Null,
        1 => Value::Bool(true),
        2 => Value::from(i64::MIN),
        3 => Value::from(u64::MAX),
        4 => Value::from(1e308),
        5 => Value::from(""),
        6 => Value::from("9999-12-31T23:59:59.999999999+00:00"),
        7 => Value::from("0000-00-00T00:00:00Z"),
        8 => Value::from("\u{0}\u{1f}é日本, -, 1, ,"),
        9 => Value::Array(vec![instead_of.clone(), Value::Null]),
        10 => serde_json::json!({"id": instead_of.clone(), "nodes": [instead_of.clone()]}),
        11 => Value::from("com.atlassian.greenhopper.service.sprint.Sprint@1[id=,name=[,id=3,state=]"),
        12 => Value::Array(Vec::new()),
        _ => serde_json::json!({}),
    }
}

fn originals() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = fixtures()?;
    let folders = ["jira", "linear", "pagerduty"].map(|source| [folder.join(source), data(source)]);
    let files = folders.iter().flatten().flat_map(|folder| files_under(folder));
    let read = files.map(|file| (file.display().to_string(), std::fs::read(&file).unwrap()));
    Some(read.filter(|(_, bytes)| bytes.len() <= PAYLOAD_BYTES_MAX).collect())
}

#[test]
fn no_damaged_payload_panics() {
    let Some(originals) = originals() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    let options = ImportOptions { infer_reference: true, ..ImportOptions::default() };
    let (jira_mapping, linear_mapping, pagerduty_mapping) =
        (jira::Mapping::default(), linear::Mapping::default(), pagerduty::Mapping::default());
    for seed in 0..MUTATIONS {
        let mut random = Random(seed);
        let (name, original) = &originals[random.below(originals.len())];
        let body = mutate(original, &mut random);
        let unharmed = catch_unwind(AssertUnwindSafe(|| {
            std::fs::write(&file, &body).unwrap();
            let (report, events) = imported(std::slice::from_ref(&file), &options);
            assert_eq!(report.event_count(), events.len() as u64);
            let body = Bytes::from(body.clone());
            let delivery = |source| Delivery {
                source,
                id: None,
                body: &body,
                received_at: EventTime::from_ms(1_700_000_000_000),
            };
            jira::webhook::dispatch(&delivery("jira://acme"), &jira_mapping);
            linear::webhook::dispatch(&delivery("linear://acme"), &linear_mapping);
            pagerduty::webhook::dispatch(&delivery("pagerduty://acme"), &pagerduty_mapping);
        }));
        assert!(unharmed.is_ok(), "seed {seed} of {name} panicked");
    }
}
