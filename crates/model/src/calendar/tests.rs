use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::{EventTime, MinuteOfDay, Zone};

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap()
}

fn at(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

fn calendar(weekend: &[u32], holidays: &[&str]) -> WorkCalendar {
    WorkCalendar::from_iso(weekend.iter().copied(), holidays.iter().map(|text| day(text))).unwrap()
}

fn new_york() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

#[test]
fn saturday_and_sunday_unless_said_otherwise() {
    let plain = WorkCalendar::default();
    assert_eq!(calendar(&[], &[]), plain);
    assert!(plain.is_weekend(day("2026-01-10")) && plain.is_weekend(day("2026-01-11")));
    assert!(plain.is_business_day(day("2026-01-09")) && plain.is_business_day(day("2026-01-12")));
    assert_eq!(WorkCalendar::from_iso([8], []), Err(Error::Weekday { number: 8 }));
    assert_eq!(WorkCalendar::from_iso([0], []), Err(Error::Weekday { number: 0 }));
}

#[test]
fn a_holiday_is_no_business_day_and_no_weekend() {
    let monday_off = calendar(&[], &["2026-01-12"]);
    assert!(!monday_off.is_business_day(day("2026-01-12")));
    assert!(!monday_off.is_weekend(day("2026-01-12")));
}

#[test]
fn an_owner_silent_since_friday_is_absent_on_tuesday_of_the_next_week_after_a_holiday() {
    let monday_off = calendar(&[], &["2026-01-12"]);
    let friday = day("2026-01-09");
    assert_eq!(monday_off.nth_business_day_after(friday, 6), Some(day("2026-01-20")));
    assert_eq!(WorkCalendar::default().nth_business_day_after(friday, 6), Some(day("2026-01-19")));
    assert_eq!(monday_off.nth_business_day_after(friday, 0), Some(friday));
}

#[rstest]
#[case("2026-01-05", "2026-01-09", 4)]
#[case("2026-01-09", "2026-01-12", 0)]
#[case("2026-01-09", "2026-01-13", 1)]
#[case("2026-01-09", "2026-01-09", 0)]
#[case("2026-01-13", "2026-01-09", 0)]
fn business_days_exclude_the_first_day_and_include_the_last(
    #[case] after: &str,
    #[case] through: &str,
    #[case] days: u32,
) {
    assert_eq!(calendar(&[], &["2026-01-12"]).business_days_between(day(after), day(through)), days);
}

#[rstest]
#[case(&[6, 7], "2026-01-05")]
#[case(&[5, 6], "2026-01-04")]
#[case(&[7], "2026-01-05")]
#[case(&[5], "2026-01-03")]
#[case(&[7, 1], "2026-01-06")]
#[case(&[3, 6, 7], "2026-01-05")]
#[case(&[2, 5], "2026-01-07")]
#[case(&[1, 2, 3, 4, 5, 6, 7], "2026-01-05")]
fn the_week_begins_after_the_weekend(#[case] weekend: &[u32], #[case] start: &str) {
    let calendar = calendar(weekend, &[]);
    for ahead in 0..7 {
        assert_eq!(calendar.week_start(day(start).plus(ahead)), day(start), "{ahead} days into the week");
    }
}

#[rstest]
// An ordinary week, in standard and in summer time.
#[case(&[6, 7], &[], "2026-01-07", Some("2026-01-09T17:00:00-05:00"))]
#[case(&[6, 7], &[], "2026-07-05", Some("2026-07-03T17:00:00-04:00"))]
// Friday is a holiday; Thursday and Friday are.
#[case(&[6, 7], &["2026-07-03"], "2026-07-01", Some("2026-07-02T17:00:00-04:00"))]
#[case(&[6, 7], &["2026-11-26", "2026-11-27"], "2026-11-27", Some("2026-11-25T17:00:00-05:00"))]
// Sunday to Thursday.
#[case(&[5, 6], &[], "2026-01-04", Some("2026-01-08T17:00:00-05:00"))]
#[case(&[5, 6], &[], "2026-01-10", Some("2026-01-08T17:00:00-05:00"))]
#[case(&[5, 6], &["2026-01-08"], "2026-01-05", Some("2026-01-07T17:00:00-05:00"))]
// A week without business day has no window.
#[case(&[6, 7], &["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-01"], "2026-12-30", None)]
#[case(&[1, 2, 3, 4, 5, 6, 7], &[], "2026-01-07", None)]
fn a_window_closes_at_five_on_the_last_business_day_of_the_week(
    #[case] weekend: &[u32],
    #[case] holidays: &[&str],
    #[case] any_day: &str,
    #[case] close: Option<&str>,
) {
    let found =
        calendar(weekend, holidays).update_window_close(new_york(), day(any_day), MinuteOfDay::FIVE_PM);
    assert_eq!(found, close.map(at));
}

#[rstest]
// Tuesday leaves Wednesday, Thursday and Friday; Wednesday leaves two.
#[case(&[], "2026-01-06", "2026-01-09T22:00:00Z")]
#[case(&[], "2026-01-07", "2026-01-16T22:00:00Z")]
#[case(&[], "2026-01-10", "2026-01-16T22:00:00Z")]
// With Friday off the week closes on Thursday, and Tuesday leaves two.
#[case(&["2026-01-09"], "2026-01-05", "2026-01-08T22:00:00Z")]
#[case(&["2026-01-09"], "2026-01-06", "2026-01-16T22:00:00Z")]
fn the_first_window_leaves_three_business_days(
    #[case] holidays: &[&str],
    #[case] effective: &str,
    #[case] close: &str,
) {
    let found =
        calendar(&[], holidays).first_update_window(new_york(), day(effective), MinuteOfDay::FIVE_PM, 3);
    assert_eq!(found, Some(at(close)));
}

#[test]
fn closes_come_strictly_after_the_instant_and_keep_the_wall_time() {
    let weeks = calendar(&[], &["2026-03-13"]);
    let close = at("2026-03-06T22:00:00Z");
    let found: Vec<_> =
        weeks.update_window_closes_after(new_york(), close, MinuteOfDay::FIVE_PM).take(2).collect();
    assert_eq!(found, [at("2026-03-12T21:00:00Z"), at("2026-03-20T21:00:00Z")]);
    let just_before = EventTime::from_ms(close.ms() - 1);
    let found = weeks.update_window_closes_after(new_york(), just_before, MinuteOfDay::FIVE_PM).next();
    assert_eq!(found, Some(close));
}

#[test]
fn a_calendar_without_business_days_ends_every_search() {
    let never = calendar(&[1, 2, 3, 4, 5, 6, 7], &[]);
    let today = day("2026-01-05");
    assert_eq!(never.next_business_day_after(today), None);
    assert_eq!(never.nth_business_day_after(today, 3), None);
    assert_eq!(never.first_update_window(Zone::UTC, today, MinuteOfDay::FIVE_PM, 3), None);
    let mut closes =
        never.update_window_closes_after(Zone::UTC, at("2026-01-05T00:00:00Z"), MinuteOfDay::FIVE_PM);
    assert_eq!(closes.next(), None);
    assert_eq!(WorkCalendar::default().next_business_day_after(LocalDay::MAX), None);
    let last_week = EventTime::MAX.minus(crate::Millis::days(20));
    let closes: Vec<_> = WorkCalendar::default()
        .update_window_closes_after(Zone::UTC, last_week, MinuteOfDay::FIVE_PM)
        .collect();
    assert_eq!(closes.len(), 3);
}

fn any_calendar() -> impl Strategy<Value = WorkCalendar> {
    let weekend = prop::array::uniform7(any::<bool>());
    let holidays = prop::collection::btree_set(20_400..20_500_i32, 0..20);
    (weekend, holidays).prop_map(|(weekend, holidays)| WorkCalendar {
        weekend,
        holidays: holidays.into_iter().map(LocalDay::from_days).collect(),
    })
}

proptest! {
    #[test]
    fn the_nth_business_day_is_n_business_days_away(calendar in any_calendar(), today in 20_380..20_480_i32, n in 1..30_u32) {
        let today = LocalDay::from_days(today);
        if let Some(reached) = calendar.nth_business_day_after(today, n) {
            prop_assert!(calendar.is_business_day(reached));
            prop_assert_eq!(calendar.business_days_between(today, reached), n);
            prop_assert_eq!(calendar.business_days_between(today, reached.minus(1)), n - 1);
        }
    }

    #[test]
    fn business_days_add_up(calendar in any_calendar(), a in 20_380..20_520_i32, b in 0..60_i32, c in 0..60_i32) {
        let (first, middle) = (LocalDay::from_days(a), LocalDay::from_days(a + b));
        let last = middle.plus(c);
        let parts = calendar.business_days_between(first, middle) + calendar.business_days_between(middle, last);
        prop_assert_eq!(calendar.business_days_between(first, last), parts);
    }

    #[test]
    fn every_week_with_a_business_day_closes_once(calendar in any_calendar(), after in 20_380..20_480_i64) {
        let after = EventTime::from_ms(after * 86_400_000);
        let closes: Vec<_> =
            calendar.update_window_closes_after(Zone::UTC, after, MinuteOfDay::FIVE_PM).take(8).collect();
        prop_assert!(closes.iter().all(|close| *close > after));
        let weeks: Vec<_> = closes.iter().map(|close| calendar.week_start(Zone::UTC.local_day(*close))).collect();
        prop_assert!(weeks.windows(2).all(|pair| pair[0] < pair[1]));
        for pair in weeks.windows(2) {
            let skipped = (1..pair[1].since(pair[0]) / 7).map(|week| pair[0].plus(7 * week));
            for week in skipped {
                prop_assert_eq!(calendar.closing_day(week), None);
            }
        }
    }
}
