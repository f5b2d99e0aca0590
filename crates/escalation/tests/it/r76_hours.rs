//! R76: quiet hours and business time, per level and recipient.

use bellwether_model::{EventTime, Millis};
use bellwether_wire::pb;

use crate::support::*;

/// Nights from 22:00 to 07:00.
const NIGHT: pb::QuietHours = pb::QuietHours { from_minute: 22 * 60, until_minute: 7 * 60 };

fn quiet(level: pb::PolicyLevel) -> pb::PolicyLevel {
    pb::PolicyLevel { quiet_hours: Some(NIGHT), ..level }
}

fn business(level: pb::PolicyLevel) -> pb::PolicyLevel {
    pb::PolicyLevel { business_time: true, ..level }
}

#[test]
fn r76_a_due_instant_in_quiet_hours_moves_to_their_end() {
    let mut world = World::new();
    world.know(policy("p", vec![quiet(level(1, 14, &[pb::Audience::SquadEm]))]));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(30);
    world.expect(&[
        "+0h esc-t started p",
        "+14h esc-t/L2 skipped: nobody: the policy names no role",
        "+14h esc-t/L3 skipped: nobody: the policy names no role",
        "+14h esc-t/L4 skipped: nobody: the policy names no role",
        "+14h esc-t/L5 skipped: nobody: the policy names no role",
        "+14h esc-t/L1 held: quiet or business hours until 2026-01-06T07:00:00.000Z",
        "+22h esc-t/L1 fired to ana",
    ]);
}

#[test]
fn r76_recipients_in_different_zones_get_it_in_parts() {
    let mut world = World::new();
    world.know(person("ana", "America/New_York"));
    world.know(person("plat", "Asia/Tokyo"));
    let both = [pb::Audience::SquadEm, pb::Audience::PlatformLead];
    world.know(policy("p", vec![quiet(level(1, 0, &both))]));
    // 09:00 UTC is 04:00 in New York, where it is quiet until 12:00 UTC, and 18:00 in Tokyo.
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(28);
    let said: Vec<String> = world.said().into_iter().filter(|line| !line.contains("skipped")).collect();
    assert_eq!(
        said,
        [
            "+0h esc-t started p",
            "+0h esc-t/L1 fired to plat",
            "+0h esc-t/L1 held: quiet or business hours until 2026-01-05T12:00:00.000Z",
            "+3h esc-t/L1/p2 fired to ana",
            "+24h esc-t/L1/r1 fired to plat",
            "+27h esc-t/L1/p2/r1 fired to ana",
        ]
    );
}

#[test]
fn r76_the_clock_of_later_levels_counts_from_the_levels_own_due_instant() {
    let mut world = World::new();
    world.know(policy(
        "p",
        vec![quiet(level(1, 14, &[pb::Audience::SquadEm])), level(2, 10, &[pb::Audience::Cto])],
    ));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(30);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(fired, ["+22h esc-t/L1 fired to ana", "+24h esc-t/L2 fired to cto"]);
}

#[test]
fn r76_quiet_hours_move_a_level_past_a_higher_one_and_drop_nothing() {
    let mut world = World::new();
    world.know(policy(
        "p",
        vec![quiet(level(1, 14, &[pb::Audience::SquadEm])), level(2, 4, &[pb::Audience::Cto])],
    ));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(47);
    let said: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(
        said,
        [
            "+18h esc-t/L2 fired to cto",
            // Late in the morning, and not repeated: a higher level has been sent.
            "+22h esc-t/L1 fired to ana",
            "+42h esc-t/L2/r1 fired to cto",
        ]
    );
}

#[test]
fn r76_what_quiet_hours_moved_collapses_like_any_other_after_an_outage() {
    let mut world = World::new();
    world.know(policy(
        "p",
        vec![quiet(level(1, 14, &[pb::Audience::SquadEm])), level(2, 24, &[pb::Audience::Cto])],
    ));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.apply(15, paused("escalate"));
    world.apply(40, resumed("escalate"));
    world.advance(40);
    let said: Vec<String> = world.said().into_iter().filter(|line| line.starts_with("+40h")).collect();
    assert_eq!(
        said,
        [
            "+40h esc-t/L1 skipped: superseded",
            "+40h esc-t/L2 fired to cto, due +38h, late by 7200 s, supersedes [1]",
        ]
    );
}

#[test]
fn r76_a_replaced_holder_gets_the_part_that_waits() {
    let mut world = World::new();
    world.know(policy("p", vec![quiet(level(1, 14, &[pb::Audience::SquadEm]))]));
    world.learn(16, squad("payments", "ines", "commerce"));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(22);
    assert_eq!(world.said().last().unwrap(), "+22h esc-t/L1 fired to ines");
}

