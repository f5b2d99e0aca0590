//! The rolling window of one person that ends today, kept up to date page by page.
//!
//! It stands until the local day ends or reference data changes. A day later its days move by one place; nothing is
//! counted twice and old pages are not walked again.

use bellwether_model::{EventTime, LocalDay, PersonId, Zone};

use super::person::Page;
use super::shift::Shifts;
use super::standing::Standing;
use crate::context::Context;
use crate::measures;

/// Days of the rolling window.
pub(crate) const WINDOW_DAYS: usize = 28;

/// Pages of one local day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    /// All of them; nobody has more than 65,535 a day.
    pub pages: u16,
    /// On a weekend day.
    pub weekend: u16,
    /// In sleep hours.
    pub sleep: u16,
    /// That rest on a proxy.
    pub proxy: u16,
}

/// Pages of several days.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    /// On weekend days.
    pub weekend: u32,
    /// In sleep hours.
    pub sleep: u32,
    /// That rest on a proxy.
    pub proxy: u32,
}

/// Counts per local day of the window that ends today, most recent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// The day it ends with.
    pub today: LocalDay,
    /// Index 0 is today, 27 the first day.
    pub days: [Day; WINDOW_DAYS],
    total: u32,
}

/// What kind of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tags {
    weekend: bool,
    sleep: bool,
    proxy: bool,
}

/// The window of one person on one day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Today {
    epoch: u64,
    zone: Zone,
    /// The instants of today, start inclusive, end exclusive: within them the window stands.
    from: EventTime,
    until: EventTime,
    /// First instant of the window.
    window_from: EventTime,
    window: Window,
    /// Whether a shift overlaps the window, as of a version of the shifts.
    on_call: Option<(u64, bool)>,
}

impl Window {
    /// Pages in the window.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Pages of the last `days` days, today included.
    pub(crate) fn last(&self, days: usize) -> u32 {
        self.days.iter().take(days).map(|day| u32::from(day.pages)).sum()
    }

    /// Pages that will still be inside after `days` more days.
    pub(crate) fn still_inside_after(&self, days: usize) -> u32 {
        self.last(WINDOW_DAYS.saturating_sub(days))
    }

    /// The same after one more day, after two, and so on.
    pub(crate) fn insides(&self) -> impl Iterator<Item = u32> {
        let oldest_first = self.days.iter().rev().map(|day| u32::from(day.pages)).chain(std::iter::repeat(0));
        oldest_first.scan(self.last(WINDOW_DAYS), |inside, gone| {
            *inside -= gone;
            Some(*inside)
        })
    }

    /// All days together.
    pub(crate) fn sum(&self) -> Sum {
        self.days.iter().fold(Sum::default(), |sum, day| Sum {
            weekend: sum.weekend + u32::from(day.weekend),
            sleep: sum.sleep + u32::from(day.sleep),
            proxy: sum.proxy + u32::from(day.proxy),
        })
    }

    fn empty(today: LocalDay) -> Self {
        Self { today, days: [Day::default(); WINDOW_DAYS], total: 0 }
    }

    /// The same pages on a later day.
    fn move_to(&mut self, today: LocalDay) {
        let passed = usize::try_from(today.since(self.today)).unwrap_or(WINDOW_DAYS).min(WINDOW_DAYS);
        self.days.rotate_right(passed);
        self.days[..passed].fill(Day::default());
        self.today = today;
        self.total = self.last(WINDOW_DAYS);
    }

    fn count(&mut self, day: LocalDay, tags: Tags) {
        let Ok(age) = usize::try_from(self.today.since(day)) else { return };
        if let Some(day) = self.days.get_mut(age) {
            day.pages = day.pages.saturating_add(1);
            day.weekend = day.weekend.saturating_add(u16::from(tags.weekend));
            day.sleep = day.sleep.saturating_add(u16::from(tags.sleep));
            day.proxy = day.proxy.saturating_add(u16::from(tags.proxy));
            self.total += 1;
        }
    }
}

impl Tags {
    /// By the zone and calendar effective at the page, as known now (R31).
    pub(crate) fn of(context: &Context<'_>, standing: &Standing, person: &PersonId, page: &Page) -> Self {
        let at = page.at;
        let (zone, weekend) = if standing.covers(at, context.now) {
            let day = standing.zone.local_day(at);
            (standing.zone, standing.weekend[day.weekday() as usize - 1])
        } else {
            (context.reference.zone_of(person, at), context.reference.is_weekend(person, at))
        };
        let sleep = measures::is_sleep(context.thresholds(), zone.local_minute(at));
        Self { weekend, sleep, proxy: page.proxy }
    }
}

