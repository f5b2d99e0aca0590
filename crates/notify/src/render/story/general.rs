//! Any other rule: what its explain block says, in its own terms.

use bellwether_model::RuleId;

use super::pace::capital;
use super::{Part, Story};
use crate::redaction::StepView;
use crate::render::words;

/// Rules without words of their own, and rules this version does not know.
pub(super) struct General;

impl Story for General {
    fn headline(&self, view: &StepView) -> String {
        let (key_result, of) = (words::key_result(view), words::of_squad(view));
        match view.rule {
            Some(RuleId::MomentumDecay) => format!("momentum{of} worsens sprint after sprint"),
            Some(RuleId::KpiDrift) if view.thing.is_empty() => format!("an operating indicator drifts{of}"),
            Some(RuleId::KpiDrift) => format!("{} drifts while {key_result} is green", view.thing),
            Some(RuleId::OwnerAbsence) => format!("no progress by {} of {key_result}", words::who(view)),
            Some(RuleId::ProjectedMiss) => format!("{key_result} is projected to miss its target"),
            _ => format!("rule {} fired{of}", view.rule_name),
        }
    }

    fn summary(&self, view: &StepView) -> String {
        match view.rule {
            Some(RuleId::OwnerAbsence) => format!(
                "Five full business days passed without owner-driven progress on {}.",
                words::key_result(view)
            ),
            Some(RuleId::ProjectedMiss) => format!(
                "At its present course {} ends the quarter below the threshold of its target.",
                words::key_result(view)
            ),
            Some(RuleId::MomentumDecay) => format!(
                "A series{} has worsened over two sprint-to-sprint steps in a row.",
                words::of_squad(view)
            ),
            _ => format!("{} and holds.", capital(&self.headline(view))),
        }
    }

    fn context(&self, view: &StepView) -> Vec<Part> {
        vec![("Key result", target(view))]
    }

    fn help(&self, view: &StepView) -> Vec<Part> {
        let squad = if view.squad.is_empty() { "the squad" } else { &view.squad };
        vec![(
            "What you can do",
            vec![format!("Ask {squad} what you could take over, lend or stop asking for.")],
        )]
    }

    fn brief(&self, view: &StepView) -> Vec<Part> {
        self.context(view)
    }

    fn failure(&self, view: &StepView) -> Vec<String> {
        let mut lines = target(view);
        lines.extend(words::figures(view));
        lines
    }

    fn causes(&self, view: &StepView) -> Vec<String> {
        let reasons = words::reasons(view);
        if reasons.is_empty() {
            vec![words::not_seen("the trigger carries no explanation for this reader")]
        } else {
            reasons
        }
    }

    fn actions(&self, view: &StepView) -> Vec<String> {
        match view.rule {
            Some(RuleId::OwnerAbsence) if words::is_reader(view) => {
                vec!["Check in, or hand the key result to an interim owner while you are away.".into()]
            }
            Some(RuleId::OwnerAbsence) => vec!["Assign an interim owner, or have the owner check in.".into()],
            Some(RuleId::ProjectedMiss) => vec![
                "Re-plan it to what still arrives, or move people to it.".into(),
                "File a check-in with the new confidence.".into(),
            ],
            _ => vec![
                "Look at the numbers and the thresholds above and decide whether to act or to snooze.".into(),
            ],
        }
    }

    fn costs(&self, _: &StepView) -> Vec<String> {
        vec!["Not modelled: the cost model has no parameter for it.".into()]
    }

    fn decision(&self, view: &StepView) -> String {
        format!("What is done about {}, by whom, until when.", words::key_result(view))
    }

    fn options(&self, _: &StepView) -> Vec<String> {
        vec![
            "Act on the cause above. Cost: not modelled.".into(),
            "Accept it and lower the target. Cost: the difference; not modelled.".into(),
        ]
    }
}

fn target(view: &StepView) -> Vec<String> {
    view.key_result
        .iter()
        .filter(|it| !it.target.is_empty())
        .map(|it| format!("Target: {}", it.target))
        .collect()
}