#[test]
fn r76_after_an_outage_quiet_hours_still_hold() {
    let mut world = World::new();
    world.know(policy("p", vec![quiet(level(1, 8, &[pb::Audience::SquadEm]))]));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.apply(1, paused("escalate"));
    world.apply(15, resumed("escalate"));
    world.advance(30);
    assert_eq!(world.said().last().unwrap(), "+22h esc-t/L1 fired to ana, due +8h, late by 50400 s");
}

#[test]
fn r76_quiet_hours_follow_the_zone_through_a_change_of_clocks() {
    let mut world = World::new();
    world.know(person("ana", "Europe/Berlin"));
    world.know(policy("p", vec![quiet(level(1, 0, &[pb::Audience::SquadEm]))]));
    // Sunday 2026-03-29: clocks in Berlin go from 02:00 to 03:00. 00:30 there is 23:30 UTC, 07:00 is 05:00 UTC.
    let at = EventTime::parse("2026-03-28T23:30:00Z").unwrap();
    let mut trigger = Trigger::new("t", "kpi-drift");
    trigger.0.fired_at = Some(bellwether_wire::instant::timestamp(at));
    world.apply_at(at, trigger.0);
    world.escalator.advance(at.plus(Millis::hours(12)), &mut world.out);
    let fired = world.out.events.last().unwrap();
    assert_eq!(fired.time.to_rfc3339(), "2026-03-29T05:00:00.000Z");
}

#[test]
fn r76_repeats_respect_quiet_hours_too() {
    let mut world = World::new();
    world.know(policy("p", vec![quiet(level(1, 0, &[pb::Audience::SquadEm]))]));
    world.know(pb::ThresholdsRecorded {
        thresholds: "org".to_owned(),
        values: [("escalation.repeat-hours".to_owned(), "14,24".to_owned())].into(),
        ..Default::default()
    });
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(30);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(
        fired,
        ["+0h esc-t/L1 fired to ana", "+22h esc-t/L1/r1/p2 fired to ana", "+24h esc-t/L1/r2 fired to ana",]
    );
}

#[test]
fn r76_business_time_counts_the_recipients_business_hours() {
    let mut world = World::new();
    // 09:00 to 17:00 on Monday and Tuesday are 16 hours.
    world.know(policy(
        "p",
        vec![level(1, 0, &[pb::Audience::SquadEm]), business(level(2, 16, &[pb::Audience::Cto]))],
    ));
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(40);
    let said = world.said_all();
    assert!(said.contains(&"+0h esc-t/L2 armed +32h: 16 h of business time after L1".to_owned()), "{said:?}");
    assert!(said.contains(&"+32h esc-t/L2 fired to cto".to_owned()), "{said:?}");
}

#[test]
fn r76_business_time_knows_weekends_and_holidays_of_the_recipients_calendar() {
    let mut world = World::new();
    world.know(pb::PersonRecorded { calendar: "de".to_owned(), ..person("cto", "Europe/Berlin") });
    world.know(pb::CalendarRecorded {
        calendar: "de".to_owned(),
        holidays: vec!["2026-01-06".to_owned()],
        ..Default::default()
    });
    world.know(policy(
        "p",
        vec![level(1, 0, &[pb::Audience::SquadEm]), business(level(2, 8, &[pb::Audience::Cto]))],
    ));
    // Monday 10:00 in Berlin: seven hours are left, Tuesday is a holiday, the eighth ends Wednesday 10:00, 09:00 UTC.
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(48);
    assert!(world.said().contains(&"+48h esc-t/L2 fired to cto".to_owned()));
}

#[test]
fn r76_business_time_runs_for_each_recipient_in_their_own_hours() {
    let mut world = World::new();
    world.know(person("cto", "Asia/Tokyo"));
    let both = [pb::Audience::Cto, pb::Audience::Cfo];
    world.know(policy("p", vec![business(level(1, 4, &both))]));
    // 09:00 UTC on Monday is 18:00 in Tokyo: the four hours there begin on Tuesday 00:00 UTC.
    world.fire(0, &Trigger::new("t", "kpi-drift"));
    world.advance(20);
    let fired: Vec<String> = world.said().into_iter().filter(|line| line.contains("fired")).collect();
    assert_eq!(fired, ["+4h esc-t/L1 fired to cfo", "+19h esc-t/L1/p2 fired to cto"]);
}
