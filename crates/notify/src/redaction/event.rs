//! The step itself for a machine: the same message, without what the target's reader may not see.

use bellwether_model::EventTime;
use bellwether_wire::pb;

use super::reach::Reach;
use super::{Error, Readership, Redacted, Showing, figures};
use crate::directory::Directory;

/// The step for a reader. Recipients are never passed on; of a person it is about, the pseudonym only to those who may
/// know the name, because a pseudonym that stays the same lets anybody follow one person through the quarter.
///
/// # Errors
/// When its level is not 1 to 5.
pub fn step_for(
    step: &pb::StepFired,
    time: EventTime,
    readership: &Readership,
    directory: &Directory,
) -> Result<Redacted<pb::StepFired>, Error> {
    let reach = Reach::of(step, time, readership, directory)?;
    let subject = step.subject.as_ref().map(|subject| pb::Subject {
        kind: subject.kind,
        id: subject_id(&reach, subject),
        squad: reach.typed(&subject.squad),
    });
    let typed = |ids: &[String]| ids.iter().map(|id| reach.typed(id)).collect::<Vec<_>>();
    Ok(Redacted(pb::StepFired {
        step: reach.typed(&step.step),
        escalation: reach.typed(&step.escalation),
        trigger: reach.typed(&step.trigger),
        level: step.level,
        due: step.due,
        fired_at: step.fired_at,
        fired_late_by_seconds: step.fired_late_by_seconds,
        audience: typed(&step.audience),
        channels: typed(&step.channels),
        repeat: step.repeat,
        supersedes: step.supersedes.clone(),
        rule: reach.typed(&step.rule),
        key_result: reach.typed(&step.key_result),
        subject,
        squads: typed(&step.squads),
        recipients: Vec::new(),
        added_to: reach.typed(&step.added_to),
        explain: step.explain.as_ref().map(|explain| explained(&reach, explain)),
        blast_radius: step.blast_radius.as_ref().map(|radius| pb::BlastRadius {
            key_results: typed(&radius.key_results),
            tickets: typed(&radius.tickets),
            customer_commitments: typed(&radius.customer_commitments),
            dependencies: typed(&radius.dependencies),
        }),
        started_at: step.started_at,
        function: reach.typed(&step.function),
    }))
}

fn subject_id(reach: &Reach<'_>, subject: &pb::Subject) -> String {
    let is_person = subject.kind() == pb::SubjectKind::Engineer;
    if is_person && reach.showing != Showing::Named { String::new() } else { reach.typed(&subject.id) }
}

fn explained(reach: &Reach<'_>, explain: &pb::Explain) -> pb::Explain {
    let personal = figures::is_about_a_person(reach.rule) && !reach.sees_figures_of_people();
    let inputs = explain.inputs.iter().filter(|input| reach.sees(&input.name));
    pb::Explain {
        rule: reach.typed(&explain.rule),
        rule_version: explain.rule_version,
        inputs: inputs
            .map(|input| pb::ExplainInput {
                name: reach.typed(&input.name),
                value: reach.typed(&input.value),
                display: reach.typed(&input.display),
                unit: reach.typed(&input.unit),
                at: input.at,
            })
            .collect(),
        thresholds: explain
            .thresholds
            .iter()
            .map(|it| pb::ExplainThreshold {
                name: reach.typed(&it.name),
                value: reach.typed(&it.value),
                unit: reach.typed(&it.unit),
                provenance: it.provenance,
            })
            .collect(),
        // The window has the person's own zone and the events are theirs: both point at one person.
        window: explain.window.clone().filter(|_| !personal),
        arithmetic: reach.explained(&explain.arithmetic).unwrap_or_default(),
        events: explain
            .events
            .iter()
            .filter(|_| !personal)
            .map(|it| pb::EventRef {
                source: reach.typed(&it.source),
                id: reach.typed(&it.id),
                r#type: reach.typed(&it.r#type),
            })
            .collect(),
        clears_when: reach.explained(&explain.clears_when).unwrap_or_default(),
        notes: explain.notes.iter().filter_map(|note| reach.explained(note)).collect(),
    }
}
