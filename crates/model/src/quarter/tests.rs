use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap()
}

fn at(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

fn chained(zone: &str) -> FiscalCalendar {
    FiscalCalendar::new::<&str>(Zone::parse(zone).unwrap(), day("2026-01-05"), []).unwrap()
}

fn configured() -> FiscalCalendar {
    let quarters =
        [("winter", day("2026-01-01")), ("summer", day("2026-07-01")), ("spring", day("2026-04-01"))];
    FiscalCalendar::new(Zone::UTC, day("2020-01-01"), quarters).unwrap()
}

#[test]
fn r07_without_configuration_quarters_are_chained_thirteen_weeks() {
    let quarter = chained("America/New_York").quarter_at(at("2026-02-15T00:00:00Z"));
    assert_eq!((&*quarter.name, quarter.index), ("2026-Q1", 0));
    assert_eq!((quarter.first_day, quarter.last_day), (day("2026-01-05"), day("2026-04-05")));
    assert_eq!(quarter.start, at("2026-01-05T00:00:00-05:00"));
    assert_eq!(quarter.end, at("2026-04-06T00:00:00-04:00"));
    assert_eq!(quarter.weeks(), 13);
}

#[rstest]
#[case("2026-01-05T04:59:59.999Z", -1, "2025-Q4")]
#[case("2026-01-05T05:00:00Z", 0, "2026-Q1")]
#[case("2026-04-06T03:59:59.999Z", 0, "2026-Q1")]
#[case("2026-04-06T04:00:00Z", 1, "2026-Q2")]
#[case("2027-01-04T05:00:00Z", 4, "2027-Q1")]
fn r07_a_quarter_ends_at_the_first_instant_of_the_next(
    #[case] instant: &str,
    #[case] index: i32,
    #[case] name: &str,
) {
    let quarter = chained("America/New_York").quarter_at(at(instant));
    assert_eq!((quarter.index, &*quarter.name), (index, name));
}

#[rstest]
#[case("2026-01-01T00:00:00Z", 0, "winter", "2026-03-31")]
#[case("2026-03-31T23:59:59Z", 0, "winter", "2026-03-31")]
#[case("2026-04-01T00:00:00Z", 1, "spring", "2026-06-30")]
#[case("2026-07-01T00:00:00Z", 2, "summer", "2026-09-29")]
#[case("2026-09-30T00:00:00Z", 3, "2026-09-30", "2026-12-29")]
#[case("2025-12-31T23:59:59Z", -1, "2025-10-02", "2025-12-31")]
fn r07_a_configured_quarter_ends_where_the_next_begins_and_the_chain_goes_on(
    #[case] instant: &str,
    #[case] index: i32,
    #[case] name: &str,
    #[case] last_day: &str,
) {
    let quarter = configured().quarter_at(at(instant));
    assert_eq!((quarter.index, &*quarter.name, quarter.last_day), (index, name, day(last_day)));
}

#[test]
fn quarters_that_share_a_name_or_a_day_are_refused() {
    let same_day = [("a", day("2026-01-01")), ("b", day("2026-01-01"))];
    let same_name = [("a", day("2026-01-01")), ("b", day("2026-04-01")), ("a", day("2026-07-01"))];
    for quarters in [&same_day[..], &same_name[..]] {
        let refused = FiscalCalendar::new(Zone::UTC, day("2026-01-01"), quarters.iter().copied());
        assert!(matches!(refused, Err(Error::Quarters { .. })));
    }
}

#[test]
fn r07_mid_cycle_is_half_of_its_time_though_the_clocks_change_later() {
    let quarter = chained("America/New_York").quarter(0);
    // 91 days less the hour of 8 March, halved.
    assert_eq!(quarter.total(), Millis::days(91) - Millis::hours(1));
    assert_eq!(quarter.mid(), quarter.start.plus(Millis::days(45) + Millis::minutes(690)));
    assert_eq!(quarter.elapsed(quarter.mid()), Ratio::new(1, 2).unwrap());
}

#[test]
fn days_and_weeks_end_at_local_midnight_whatever_the_clocks_do() {
    let quarter = chained("America/New_York").quarter(0);
    assert_eq!(quarter.day_end(1), at("2026-01-06T00:00:00-05:00"));
    assert_eq!(quarter.day_end(42), at("2026-02-16T00:00:00-05:00"));
    assert_eq!(quarter.week_end(6), quarter.day_end(42));
    assert_eq!(quarter.week_end(10), at("2026-03-16T00:00:00-04:00"));
    assert_eq!(quarter.week_end(13), quarter.end);
    assert_eq!(quarter.day_end(0), quarter.start);
    assert_eq!(quarter.t_minus_days(21), at("2026-03-16T00:00:00-04:00"));
    // Across the change: 35 calendar days, an hour more than 35 times 24 hours back.
    assert_eq!(quarter.t_minus_days(35), at("2026-03-02T00:00:00-05:00"));
    assert_eq!(quarter.day_end(56), at("2026-03-02T00:00:00-05:00"));
}

#[test]
fn elapsed_is_a_share_from_nothing_to_all() {
    let quarter = chained("UTC").quarter(0);
    assert_eq!(quarter.elapsed(quarter.week_end(6)), Ratio::new(6, 13).unwrap());
    assert_eq!(quarter.elapsed(quarter.start.minus(Millis::days(3))), Ratio::ZERO);
    assert_eq!(quarter.elapsed(quarter.end.plus(Millis::days(3))), Ratio::ONE);
    assert!(quarter.contains(quarter.start) && !quarter.contains(quarter.end));
}

#[test]
fn day_and_week_numbers_count_from_one() {
    let quarter = chained("UTC").quarter(0);
    let last_of_week_one = at("2026-01-11T23:59:59.999Z");
    assert_eq!((quarter.day_number(last_of_week_one), quarter.week_number(last_of_week_one)), (7, 1));
    assert_eq!((quarter.day_number(quarter.week_end(1)), quarter.week_number(quarter.week_end(1))), (8, 2));
    assert_eq!(quarter.week_number(quarter.start.minus(Millis::hours(1))), 0);
}

proptest! {
    #[test]
    fn quarters_cover_time_without_gap_or_overlap(
        zone in crate::zone::tests::any_zone(), days in 0..30_000_i64, ms in 0..86_400_000_i64, own in any::<bool>(),
    ) {
        let quarters = if own { vec![("a", day("2001-01-01")), ("b", day("2001-04-01")), ("c", day("2001-12-30"))] } else { vec![] };
        let calendar = FiscalCalendar::new(zone, day("2000-02-02"), quarters).unwrap();
        let instant = EventTime::from_ms(days * 86_400_000 + ms);
        let quarter = calendar.quarter_at(instant);
        prop_assert!(quarter.contains(instant), "{} not in {:?}", instant, quarter);
        prop_assert_eq!(calendar.quarter(quarter.index + 1).start, quarter.end);
        prop_assert_eq!(calendar.quarter(quarter.index - 1).end, quarter.start);
    }
}
