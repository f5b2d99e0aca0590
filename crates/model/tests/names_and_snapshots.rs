//! Names that others rely on, and values that come back from a snapshot as they went in.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bellwether_model::{
    Audience, ClearAfter, Decimal, Direction, EventTime, FiscalCalendar, KeyResultId, KeyResultKind, Level,
    LocalDay, Measure, Millis, MinuteOfDay, PersonId, Points, Provenance, Ratio, RuleId, Status, Thresholds,
    WorkCalendar, Zone,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let json = serde_json::to_string(&value).expect("a value becomes JSON");
    assert_eq!(serde_json::from_str::<T>(&json).expect("its JSON reads back"), value, "{json}");
    let packed = rmp_serde::to_vec_named(&value).expect("a value becomes MessagePack");
    assert_eq!(rmp_serde::from_slice::<T>(&packed).expect("its MessagePack reads back"), value, "{json}");
}

#[test]
fn every_value_comes_back_from_a_snapshot() {
    let day = LocalDay::parse("2026-01-05").unwrap();
    let zone = Zone::parse("Australia/Lord_Howe").unwrap();
    let fiscal = FiscalCalendar::new(zone, day, [("Q1", day)]).unwrap();
    comes_back((EventTime::MIN, EventTime::MAX, Millis::hours(-3)));
    comes_back((Points::whole(-5), Decimal::from_f64(14.57).unwrap()));
    comes_back([Ratio::new(-29, 7).unwrap(), Ratio::ZERO, Ratio::new(10_i128.pow(36), 7).unwrap()]);
    comes_back((day, MinuteOfDay::FIVE_PM, zone));
    comes_back(WorkCalendar::from_iso([5, 6], [day]).unwrap());
    comes_back((fiscal.quarter(0), fiscal));
    comes_back((RuleId::ALL.to_vec(), Measure::ALL.to_vec(), Audience::ALL.to_vec()));
    comes_back((Status::ALL.to_vec(), Direction::ALL.to_vec(), KeyResultKind::ALL.to_vec(), Level::ALL));
    comes_back((Provenance::ALL.to_vec(), Thresholds::default()));
    comes_back(BTreeMap::from([(PersonId::from("p-1"), Some(KeyResultId::from("kr-1")))]));
}

#[test]
fn names_read_back_and_serialise_as_themselves() {
    for rule in RuleId::ALL {
        assert_eq!(RuleId::parse(rule.as_str()), Ok(*rule));
        assert_eq!(serde_json::to_string(rule).unwrap(), format!("\"{rule}\""));
    }
    for measure in Measure::ALL {
        assert_eq!(Measure::parse(measure.as_str()), Ok(*measure));
        assert_eq!(serde_json::to_string(measure).unwrap(), format!("\"{measure}\""));
    }
    for audience in Audience::ALL {
        assert_eq!(Audience::parse(audience.as_str()), Ok(*audience));
        assert_eq!(serde_json::to_string(audience).unwrap(), format!("\"{audience}\""));
    }
    let unknown = Status::parse("Green").unwrap_err();
    assert_eq!(unknown.to_string(), "unknown status `Green`: expected one of green, amber, red, no-data");
}

#[test]
fn the_trigger_table_is_complete() {
    let table: Vec<_> = RuleId::ALL.iter().map(|rule| (rule.number(), rule.as_str())).collect();
    let expected = [
        ("T1", "missed-check-in"),
        ("T2", "velocity-drop.pace"),
        ("T2", "velocity-drop.page-load"),
        ("T2", "velocity-drop.concentration"),
        ("T2", "velocity-drop.forecast"),
        ("T3", "momentum-decay"),
        ("T4", "kpi-drift"),
        ("T5", "owner-absence"),
        ("T6", "dependency-breach"),
        ("T7", "projected-miss"),
    ];
    assert_eq!(table, expected);
}

#[test]
fn date_rules_clear_at_once_and_window_rules_after_a_week() {
    for rule in RuleId::ALL {
        let expected = match rule {
            RuleId::MissedCheckIn | RuleId::OwnerAbsence | RuleId::DependencyBreach => ClearAfter::AtOnce,
            RuleId::VelocityDropPace
            | RuleId::VelocityDropPageLoad
            | RuleId::VelocityDropConcentration
            | RuleId::VelocityDropForecast
            | RuleId::MomentumDecay
            | RuleId::KpiDrift
            | RuleId::ProjectedMiss => ClearAfter::After(Millis::hours(168)),
        };
        assert_eq!(rule.clear_after(), expected, "{rule}");
    }
}

#[test]
fn levels_climb_to_five() {
    let climbed: Vec<_> = std::iter::successors(Some(Level::L1), |level| level.next()).collect();
    assert_eq!(climbed, Level::ALL);
    assert_eq!(climbed.iter().map(Level::to_string).collect::<Vec<_>>(), ["L1", "L2", "L3", "L4", "L5"]);
    assert_eq!((Level::new(0), Level::new(6)), (None, None));
    assert!(serde_json::from_str::<Level>("6").is_err());
}

#[test]
fn targets_are_met_from_the_good_side() {
    assert!(Direction::HigherIsBetter.meets(90, 90) && !Direction::HigherIsBetter.meets(89, 90));
    assert!(Direction::LowerIsBetter.meets(4, 4) && !Direction::LowerIsBetter.meets(5, 4));
}

#[test]
fn ids_are_found_by_their_text_and_shown_as_it() {
    let people = BTreeMap::from([(PersonId::from("p-2"), 2), (PersonId::from("p-1"), 1)]);
    assert_eq!(people.get("p-2"), Some(&2));
    assert_eq!(people.keys().map(PersonId::as_str).collect::<Vec<_>>(), ["p-1", "p-2"]);
    assert_eq!(format!("{} {:?}", PersonId::from("p-1"), PersonId::from("p-1")), "p-1 PersonId(p-1)");
    assert_eq!(serde_json::to_string(&PersonId::from("p-1")).unwrap(), "\"p-1\"");
}
