//! Service-level objectives: how many of the valid events of each were good, summed over any span.
//!
//! A measured interval counts where it ends (R43), so that weeks and the quarter to date share nothing and lose nothing. The
//! same interval of the same objective measured again is a correction: the last word counts, in the one order. What it is
//! not: a target, or a judgement; those are the key result's.
//!
//! Invariants: good never exceeds valid; the sums of days are those of their intervals, derived and never written.

use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

use bellwether_model::{EventTime, Millis, Ratio};
use bellwether_wire::envelope::EventId;
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::order::Order;

const DAY_MS: i64 = 86_400_000;
/// A quarter of 92 days, and the horizon for late events.
const KEEP: Millis = Millis::days(130);

/// Good and valid events.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Events {
    good: i128,
    valid: i128,
}

/// One measured interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Interval {
    told: Order,
    good: u64,
    valid: u64,
}

/// Intervals by their end, then by their first instant.
type Intervals = BTreeMap<(EventTime, EventTime), Interval>;

/// One objective.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Intervals", into = "Intervals")]
struct Objective {
    intervals: Intervals,
    /// Sums by the UTC day of the end.
    days: BTreeMap<i64, Events>,
}

/// Everything measured in one partition, by objective.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Objectives {
    known: BTreeMap<String, Objective>,
    /// UTC day on which the old was last looked for.
    pruned: Option<i64>,
}

/// The objectives a key result is measured by: those it names, or all where it names none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a>(pub(crate) &'a [String]);

impl Named<'_> {
    /// True for one of them.
    pub(crate) fn contains(self, objective: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|named| named == objective)
    }
}

impl Objectives {
    /// Folds a measured interval; true when it changes a sum.
    ///
    /// # Errors
    /// What is wrong with one that cannot be counted.
    pub(crate) fn on_fact(
        &mut self,
        fact: &Fact,
        message: &pb::SliMeasured,
        now: EventTime,
    ) -> Result<bool, String> {
        self.prune(now);
        let to = instant::optional(message.to.as_ref()).unwrap_or(fact.event.time);
        let from = instant::optional(message.from.as_ref()).unwrap_or(to);
        let slo = &message.slo;
        if slo.is_empty() {
            return Err("a measured interval names no objective".to_owned());
        }
        if message.good > message.valid {
            return Err(format!("objective {slo}: {} good of {} valid events", message.good, message.valid));
        }
        if from > to {
            return Err(format!("objective {slo}: the interval ends at {to}, before it begins"));
        }
        let told = Order::of(fact, fact.event.time);
        let interval = Interval { told, good: message.good, valid: message.valid };
        Ok(self.known.entry(slo.clone()).or_default().insert((to, from), interval))
    }

    /// The sum over the intervals that end after an instant, up to and including another.
    pub(crate) fn sum(&self, named: Named<'_>, after: EventTime, through: EventTime) -> Events {
        let mut sum = Events::default();
        for objective in self.named(named) {
            objective.add(after, through, &mut sum);
        }
        sum
    }

    /// The event that told of the interval with the most bad events among them, the latest of several; `None` when none
    /// was bad.
    pub(crate) fn worst(&self, named: Named<'_>, after: EventTime, through: EventTime) -> Option<EventId> {
        let all = self.named(named).flat_map(|objective| objective.between(after, through));
        let bad = all.filter(|(_, interval)| interval.valid > interval.good);
        let worst = bad.max_by_key(|(end, interval)| (interval.valid - interval.good, **end, &interval.told));
        worst.map(|(_, interval)| interval.told.event())
    }

    fn named<'a>(&'a self, named: Named<'a>) -> impl Iterator<Item = &'a Objective> {
        self.known.iter().filter(move |(slo, _)| named.contains(slo)).map(|(_, objective)| objective)
    }

    fn prune(&mut self, now: EventTime) {
        let today = day_of(now);
        if self.pruned.is_some_and(|last| last >= today) {
            return;
        }
        self.pruned = Some(today);
        // Whole days, so that their sums stay those of their intervals.
        let first = (day_of(now.minus(KEEP)), EventTime::MIN);
        for objective in self.known.values_mut() {
            objective.days = objective.days.split_off(&first.0);
            objective.intervals =
                objective.intervals.split_off(&(EventTime::from_ms(first.0 * DAY_MS), first.1));
        }
        self.known.retain(|_, objective| !objective.intervals.is_empty());
    }
}

impl Objective {
    fn insert(&mut self, place: (EventTime, EventTime), interval: Interval) -> bool {
        let day = self.days.entry(day_of(place.0)).or_default();
        let new = interval.events();
        match self.intervals.get_mut(&place) {
            Some(known) if known.told >= interval.told => false,
            Some(known) => {
                let old = known.events();
                *day -= old;
                *known = interval;
                *day += new;
                old != new
            }
            None => {
                self.intervals.insert(place, interval);
                *day += new;
                new != Events::default()
            }
        }
    }

    /// Whole days from their sums, what is left at both ends interval by interval.
    fn add(&self, after: EventTime, through: EventTime, sum: &mut Events) {
        let (first, last) = (day_of(after) + 1, day_of(through));
        if first >= last {
            return self.between(after, through).for_each(|(_, interval)| *sum += interval.events());
        }
        let (begin, end) = (EventTime::from_ms(first * DAY_MS - 1), EventTime::from_ms(last * DAY_MS - 1));
        self.between(after, begin).for_each(|(_, interval)| *sum += interval.events());
        self.days.range(first..last).for_each(|(_, day)| *sum += *day);
        self.between(end, through).for_each(|(_, interval)| *sum += interval.events());
    }

