//! A key result that is behind its plan at or after mid-cycle.

use super::{Part, Story};
use crate::redaction::StepView;
use crate::render::words;

/// `velocity-drop.pace`.
pub(super) struct Pace;

impl Story for Pace {
    fn headline(&self, view: &StepView) -> String {
        format!("{} is behind half of its plan", words::key_result(view))
    }

    fn summary(&self, view: &StepView) -> String {
        let floor = words::threshold(view, "pace.floor").map_or("half of its plan", |it| it.value.as_str());
        match words::figure(view, "pace") {
            Some(pace) => format!(
                "{}{} has pace {}; below {floor} at or after mid-cycle it is not expected to arrive.",
                capital(&words::key_result(view)),
                words::of_squad(view),
                words::shown(pace)
            ),
            None => format!(
                "{}{} is below {floor} at or after mid-cycle and is not expected to arrive.",
                capital(&words::key_result(view)),
                words::of_squad(view)
            ),
        }
    }

    fn context(&self, view: &StepView) -> Vec<Part> {
        vec![("Key result", target(view))]
    }

    fn help(&self, _: &StepView) -> Vec<Part> {
        vec![(
            "What you can do",
            vec![
                "Say which of your dependencies on this key result can wait.".into(),
                "Lend somebody who knows the systems it changes.".into(),
            ],
        )]
    }

    fn brief(&self, view: &StepView) -> Vec<Part> {
        vec![("Key result", target(view))]
    }

    fn failure(&self, view: &StepView) -> Vec<String> {
        let mut lines = target(view);
        lines.extend(words::figures(view));
        lines
    }

    fn causes(&self, view: &StepView) -> Vec<String> {
        words::reasons(view)
    }

    fn actions(&self, _: &StepView) -> Vec<String> {
        vec![
            "Cut scope to what still moves the key result this quarter.".into(),
            "Name what blocks it: a dependency, interrupt work, or people on call.".into(),
            "File a check-in with the new confidence.".into(),
        ]
    }

    fn costs(&self, _: &StepView) -> Vec<String> {
        vec!["Missing this key result: not modelled; the cost model has no parameter for it.".into()]
    }

    fn decision(&self, _: &StepView) -> String {
        "Which scope is cut or which people are moved so that it arrives, or that it will not.".into()
    }

    fn options(&self, _: &StepView) -> Vec<String> {
        vec![
            "Cut scope to the part that still arrives. Cost: the rest of the target.".into(),
            "Move people to it. Cost: what they leave; not modelled.".into(),
            "Accept the miss and say so now. Cost: the target.".into(),
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

pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
