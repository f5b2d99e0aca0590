use chrono::{MappedLocalTime, NaiveDate};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap()
}

fn at(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

#[rstest]
// Clocks go forward at 02:00 and back at 02:00.
#[case("America/New_York", "2026-03-08", 24 * 60 - 60)]
#[case("America/New_York", "2026-11-01", 24 * 60 + 60)]
#[case("America/New_York", "2026-07-01", 24 * 60)]
// Half an hour of summer time.
#[case("Australia/Lord_Howe", "2026-10-04", 24 * 60 - 30)]
#[case("Australia/Lord_Howe", "2026-04-05", 24 * 60 + 30)]
// The day that Samoa skipped, and its neighbours.
#[case("Pacific/Apia", "2011-12-29", 24 * 60)]
#[case("Pacific/Apia", "2011-12-30", 0)]
#[case("Pacific/Apia", "2011-12-31", 24 * 60)]
// Midnight itself is skipped; midnight happens twice.
#[case("America/Sao_Paulo", "2018-11-04", 24 * 60 - 60)]
#[case("America/Havana", "2026-11-01", 24 * 60 + 60)]
fn a_day_lasts_from_its_first_instant_to_that_of_the_next(
    #[case] name: &str,
    #[case] date: &str,
    #[case] minutes: i64,
) {
    let (zone, day) = (zone(name), day(date));
    assert_eq!(zone.day_start(day.plus(1)).since(zone.day_start(day)), crate::Millis::minutes(minutes));
}

#[rstest]
#[case("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z")]
#[case("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z")]
#[case("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z")]
#[case("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z")]
#[case("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z")]
// Back at 00:01 to 23:01: the day has begun for a minute, and begins to stay an hour later.
#[case("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z")]
#[case("Asia/Kathmandu", "2026-01-05", "2026-01-04T18:15:00Z")]
fn the_first_instant_of_a_day_is_found(#[case] name: &str, #[case] date: &str, #[case] first: &str) {
    assert_eq!(zone(name).day_start(day(date)), at(first));
}

#[rstest]
#[case("America/New_York", "2026-03-08", 90, "2026-03-08T06:30:00Z")]
#[case("America/New_York", "2026-03-08", 150, "2026-03-08T07:00:00Z")]
#[case("America/New_York", "2026-03-08", 180, "2026-03-08T07:00:00Z")]
#[case("America/New_York", "2026-11-01", 90, "2026-11-01T05:30:00Z")]
#[case("America/New_York", "2026-11-01", 120, "2026-11-01T07:00:00Z")]
#[case("Australia/Lord_Howe", "2026-10-04", 135, "2026-10-03T15:30:00Z")]
#[case("Australia/Lord_Howe", "2026-04-05", 105, "2026-04-04T14:45:00Z")]
#[case("Pacific/Apia", "2011-12-30", 17 * 60, "2011-12-30T10:00:00Z")]
fn a_skipped_wall_time_is_the_end_of_the_gap_and_a_doubled_one_its_first(
    #[case] name: &str,
    #[case] date: &str,
    #[case] minute: u32,
    #[case] instant: &str,
) {
    assert_eq!(zone(name).at(day(date), minute), at(instant));
}

#[test]
fn five_on_friday_is_five_on_both_sides_of_a_change() {
    let zone = zone("America/New_York");
    assert_eq!(zone.at(day("2026-03-06"), 17 * 60), at("2026-03-06T22:00:00Z"));
    assert_eq!(zone.at(day("2026-03-13"), 17 * 60), at("2026-03-13T21:00:00Z"));
}

#[test]
fn friday_night_in_new_york_is_saturday_in_tokyo() {
    let page = at("2026-01-09T23:30:00-05:00");
    assert_eq!(zone("America/New_York").local_day(page).weekday(), 5);
    assert_eq!(zone("America/New_York").local_minute(page), 23 * 60 + 30);
    assert_eq!(zone("Asia/Tokyo").local_day(page).weekday(), 6);
    assert_eq!(zone("Asia/Tokyo").local_minute(page), 13 * 60 + 30);
}

#[test]
fn the_clock_can_show_the_day_before_again() {
    let st_johns = zone("America/St_Johns");
    assert_eq!(st_johns.local_day(at("2010-11-07T02:30:30Z")), day("2010-11-07"));
    assert_eq!(st_johns.local_day(at("2010-11-07T02:31:00Z")), day("2010-11-06"));
    assert_eq!(st_johns.local_day(at("2010-11-07T03:30:00Z")), day("2010-11-07"));
}

#[test]
fn the_ends_of_time_have_days_everywhere() {
    for name in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
        let zone = zone(name);
        for end in [EventTime::MIN, EventTime::MAX] {
            let start = zone.day_start(zone.local_day(end));
            assert!(start <= end, "{name}");
        }
        assert_eq!(zone.day_start(LocalDay::MIN), EventTime::MIN);
    }
}