    fn between(
        &self,
        after: EventTime,
        through: EventTime,
    ) -> impl Iterator<Item = (&(EventTime, EventTime), &Interval)> {
        let (first, end) = (after.plus(Millis::from_ms(1)), through.plus(Millis::from_ms(1)));
        self.intervals.range((first, EventTime::MIN)..(end.max(first), EventTime::MIN))
    }
}

impl Interval {
    fn events(&self) -> Events {
        Events { good: self.good.into(), valid: self.valid.into() }
    }
}

impl Events {
    /// Good over valid; `None` when nothing valid was measured.
    pub(crate) fn share(self) -> Option<Ratio> {
        Ratio::new(self.good, self.valid)
    }
}

impl AddAssign for Events {
    fn add_assign(&mut self, other: Self) {
        self.good += other.good;
        self.valid += other.valid;
    }
}

impl SubAssign for Events {
    fn sub_assign(&mut self, other: Self) {
        self.good -= other.good;
        self.valid -= other.valid;
    }
}

impl From<Intervals> for Objective {
    fn from(written: Intervals) -> Self {
        let mut objective = Self::default();
        for (place, interval) in written {
            objective.insert(place, interval);
        }
        objective
    }
}

impl From<Objective> for Intervals {
    fn from(objective: Objective) -> Self {
        objective.intervals
    }
}

fn day_of(at: EventTime) -> i64 {
    at.ms().div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use bellwether_wire::envelope::Event;
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hour: i64) -> EventTime {
        EventTime::from_ms(hour * HOUR)
    }

    /// An interval of two hours, told at its end under a number.
    fn fact(number: usize, slo: &str, end: i64, good: u64, valid: u64) -> (Fact, pb::SliMeasured) {
        let message = pb::SliMeasured {
            slo: slo.into(),
            good,
            valid,
            from: Some(instant::timestamp(at(end - 2))),
            to: Some(instant::timestamp(at(end))),
            ..Default::default()
        };
        let event = Event::new("prometheus://a", format!("{number:04}"), at(end), message.clone());
        (Fact::new(event), message)
    }

    fn measure(all: &mut Objectives, (fact, message): (Fact, pb::SliMeasured)) -> Result<bool, String> {
        all.on_fact(&fact, &message, fact.event.time)
    }

    #[test]
    fn r43_an_interval_counts_where_it_ends_that_instant_included() {
        let mut all = Objectives::default();
        assert_eq!(measure(&mut all, fact(1, "ci", 24, 9, 10)), Ok(true));
        let share = |after, through| all.sum(Named(&[]), at(after), at(through)).share();
        assert_eq!(share(0, 24), Ratio::new(9, 10));
        assert_eq!(share(0, 23), None);
        assert_eq!(share(24, 48), None);
    }

    #[test]
    fn an_interval_measured_again_is_corrected_whatever_comes_first() {
        let (first, second) = (fact(1, "ci", 5, 1, 10), fact(2, "ci", 5, 9, 10));
        for order in [[first.clone(), second.clone()], [second, first]] {
            let mut all = Objectives::default();
            for measured in order {
                measure(&mut all, measured).expect("it can be counted");
            }
            assert_eq!(all.sum(Named(&[]), at(0), at(24)).share(), Ratio::new(9, 10));
        }
    }

    #[test]
    fn what_cannot_be_counted_is_named() {
        let mut all = Objectives::default();
        assert_eq!(
            measure(&mut all, fact(1, "ci", 5, 11, 10)),
            Err("objective ci: 11 good of 10 valid events".into())
        );
        assert!(measure(&mut all, fact(1, "", 5, 1, 10)).is_err());
        let (fact, message) = fact(1, "ci", 5, 1, 10);
        let message = pb::SliMeasured { from: Some(instant::timestamp(at(6))), ..message };
        assert!(measure(&mut all, (fact, message)).is_err());
    }

    #[test]
    fn the_old_is_forgotten_by_whole_days() {
        let mut all = Objectives::default();
        measure(&mut all, fact(1, "ci", 5, 1, 10)).expect("it can be counted");
        measure(&mut all, fact(2, "ci", 24 * 131, 9, 10)).expect("it can be counted");
        assert_eq!(all.sum(Named(&[]), at(0), at(24 * 200)).share(), Ratio::new(9, 10));
    }

    proptest! {
        #[test]
        fn sums_are_those_of_a_walk_and_stay_so_after_a_restore(
            measured in prop::collection::vec((0..200_i64, 0..20_u64, 0..2_usize), 0..40),
            after in 0..200_i64,
            span in 0..200_i64,
        ) {
            let slos = ["ci", "deploy"];
            let mut all = Objectives::default();
            let mut last: BTreeMap<(usize, i64), u64> = BTreeMap::new();
            for (number, (end, good, slo)) in measured.into_iter().enumerate() {
                let _ = measure(&mut all, fact(number, slos[slo], end, good, 20));
                last.insert((slo, end), good);
            }
            let named = ["ci".to_owned()];
            let restored: Objectives =
                rmp_serde::from_slice(&rmp_serde::to_vec_named(&all).expect("it is written")).expect("it is read");
            for (names, which) in [(&named[..], 0..1), (&[][..], 0..2)] {
                let inside = last
                    .iter()
                    .filter(|((slo, end), _)| which.contains(slo) && after < *end && *end <= after + span);
                let naive = inside.fold(Events::default(), |sum, (_, good)| Events {
                    good: sum.good + i128::from(*good),
                    valid: sum.valid + 20,
                });
                prop_assert_eq!(all.sum(Named(names), at(after), at(after + span)), naive);
                prop_assert_eq!(restored.sum(Named(names), at(after), at(after + span)), naive);
            }
            prop_assert_eq!(restored, all);
        }
    }
}