impl Today {
    /// The window of a person now, counted from the pages.
    pub(crate) fn of(context: &Context<'_>, standing: &Standing, person: &PersonId, pages: &[Page]) -> Self {
        let zone = standing.zone;
        let day = zone.local_day(context.now);
        let mut today = Self {
            epoch: standing.epoch,
            zone,
            from: zone.day_start(day),
            until: zone.day_start(day.plus(1)),
            window_from: zone.day_start(first_day(day)),
            window: Window::empty(day),
            on_call: None,
        };
        today.count_from(today.window_from, context, standing, person, pages);
        today
    }

    /// The same window on a later day, of the same epoch.
    pub(crate) fn move_on(
        &mut self,
        context: &Context<'_>,
        standing: &Standing,
        person: &PersonId,
        pages: &[Page],
    ) {
        let day = self.zone.local_day(context.now);
        let before = self.until;
        self.from = self.zone.day_start(day);
        self.until = self.zone.day_start(day.plus(1));
        self.window_from = self.zone.day_start(first_day(day));
        self.on_call = None;
        self.window.move_to(day);
        // Pages of days that had not come yet are counted when they come.
        self.count_from(before, context, standing, person, pages);
    }

    fn count_from(
        &mut self,
        from: EventTime,
        context: &Context<'_>,
        standing: &Standing,
        person: &PersonId,
        pages: &[Page],
    ) {
        let newest = pages.iter().rev().skip_while(|page| page.at >= self.until);
        for page in newest.take_while(|page| page.at >= from) {
            let day = self.zone.local_day(page.at);
            self.window.count(day, Tags::of(context, standing, person, page));
        }
    }

    /// True when the window can move on to an instant.
    pub(crate) fn is_before(&self, standing: &Standing, now: EventTime) -> bool {
        self.epoch == standing.epoch && self.until <= now
    }

    /// True while the window is that of an instant.
    pub(crate) fn is_of(&self, standing: &Standing, now: EventTime) -> bool {
        self.epoch == standing.epoch && self.from <= now && now < self.until
    }

    /// The window.
    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// First instant of the window and its end, exclusive.
    pub(crate) fn bounds(&self) -> (EventTime, EventTime) {
        (self.window_from, self.until)
    }

    /// Counts a new page. One of a day that has not come waits for it.
    pub(crate) fn count(&mut self, at: EventTime, tags: impl FnOnce() -> Tags) {
        if self.window_from <= at && at < self.until {
            let day = if self.from <= at { self.window.today } else { self.zone.local_day(at) };
            self.window.count(day, tags());
        }
    }

    /// True when a shift of the person overlaps the window.
    pub(crate) fn is_on_call(&mut self, person: &PersonId, shifts: &Shifts) -> bool {
        let version = shifts.version();
        match self.on_call {
            Some((known, on_call)) if known == version => on_call,
            _ => {
                let on_call = shifts.overlaps(person, self.window_from, self.until);
                self.on_call = Some((version, on_call));
                on_call
            }
        }
    }
}

fn first_day(today: LocalDay) -> LocalDay {
    today.minus(i32::try_from(WINDOW_DAYS).expect("28 fits") - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Tags = Tags { weekend: false, sleep: false, proxy: false };

    #[test]
    fn a_day_later_every_count_is_a_day_older_and_the_oldest_is_gone() {
        let monday = LocalDay::from_days(20_000);
        let mut window = Window::empty(monday);
        window.count(monday, PLAIN);
        window.count(monday.minus(27), PLAIN);
        window.count(monday.minus(28), PLAIN);
        window.count(monday.plus(1), PLAIN);
        assert_eq!((window.total(), window.last(1)), (2, 1));
        window.move_to(monday.plus(1));
        assert_eq!((window.total(), window.last(1), window.last(2)), (1, 0, 1));
        window.count(monday, PLAIN);
        let after: Vec<u32> = (1..40).map(|days| window.still_inside_after(days)).collect();
        assert_eq!(window.insides().take(39).collect::<Vec<_>>(), after);
        window.move_to(monday.plus(40));
        assert_eq!(window.total(), 0);
    }
}