#[test]
fn a_zone_is_known_by_its_exact_name() {
    assert_eq!(zone("Europe/Berlin").name(), "Europe/Berlin");
    assert_eq!(
        Zone::parse("Europe/Atlantis").unwrap_err().to_string(),
        "unknown time zone `Europe/Atlantis`: expected an IANA name, such as Europe/Berlin"
    );
    assert_eq!(serde_json::to_string(&zone("Asia/Tokyo")).unwrap(), "\"Asia/Tokyo\"");
    assert!(serde_json::from_str::<Zone>("\"Mars\"").is_err());
}

/// The premise of the search: checked at each midnight UTC of fifty years, for every zone of the table.
#[test]
fn no_zone_changes_its_offset_twice_within_the_search_step() {
    const DAY_S: i64 = 86_400;
    for tz in chrono_tz::TZ_VARIANTS {
        let zone = Zone(tz);
        let mut offset = zone.offset_s(7_000 * DAY_S);
        let mut changed = i64::MIN;
        for midnight in (7_001..25_000).map(|day| day * DAY_S) {
            let next = zone.offset_s(midnight);
            assert!(next.abs() <= REACH_S, "{zone} is more than a day away");
            if next != offset {
                assert!(changed < midnight - ONE_CHANGE_S - DAY_S, "{zone} changed twice before {midnight}");
                (offset, changed) = (next, midnight);
            }
        }
    }
}

/// Any zone of the table.
pub(crate) fn any_zone() -> impl Strategy<Value = Zone> {
    proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]).prop_map(Zone)
}

proptest! {
    #[test]
    fn wall_times_agree_with_the_table(zone in any_zone(), days in -25_000..48_000_i32, minute in 0..1_440_u32) {
        let local = NaiveDate::from_epoch_days(days).unwrap().and_hms_opt(minute / 60, minute % 60, 0).unwrap();
        let found = zone.at(LocalDay::from_days(days), minute);
        match zone.0.from_local_datetime(&local) {
            MappedLocalTime::Single(only) => prop_assert_eq!(found.ms(), only.timestamp_millis()),
            MappedLocalTime::Ambiguous(first, second) => {
                prop_assert_eq!(found.ms(), first.timestamp_millis().min(second.timestamp_millis()));
            }
            MappedLocalTime::None => prop_assert!(local_ms(found, zone.offset_s(found.ms() / 1_000)) > local.and_utc().timestamp_millis()),
        }
    }

    #[test]
    fn the_instant_of_a_wall_time_is_the_first_that_shows_it_or_later(
        zone in any_zone(), days in -25_000..48_000_i32, minute in 0..1_440_u32, back in 1..200_000_000_i64,
    ) {
        let shows = |at: EventTime| local_ms(at, zone.offset_s(at.ms().div_euclid(1_000)));
        let wall = i64::from(days) * DAY_MS + i64::from(minute) * 60_000;
        let found = zone.at(LocalDay::from_days(days), minute);
        prop_assert!(shows(found) >= wall);
        prop_assert!(shows(EventTime::from_ms(found.ms() - 1)) < wall);
        prop_assert!(shows(EventTime::from_ms(found.ms() - back)) < wall);
    }
}
