//! Which figures a reader may see, by how many people each is about.

use bellwether_model::{Measure, RuleId};
use bellwether_wire::pb;

use super::GROUP_MIN;

/// Inputs that say how a key result goes, whatever it measures.
const OF_THE_COURSE: &[&str] = &["pace", "periods-met", "periods-ended", "target", "elapsed", "planned"];

/// Whom a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// One person.
    Person,
    /// This many people together.
    Group(usize),
    /// No people: a pipeline, a dependency, a typed value.
    Thing,
}

/// What decides whom a figure is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Rule; `None` for one this version does not know.
    pub(super) rule: Option<RuleId>,
    /// Measure of the key result, where there is one.
    pub(super) measure: Option<Measure>,
    /// People of the squad, or of the organisation where there is no squad.
    pub(super) people: usize,
    /// Eligible population, where the explain block says it.
    pub(super) population: Option<usize>,
}

impl Scope {
    /// Whom the input of that name is about. What is not known is about one person.
    pub(super) fn about(&self, input: &str) -> About {
        match self.rule {
            // The median beside the ratio would give the top away, so of the two only the ratio is the squad's.
            Some(RuleId::VelocityDropConcentration) => match (input, self.population) {
                ("ratio" | "population", Some(population)) => About::Group(population),
                _ => About::Person,
            },
            Some(
                RuleId::VelocityDropPageLoad
                | RuleId::VelocityDropForecast
                | RuleId::MissedCheckIn
                | RuleId::OwnerAbsence,
            )
            | None => About::Person,
            Some(RuleId::MomentumDecay) => About::Group(self.people),
            Some(RuleId::VelocityDropPace | RuleId::ProjectedMiss) => self.about_measure(input),
            Some(RuleId::KpiDrift | RuleId::DependencyBreach) => About::Thing,
        }
    }

    fn about_measure(&self, input: &str) -> About {
        match self.measure {
            // The value of O2 is the load of whoever has most; how many weeks met the target is the squad's.
            Some(Measure::O2) if !OF_THE_COURSE.contains(&input) => About::Person,
            Some(
                Measure::O11
                | Measure::O12
                | Measure::O13
                | Measure::O2
                | Measure::O21
                | Measure::O22
                | Measure::O23,
            )
            | None => About::Group(self.people),
            Some(Measure::O31 | Measure::O32 | Measure::O33 | Measure::Custom) => About::Thing,
        }
    }

    /// True when anybody may see how the key result's measure stands in numbers.
    pub(super) fn is_measure_open(&self) -> bool {
        match self.about_measure("current") {
            About::Person => false,
            About::Group(people) => people >= GROUP_MIN,
            About::Thing => true,
        }
    }

    /// True when anybody may see it.
    pub(super) fn is_open(&self, input: &str) -> bool {
        match self.about(input) {
            About::Person => false,
            About::Group(people) => people >= GROUP_MIN,
            About::Thing => true,
        }
    }
}

/// The eligible population that an explain block states.
pub(super) fn population(explain: &pb::Explain) -> Option<usize> {
    let input = explain.inputs.iter().find(|input| input.name == "population")?;
    input.value.parse().ok()
}

/// True when the rule's figures, window and events are one person's.
pub(super) fn is_about_a_person(rule: Option<RuleId>) -> bool {
    match rule {
        Some(
            RuleId::VelocityDropPageLoad
            | RuleId::VelocityDropConcentration
            | RuleId::VelocityDropForecast
            | RuleId::MissedCheckIn
            | RuleId::OwnerAbsence,
        )
        | None => true,
        Some(
            RuleId::VelocityDropPace
            | RuleId::MomentumDecay
            | RuleId::KpiDrift
            | RuleId::DependencyBreach
            | RuleId::ProjectedMiss,
        ) => false,
    }
}
