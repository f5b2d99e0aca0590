use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::{Millis, MinuteOfDay};

#[test]
fn every_default_reads_and_shows_as_it_is_written() {
    let thresholds = Thresholds::default();
    for info in Thresholds::describe() {
        assert_eq!(
            thresholds.get(info.key),
            Some((info.default.to_owned(), info.provenance)),
            "{}",
            info.key
        );
        assert_ne!(info.provenance, Provenance::Custom, "{}", info.key);
        assert!(info.meaning.ends_with('.'), "{}", info.key);
    }
}

#[test]
fn keys_are_unique_and_kebab() {
    let keys: BTreeSet<_> = Thresholds::describe().iter().map(|info| info.key).collect();
    assert_eq!(keys.len(), Thresholds::describe().len());
    for key in keys {
        assert!(
            key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)),
            "{key}"
        );
    }
}

#[test]
fn the_defaults_are_those_of_the_domain() {
    let thresholds = Thresholds::default();
    assert_eq!(thresholds.page_load_limit(), Some(Ratio::int(16)));
    assert_eq!(thresholds.concentration_ratio, Ratio::new(5, 2).unwrap());
    assert_eq!(thresholds.pace_floor, Ratio::new(1, 2).unwrap());
    assert_eq!(thresholds.check_in_close, MinuteOfDay::FIVE_PM);
    assert_eq!(thresholds.escalation_repeat, [24, 48, 72].map(Millis::hours));
    assert_eq!(thresholds.clear_after(RuleId::VelocityDropPace), ClearAfter::After(Millis::days(7)));
}

#[test]
fn a_value_that_was_set_is_the_users_own() {
    let mut thresholds = Thresholds::default();
    thresholds.set("page-load.pages-per-week", "4.5").unwrap();
    thresholds.set("check-in.late-hours", "1.5").unwrap();
    thresholds.set("escalation.repeat-hours", "12, 36").unwrap();
    assert_eq!(thresholds.get("page-load.pages-per-week"), Some(("4.5".to_owned(), Provenance::Custom)));
    assert_eq!(thresholds.page_load_limit(), Some(Ratio::int(18)));
    assert_eq!(thresholds.check_in_late, Millis::minutes(90));
    assert_eq!(thresholds.escalation_repeat, [12, 36].map(Millis::hours));
    assert_eq!(thresholds.get("page-load.window-days"), Some(("28".to_owned(), Provenance::Threshold)));
    let set: Vec<_> = thresholds.customised().map(|(key, _)| key).collect();
    assert_eq!(set, ["check-in.late-hours", "escalation.repeat-hours", "page-load.pages-per-week"]);
}

#[test]
fn a_value_set_to_its_default_is_the_users_own_too() {
    let mut thresholds = Thresholds::default();
    thresholds.set("concentration.ratio", "5/2").unwrap();
    assert_eq!(thresholds.get("concentration.ratio"), Some(("2.5".to_owned(), Provenance::Custom)));
}

#[rstest]
#[case("page-load.pages-per-week", "-1")]
#[case("page-load.pages-per-week", "many")]
#[case("page-load.window-days", "0")]
#[case("page-load.window-days", "401")]
#[case("page-load.window-days", "28.5")]
#[case("page-load.window-days", "14")]
#[case("check-in.close", "5pm")]
#[case("check-in.late-hours", "-1")]
#[case("check-in.late-hours", "1/7")]
#[case("check-in.late-hours", "99999999999999999999")]
#[case("escalation.repeat-hours", "48,24")]
#[case("escalation.repeat-hours", "0,24")]
#[case("escalation.repeat-hours", "24,,48")]
fn a_value_that_does_not_fit_is_refused_and_changes_nothing(#[case] key: &str, #[case] value: &str) {
    let mut thresholds = Thresholds::default();
    let refused = thresholds.set(key, value);
    assert!(matches!(refused, Err(Error::ThresholdValue { .. })), "{refused:?}");
    assert_eq!(thresholds, Thresholds::default());
}

#[test]
fn a_refusal_says_what_is_expected() {
    let refused = Thresholds::default().set("check-in.close", "5pm").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "threshold `check-in.close` cannot be `5pm`: expected a time of day from 00:00 to 23:59, such as 17:00"
    );
}

#[test]
fn r31_another_window_is_refused_with_the_reason() {
    let refused = Thresholds::default().set("page-load.window-days", "14").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "threshold `page-load.window-days` cannot be `14`: expected the one length of the window that pages are counted in, \
         which no setting changes, such as 28"
    );
}

#[rstest]
#[case("page-load.page-per-week", ": did you mean page-load.pages-per-week?")]
#[case("concentraton.ratio", ": did you mean concentration.ratio?")]
#[case("forecast", ": did you mean forecast.horizon-days, forecast.rate-days?")]
#[case("colour", ": no key looks like it")]
#[case("", ": no key looks like it")]
fn an_unknown_key_names_its_neighbours(#[case] key: &str, #[case] hint: &str) {
    let refused = Thresholds::default().set(key, "1").unwrap_err();
    assert_eq!(refused.to_string(), format!("unknown threshold `{key}`{hint}"));
}

#[test]
fn a_snapshot_keeps_what_differs() {
    let mut thresholds = Thresholds::default();
    assert_eq!(serde_json::to_string(&thresholds).unwrap(), "{}");
    thresholds.set("ack.hours", "12").unwrap();
    let text = serde_json::to_string(&thresholds).unwrap();
    assert_eq!(text, r#"{"ack.hours":"12"}"#);
    assert_eq!(serde_json::from_str::<Thresholds>(&text).unwrap(), thresholds);
    assert!(serde_json::from_str::<Thresholds>(r#"{"ack.hour":"12"}"#).is_err());
}
