//! A squad's eligible population at an instant: who carries how much, the median, the top, their ratio (R32, R33).

use bellwether_model::Ratio;
use bellwether_model::{PersonId, SquadId};

use super::Pages;
use super::person::WINDOW_DAYS;
use crate::context::Context;

/// Eligible members and their pages in the window, most pages first, then by id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Population {
    /// Who, and how many.
    pub counts: Vec<(PersonId, u32)>,
}

impl Population {
    /// The population of a squad now.
    pub(crate) fn of(pages: &Pages, context: &Context<'_>, squad: &SquadId) -> Self {
        let now = context.now;
        let mut counts: Vec<(PersonId, u32)> = Vec::new();
        for person in context.reference.members_of(squad, now) {
            let zone = context.reference.zone_of(person, now);
            let theirs = pages.person(person);
            let total = theirs.map_or(0, |pages| pages.window(zone, now).total());
            let eligible = total > 0 || {
                let today = zone.local_day(now);
                let first = today.minus(i32::try_from(WINDOW_DAYS).expect("28 fits") - 1);
                pages.shifts().overlaps(person, zone.day_start(first), zone.day_start(today.plus(1)))
            };
            if !eligible {
                continue;
            }
            let several_squads = context.reference.squads_of(person, now).nth(1).is_some();
            let count = match theirs {
                Some(pages) if several_squads => pages.count_in(squad, zone, now),
                _ => total,
            };
            counts.push((person.clone(), count));
        }
        counts.sort_by(|(a, most), (b, other)| (other, a).cmp(&(most, b)));
        Self { counts }
    }

    /// Median; of an even number the mean of the middle two. `None` of nobody.
    pub(crate) fn median(&self) -> Option<Ratio> {
        let n = self.counts.len();
        let upper = i128::from(self.counts.get(n / 2)?.1);
        let lower = if n.is_multiple_of(2) { i128::from(self.counts[n / 2 - 1].1) } else { upper };
        Ratio::new(lower + upper, 2)
    }

    /// Most pages of anybody.
    pub(crate) fn top(&self) -> u32 {
        self.counts.first().map_or(0, |(_, count)| *count)
    }

    /// Everybody who carries the most.
    pub(crate) fn holders(&self) -> impl Iterator<Item = &PersonId> {
        let top = self.top();
        self.counts.iter().take_while(move |(_, count)| *count == top).map(|(person, _)| person)
    }

    /// Top over median; `None` when the median is 0 or nobody is there.
    pub(crate) fn ratio(&self) -> Option<Ratio> {
        Ratio::int(i64::from(self.top())).checked_div(self.median()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(counts: &[u32]) -> Population {
        let mut counts: Vec<(PersonId, u32)> = counts
            .iter()
            .enumerate()
            .map(|(n, count)| (PersonId::from(format!("p{n}").as_str()), *count))
            .collect();
        counts.sort_by(|(a, most), (b, other)| (other, a).cmp(&(most, b)));
        Population { counts }
    }

    #[test]
    fn r33_the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert_eq!(population(&[1, 2, 4, 9]).median(), Ratio::new(3, 1));
        assert_eq!(population(&[1, 2, 5, 9]).median(), Ratio::new(7, 2));
        assert_eq!(population(&[3, 7, 29]).median(), Ratio::new(7, 1));
        assert_eq!(population(&[]).median(), None);
    }

    #[test]
    fn twenty_nine_over_a_median_of_seven_is_4_1() {
        let ratio = population(&[29, 7, 3]).ratio();
        assert_eq!(ratio.map(|ratio| ratio.round_half_even(1)).as_deref(), Some("4.1"));
        assert_eq!(ratio.map(|ratio| ratio.round_half_even(2)).as_deref(), Some("4.14"));
    }

    #[test]
    fn r33_a_median_of_zero_has_no_ratio() {
        assert_eq!(population(&[5, 0, 0]).ratio(), None);
    }

    #[test]
    fn r33_every_holder_of_the_maximum_is_named() {
        let names: Vec<String> = population(&[9, 1, 9]).holders().map(ToString::to_string).collect();
        assert_eq!(names, ["p0", "p2"]);
    }
}
