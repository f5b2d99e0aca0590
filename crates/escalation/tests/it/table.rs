//! The state table: every state of an escalation x every event, as text. A change of behaviour is a change of this.

use bellwether_wire::{Payload, pb};

use crate::support::*;

const ID: &str = "esc-t";

/// A state: its name, the world in it, and the hour it is.
struct State(&'static str, World, i64);

fn trigger() -> Trigger {
    Trigger::new("t", "velocity-drop.page-load").engineer("eva").rate("5")
}

fn states() -> Vec<State> {
    let with = |name, hours: i64, steps: &[(i64, Payload)]| {
        let mut world = World::new();
        if name != "unknown" {
            world.fire(0, &trigger());
            world.advance(0);
        }
        for (at, payload) in steps {
            world.apply(*at, payload.clone());
        }
        world.advance(hours);
        world.hush();
        State(name, world, hours)
    };
    let long = T_3_WEEKS + 24;
    vec![
        with("unknown", 1, &[]),
        with("L1 sent", 1, &[]),
        with("acknowledged", 2, &[(1, acknowledge(ID).into())]),
        with("snoozed", 2, &[(1, snooze(ID, 40).into())]),
        with("snoozed, L2 overdue", 50, &[(1, snooze(ID, 60).into())]),
        with("paused, L2 overdue", 50, &[(1, paused("escalate").into())]),
        with("L4 held by its guard", WEEK_8 + 1, &[]),
        with("L4 and L5 held by their guards", long, &[]),
        with("L4 sent", WEEK_8 + 1, &[(1, trigger().rate("6").amended(false).into())]),
        with("ended by evidence", 2, &[(1, resolve(ID, &["https://example.org/1"]).into())]),
        with("ended by clearing", 2, &[(1, trigger().cleared("met").into())]),
    ]
}

fn events(hours: i64) -> Vec<(&'static str, Payload)> {
    let mut fired = trigger().0;
    fired.fired_at = Some(bellwether_wire::instant::timestamp(hour(0)));
    vec![
        ("fired", fired.into()),
        (
            "fired again, second engineer",
            Trigger::new("u", "velocity-drop.forecast").engineer("ines").0.into(),
        ),
        ("amended, rate 6", trigger().rate("6").amended(false).into()),
        ("amended, second window", trigger().amended(true).into()),
        ("cleared", trigger().cleared("met").into()),
        ("withdrawn", trigger().cleared("withdrawn").into()),
        ("acknowledged", acknowledge(ID).into()),
        ("snoozed", snooze(ID, hours + 72).into()),
        (
            "snoozed without reason",
            pb::EscalationSnoozed { reason: String::new(), ..snooze(ID, hours + 9) }.into(),
        ),
        ("unsnoozed", unsnooze(ID).into()),
        ("resolved with evidence", resolve(ID, &["https://example.org/2"]).into()),
        ("resolved without", resolve(ID, &[]).into()),
        ("decision locked", decision(ID).into()),
        ("paused", paused("escalate").into()),
        ("resumed", resumed("escalate").into()),
    ]
}

#[test]
fn every_state_and_every_event() {
    let mut table = String::new();
    for State(name, world, hours) in states() {
        let before = world.escalator.describe(ID);
        table.push_str(&format!("# {name}\n  {before}\n"));
        for (what, payload) in events(hours) {
            let mut world = world.clone();
            world.apply(hours, payload);
            world.advance(hours);
            row(&mut table, what, &before, &mut world);
        }
        let mut later = world.clone();
        later.advance(hours + 24);
        row(&mut table, "24 hours pass", &before, &mut later);
    }
    insta::assert_snapshot!(table);
}

fn row(table: &mut String, what: &str, before: &str, world: &mut World) {
    let after = world.escalator.describe(ID);
    let after = if after == before { "same".to_owned() } else { after };
    table.push_str(&format!("- {what} -> {after}\n"));
    for said in world.said_all() {
        table.push_str(&format!("      {said}\n"));
    }
}
