//! What one reader is entitled to for one step: the grant of the table, settled once and asked everywhere.

use bellwether_model::{Audience, EventTime, Level, Measure, RuleId};
use bellwether_wire::{instant, pb};

use super::figures::{self, Scope};
use super::{Error, GROUP_MIN, Readership, Showing, showing};
use crate::directory::{Directory, home_squad};
use crate::text::tidy;

/// A step, its directory and what the reader may see of both.
pub(super) struct Reach<'a> {
    pub(super) step: &'a pb::StepFired,
    pub(super) directory: &'a Directory,
    /// Instant of the step, at which the directory is asked.
    pub(super) at: EventTime,
    pub(super) level: Level,
    pub(super) rule: Option<RuleId>,
    pub(super) showing: Showing,
    pub(super) scope: Scope,
    /// Person id of the individual, where there is one and the directory knows them.
    pub(super) individual: Option<&'a str>,
    /// True when the reader is the individual.
    pub(super) reads_about_themselves: bool,
}

impl<'a> Reach<'a> {
    pub(super) fn of(
        step: &'a pb::StepFired,
        time: EventTime,
        readership: &Readership,
        directory: &'a Directory,
    ) -> Result<Self, Error> {
        let level = u8::try_from(step.level).ok().and_then(Level::new).ok_or(Error::Level(step.level))?;
        let at = instant::optional(step.fired_at.as_ref()).unwrap_or(time);
        let rule = RuleId::parse(&step.rule).ok();
        let individual = individual(step, rule, directory, at);
        let private = !readership.medium.peers_can_read();
        let is_individual = readership.person.is_some() && readership.person.as_deref() == individual;
        let as_owner = is_owner_rule(rule) && readership.audiences == [Audience::KeyResultOwner];
        let squad = home_squad(step);
        let people =
            if squad.is_empty() { directory.headcount(at) } else { directory.members(squad, at).len() };
        let measure = directory.key_result(&step.key_result, at).map(|it| it.measure.as_str());
        Ok(Self {
            step,
            directory,
            at,
            level,
            rule,
            showing: showing(level, &readership.audiences, readership.medium),
            scope: Scope {
                rule,
                measure: measure.and_then(|name| Measure::parse(name).ok()),
                people,
                population: step.explain.as_ref().and_then(figures::population),
            },
            individual,
            reads_about_themselves: private && (is_individual || as_owner),
        })
    }

    /// True when the reader may see the individual's figures.
    pub(super) fn sees_figures_of_people(&self) -> bool {
        self.showing == Showing::Named || self.reads_about_themselves
    }

    /// True when the reader may see this input.
    pub(super) fn sees(&self, input: &str) -> bool {
        self.sees_figures_of_people() || self.scope.is_open(input)
    }

    /// True when the reader may see how the key result stands in numbers; its status alone is published.
    pub(super) fn sees_key_result_figures(&self) -> bool {
        self.sees_figures_of_people() || self.scope.is_measure_open()
    }

    /// True when the reader may see figures about the whole squad.
    pub(super) fn sees_squad_figures(&self, people: usize) -> bool {
        self.showing == Showing::Named || people >= GROUP_MIN
    }

    /// True when no input is kept from the reader, so that text made of them may be shown.
    pub(super) fn sees_everything(&self) -> bool {
        let inputs = self.step.explain.iter().flat_map(|explain| &explain.inputs);
        self.sees_figures_of_people()
            || (!figures::is_about_a_person(self.rule) && inputs.into_iter().all(|it| self.sees(&it.name)))
    }

    /// True when the step is about one person: an engineer, or the owner of a silent key result.
    pub(super) fn names_a_person(&self) -> bool {
        let subject = self.step.subject.as_ref();
        is_owner_rule(self.rule) || subject.is_some_and(|it| it.kind() == pb::SubjectKind::Engineer)
    }

    /// Text that somebody typed, for this reader.
    pub(super) fn typed(&self, text: &str) -> String {
        let allowed = match self.showing {
            Showing::Named => self.individual,
            Showing::Hidden | Showing::RoleAndTenure => None,
        };
        // Scrubbed before it is cut, so that no half of a name is left at the end; and once more after invisible
        // characters that may have stood inside a name are gone.
        let scrubber = self.directory.scrubber();
        scrubber.scrub(&tidy(&scrubber.scrub(text, allowed)), allowed)
    }

    /// Text of the explain block that may hold figures: shown with them, and otherwise only where it has no digit.
    pub(super) fn explained(&self, text: &str) -> Option<String> {
        let plain = !text.chars().any(char::is_numeric);
        (!text.is_empty() && (plain || self.sees_everything())).then(|| self.typed(text))
    }

    /// Name of a squad; its id where none is known.
    pub(super) fn squad_name(&self, squad: &str) -> String {
        let recorded = self.directory.squad(squad, self.at).map(|it| it.name.as_str());
        self.typed(recorded.filter(|name| !name.is_empty()).unwrap_or(squad))
    }
}

/// The person a step is about: the engineer of a page rule, the owner of a silent key result.
fn individual<'a>(
    step: &'a pb::StepFired,
    rule: Option<RuleId>,
    directory: &'a Directory,
    at: EventTime,
) -> Option<&'a str> {
    let subject = step.subject.as_ref();
    if let Some(subject) = subject.filter(|subject| subject.kind() == pb::SubjectKind::Engineer) {
        return directory.resolve(&subject.id);
    }
    directory.owner(&step.key_result, at).filter(|_| is_owner_rule(rule))
}

/// True for the rules about what the owner of a key result did not do.
fn is_owner_rule(rule: Option<RuleId>) -> bool {
    matches!(rule, Some(RuleId::MissedCheckIn | RuleId::OwnerAbsence))
}
