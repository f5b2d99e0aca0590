use rstest::rstest;

use super::*;

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap()
}

#[rstest]
#[case("1970-01-01", 0, 4)]
#[case("2026-01-05", 20_458, 1)]
#[case("2026-03-01", 20_513, 7)]
#[case("1969-12-31", -1, 3)]
#[case("0000-01-01", -719_528, 6)]
#[case("9999-12-31", 2_932_896, 5)]
fn days_count_from_1970_and_weeks_from_monday(#[case] text: &str, #[case] days: i32, #[case] weekday: u32) {
    assert_eq!((day(text).days(), day(text).weekday()), (days, weekday));
    assert_eq!(day(text).to_string(), text);
}

#[rstest]
#[case("2026-1-05")]
#[case("2026- 1-05")]
#[case("2026-02-29")]
#[case("20260105")]
#[case("2026-01-05T00:00:00Z")]
#[case("+026-01-05")]
#[case("")]
fn text_that_is_no_iso_date_is_refused(#[case] text: &str) {
    assert!(LocalDay::parse(text).is_err());
}

#[test]
fn leap_days_count() {
    assert_eq!(day("2028-02-28").plus(2), day("2028-03-01"));
    assert_eq!(day("2028-03-01").minus(1), day("2028-02-29"));
    assert_eq!(day("2029-03-01").since(day("2028-03-01")), 365);
    assert_eq!(LocalDay::from_ymd(2027, 2, 29), None);
}

#[test]
fn day_arithmetic_stops_at_the_ends_of_the_calendar() {
    assert_eq!(LocalDay::MAX.plus(i32::MAX), LocalDay::MAX);
    assert_eq!(LocalDay::MIN.minus(i32::MAX), LocalDay::MIN);
}

#[rstest]
#[case("17:00", Some(1020))]
#[case("00:00", Some(0))]
#[case("23:59", Some(1439))]
#[case("24:00", None)]
#[case("12:60", None)]
#[case("9:00", None)]
#[case("09:0", None)]
#[case("+9:00", None)]
#[case("0900", None)]
fn times_of_day_read_to_the_minute(#[case] text: &str, #[case] minute: Option<u32>) {
    assert_eq!(MinuteOfDay::parse(text).ok().map(MinuteOfDay::minute), minute);
    if minute.is_some() {
        assert_eq!(MinuteOfDay::parse(text).unwrap().to_string(), text);
    }
}
