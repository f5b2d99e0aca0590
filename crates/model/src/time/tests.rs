use rstest::rstest;

use super::*;

fn at(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

#[rstest]
#[case("2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z")]
#[case("2026-01-05T09:00:00+01:00", "2026-01-05T08:00:00.000Z")]
#[case("2026-01-04T23:30:00-05:00", "2026-01-05T04:30:00.000Z")]
#[case("2026-01-05T09:00:00.1Z", "2026-01-05T09:00:00.100Z")]
#[case("2026-01-05T09:00:00.999999999Z", "2026-01-05T09:00:00.999Z")]
#[case("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z")]
#[case("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z")]
#[case("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z")]
fn any_offset_reads_as_utc_cut_to_milliseconds(#[case] text: &str, #[case] shown: &str) {
    assert_eq!(at(text).to_rfc3339(), shown);
    assert_eq!(at(shown), at(text));
}

#[rstest]
#[case("")]
#[case("2026-01-05")]
#[case("2026-01-05T09:00:00")]
#[case("2026-02-30T09:00:00Z")]
#[case("2026-01-05T24:00:00Z")]
#[case("2026-01-05T09:60:00.000Z")]
#[case("2026-01-05T09:00:00.00aZ")]
#[case("2026-01-05T09:00:00.000z0")]
#[case("0000-12-31T23:59:59.999Z")]
#[case("0001-01-01T00:00:00+01:00")]
#[case("9999-12-31T23:59:59-01:00")]
fn text_that_is_no_instant_in_range_is_refused(#[case] text: &str) {
    assert!(EventTime::parse(text).is_err());
}

#[test]
fn the_plain_form_reads_as_any_other_and_shows_as_it_was_written() {
    for ms in (0..4_000).map(|n| EventTime::MIN.ms() + n * 78_888_888_888_877 % 315_537_897_599_999) {
        let shown = EventTime::from_ms(ms).to_rfc3339();
        let other = format!("{}+00:00", shown.trim_end_matches('Z'));
        assert_eq!((at(&shown).ms(), at(&other).ms()), (ms, ms), "{shown}");
        assert_eq!(format!("{:>26}", at(&shown)), format!("  {shown}"));
    }
}

#[test]
fn a_leap_second_is_the_second_that_follows() {
    assert_eq!(at("2016-12-31T23:59:60Z"), at("2017-01-01T00:00:00Z"));
}

#[test]
fn arithmetic_stops_at_the_ends_of_time() {
    let ages = Millis::from_ms(i64::MAX);
    assert_eq!(EventTime::MAX.plus(ages), EventTime::MAX);
    assert_eq!(EventTime::MIN.minus(ages), EventTime::MIN);
    assert_eq!(EventTime::MIN.plus(Millis::from_ms(i64::MIN)), EventTime::MIN);
    assert_eq!(EventTime::from_ms(i64::MAX), EventTime::MAX);
    assert_eq!(EventTime::MIN.plus(EventTime::MAX.since(EventTime::MIN)), EventTime::MAX);
}

#[test]
fn spans_are_elapsed_time() {
    let due = at("2026-03-07T17:00:00-05:00").plus(Millis::hours(48));
    assert_eq!(due, at("2026-03-09T18:00:00-04:00"));
    assert_eq!(due.since(at("2026-03-07T22:00:00Z")), Millis::days(2));
    assert_eq!(due.minus(Millis::hours(48)), at("2026-03-07T22:00:00Z"));
}

#[rstest]
#[case(Millis::ZERO, "0 h")]
#[case(Millis::hours(48), "48 h")]
#[case(Millis::minutes(-90), "-90 min")]
#[case(Millis::seconds(61), "61 s")]
#[case(Millis::from_ms(60_500), "60500 ms")]
fn a_span_shows_in_its_largest_whole_unit(#[case] span: Millis, #[case] shown: &str) {
    assert_eq!(span.to_string(), shown);
}

#[test]
fn an_instant_off_a_snapshot_is_within_bounds() {
    assert_eq!(serde_json::to_string(&EventTime::from_ms(1_767_603_600_000)).unwrap(), "1767603600000");
    assert_eq!(serde_json::from_str::<EventTime>("9223372036854775807").unwrap(), EventTime::MAX);
}
