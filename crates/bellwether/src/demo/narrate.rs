//! Tells what fires, to whom and when. Engineers appear under their pseudonyms; those who are told, by name.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::{self, HashKey};
use bellwether_wire::{Payload, pb};

use super::calendar;

/// The narrator: knows the demo's people, and counts.
#[derive(Debug)]
pub(crate) struct Narrator {
    names: BTreeMap<String, String>,
    /// Triggers fired, by rule.
    pub fired: BTreeMap<String, usize>,
    /// Steps fired, by level; repeats apart.
    pub steps: BTreeMap<u32, usize>,
    /// Repeats of steps.
    pub repeats: usize,
    /// Instances cleared.
    pub cleared: usize,
}

impl Narrator {
    /// A narrator of people by person id.
    pub(crate) fn new(people: &BTreeMap<String, String>) -> Self {
        let names = people
            .iter()
            .map(|(person, name)| (ids::pseudonym(&HashKey::ZERO, person), name.clone()))
            .collect();
        Self { names, fired: BTreeMap::new(), steps: BTreeMap::new(), repeats: 0, cleared: 0 }
    }

    /// The line of an event, when it is worth one.
    pub(crate) fn line(&mut self, event: &Event) -> Option<String> {
        match &event.payload {
            Payload::TriggerFired(message) => {
                *self.fired.entry(message.rule.clone()).or_insert(0) += 1;
                let arithmetic =
                    message.explain.as_ref().map(|explain| explain.arithmetic.as_str()).unwrap_or_default();
                let reach = message.blast_radius.as_ref().map(reach).unwrap_or_default();
                Some(format!(
                    "{}  {:<4}{:<28} {}\n{:>24}{arithmetic}{reach}",
                    when(event.time),
                    message.number,
                    message.rule,
                    subject(message.subject.as_ref(), &message.key_result),
                    "",
                ))
            }
            Payload::TriggerAmended(message) if message.second_window => Some(format!(
                "{}  {:<4}{:<28} {}: {}",
                when(event.time),
                message.number,
                message.rule,
                subject(message.subject.as_ref(), &message.key_result),
                message.change,
            )),
            Payload::TriggerCleared(message) => {
                self.cleared += 1;
                Some(format!(
                    "{}  {:<4}{:<28} {} cleared: {}",
                    when(event.time),
                    message.number,
                    message.rule,
                    subject(message.subject.as_ref(), &message.key_result),
                    message.reason,
                ))
            }
            Payload::StepFired(message) => self.step(event.time, message),
            Payload::StepHeld(message) => Some(format!(
                "{}      L{} is due and held: {}",
                when(event.time),
                message.level,
                message.reason
            )),
            _ => None,
        }
    }

    fn step(&mut self, at: EventTime, message: &pb::StepFired) -> Option<String> {
        if message.repeat > 0 {
            self.repeats += 1;
            return None;
        }
        *self.steps.entry(message.level).or_insert(0) += 1;
        let told: Vec<&str> = message
            .recipients
            .iter()
            .map(|pseudonym| self.names.get(pseudonym).map_or(pseudonym.as_str(), String::as_str))
            .collect();
        let told = if told.is_empty() { "nobody".to_owned() } else { told.join(", ") };
        Some(format!(
            "{}      L{} to {} ({told}) about {} of {}",
            when(at),
            message.level,
            message.audience.join(" and "),
            message.rule,
            subject(message.subject.as_ref(), &message.key_result),
        ))
    }
}

fn when(at: EventTime) -> String {
    let (week, day) = calendar::week_and_day(at);
    let text = at.to_rfc3339();
    format!("week {week:>2} {day} {} {}", &text[5..10], &text[11..16])
}

/// Whom or what it is about; of a squad also which of its key results, because it has several.
fn subject(subject: Option<&pb::Subject>, key_result: &str) -> String {
    let Some(subject) = subject else { return String::new() };
    match subject.kind() {
        pb::SubjectKind::Engineer => format!("engineer {} of {}", subject.id, subject.squad),
        pb::SubjectKind::Squad if !key_result.is_empty() => format!("squad {} ({key_result})", subject.id),
        pb::SubjectKind::Squad => format!("squad {}", subject.id),
        pb::SubjectKind::KeyResult => format!("key result {}", subject.id),
        pb::SubjectKind::Dependency => format!("dependency {}", subject.id),
        pb::SubjectKind::Kpi | pb::SubjectKind::Unspecified => subject.id.clone(),
    }
}

fn reach(radius: &pb::BlastRadius) -> String {
    let all: Vec<&str> =
        [&radius.key_results, &radius.tickets, &radius.customer_commitments, &radius.dependencies]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
    format!("; reaches {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_squad_says_which_of_its_key_results() {
        let of =
            |kind: pb::SubjectKind| pb::Subject { kind: kind.into(), id: "a".into(), ..Default::default() };
        assert_eq!(subject(Some(&of(pb::SubjectKind::Squad)), "kr"), "squad a (kr)");
        assert_eq!(subject(Some(&of(pb::SubjectKind::Squad)), ""), "squad a");
        assert_eq!(subject(Some(&of(pb::SubjectKind::Dependency)), "kr"), "dependency a");
    }
}
