//! A squad's eligible population at an instant: who carries how much, the median, the top, their ratio (R32, R33).

use bellwether_model::Ratio;
use bellwether_model::{PersonId, SquadId};

use super::Pages;
use crate::context::Context;

/// Eligible members and their pages in the window, most pages first, then by id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Population {
    /// Who, and how many.
    pub counts: Vec<(PersonId, u32)>,
}

impl Population {
    /// The population of a squad now.
    pub(crate) fn of(pages: &mut Pages, context: &Context<'_>, squad: &SquadId) -> Self {
        let roster = pages.roster(context, squad);
        let mut counts: Vec<(PersonId, u32)> = Vec::with_capacity(roster.len());
        for place in roster.iter() {
            let Some((person, theirs)) = pages.people.at(*place) else { continue };
            let now = theirs.now(context, person);
            let (total, in_several) = (now.window.total(), now.standing.squads.len() > 1);
            if !theirs.is_eligible(person, &pages.shifts) {
                continue;
            }
            let count = if in_several { theirs.count_in(squad) } else { total };
            counts.push((person.clone(), count));
        }
        Self::new(counts)
    }

    /// A population of these people and counts.
    pub(crate) fn new(mut counts: Vec<(PersonId, u32)>) -> Self {
        counts.sort_unstable_by(|(a, most), (b, other)| (other, a).cmp(&(most, b)));
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
