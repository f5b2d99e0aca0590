//! The state as it is written: what an older version wrote still reads, and what this one writes is looked at.
//!
//! `data/state-v1.txt` is what format 1 first wrote and never changes. The snapshot is what is written now: a field
//! that is added with a default changes the snapshot and nothing else; anything more needs a new format and a new file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bellwether_escalation::{Escalator, Options};
use bellwether_wire::pb;

use crate::support::*;

/// A world with something of everything.
fn world() -> World {
    let mut world = World::new();
    let quiet = pb::PolicyLevel {
        quiet_hours: Some(pb::QuietHours { from_minute: 8 * 60, until_minute: 20 * 60 }),
        ..level(1, 0, &[pb::Audience::SquadEm])
    };
    world.know(pb::EscalationPolicyRecorded {
        rules: vec!["kpi-drift".to_owned()],
        ..policy("quiet", vec![quiet])
    });
    world.fire(0, &Trigger::new("held", "velocity-drop.page-load").engineer("eva").rate("5"));
    world.fire(0, &Trigger::new("ended", "owner-absence"));
    world.apply(1, resolve("esc-ended", &["https://example.org/1"]));
    let late = T_3_WEEKS + 8;
    world.advance(late);
    world.fire(late, &Trigger::new("quiet", "kpi-drift"));
    world.fire(late, &Trigger::new("fresh", "velocity-drop.pace"));
    world.apply(late, acknowledge("esc-fresh"));
    world.apply(late, snooze("esc-held", late + 100));
    world.apply(
        late,
        pb::OwnerAssigned { key_result: "kr".to_owned(), owner: "ines".to_owned(), ..Default::default() },
    );
    world.advance(late);
    world.apply(late, paused("process"));
    world.hush();
    world
}

fn dump(escalator: &mut Escalator) -> String {
    let mut text = String::new();
    for (key, value) in escalator.changelog() {
        let Some(value) = value else { continue };
        let hex = value.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let _ = writeln!(text, "{}\t{hex}", key.escape_default());
    }
    text
}

fn read(text: &str) -> BTreeMap<String, Option<Vec<u8>>> {
    let byte = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).expect("hexadecimal digits");
        u8::from_str_radix(digits, 16).expect("hexadecimal digits")
    };
    text.lines()
        .map(|line| {
            let (key, hex) = line.split_once('\t').expect("key, tab, value");
            let value = hex.as_bytes().chunks(2).map(byte).collect();
            (key.replace("\\u{1f}", "\u{1f}"), Some(value))
        })
        .collect()
}

#[test]
fn the_state_as_it_is_written() {
    insta::assert_snapshot!(dump(&mut world().escalator));
}

#[test]
fn what_format_1_wrote_still_reads_and_goes_on() {
    let mut straight = world();
    let mut restored = world();
    restored.escalator = Escalator::new(Options::default());
    for payload in [squad("payments", "ana", "commerce"), squad("search", "bo", "commerce")] {
        restored.know(payload);
    }
    restored.know(organisation());
    restored
        .escalator
        .restore(read(include_str!("../data/state-v1.txt")).into_iter())
        .expect("a state of format 1 reads");
    for world in [&mut straight, &mut restored] {
        world.apply(T_3_WEEKS + 30, resumed("process"));
        world.advance(T_3_WEEKS + 300);
    }
    assert_eq!(restored.said(), straight.said());
}
