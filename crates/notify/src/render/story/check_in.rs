//! An update window that closed without a valid check-in.

use super::{Part, Story};
use crate::redaction::StepView;
use crate::render::words;

/// `missed-check-in`.
pub(super) struct CheckIn;

impl Story for CheckIn {
    fn headline(&self, view: &StepView) -> String {
        format!("no valid check-in on {}", words::key_result(view))
    }

    fn summary(&self, view: &StepView) -> String {
        let whom = if words::is_reader(view) { "you".to_owned() } else { words::who(view) };
        format!(
            "The update window of {} closed without a valid check-in from {whom}. One without evidence is not valid.",
            words::key_result(view)
        )
    }

    fn context(&self, view: &StepView) -> Vec<Part> {
        vec![("Key result", described(view))]
    }

    fn help(&self, _: &StepView) -> Vec<Part> {
        vec![(
            "What you can do",
            vec!["Ask whether a decision or a number of yours is what the check-in waits for.".into()],
        )]
    }

    fn brief(&self, view: &StepView) -> Vec<Part> {
        vec![("Key result", described(view))]
    }

    fn failure(&self, _: &StepView) -> Vec<String> {
        vec!["Nobody knows how it stands: without updates its status decays to no data.".into()]
    }

    fn causes(&self, view: &StepView) -> Vec<String> {
        words::reasons(view)
    }

    fn actions(&self, view: &StepView) -> Vec<String> {
        if words::is_reader(view) {
            return vec![
                "File a check-in with a value, or `no change`, and at least one evidence link.".into(),
                "If you cannot, have a named delegate file it.".into(),
            ];
        }
        vec![
            "Have the owner or a named delegate file a check-in with evidence.".into(),
            "Assign an interim owner if nobody can.".into(),
        ]
    }

    fn costs(&self, _: &StepView) -> Vec<String> {
        Vec::new()
    }

    fn decision(&self, _: &StepView) -> String {
        "Who owns this key result from now on, or whether it is dropped.".into()
    }

    fn options(&self, _: &StepView) -> Vec<String> {
        vec![
            "Assign an interim owner. Cost: not modelled.".into(),
            "Drop the key result for this quarter. Cost: what it was to achieve.".into(),
        ]
    }
}

fn described(view: &StepView) -> Vec<String> {
    view.key_result
        .iter()
        .filter(|it| !it.target.is_empty())
        .map(|it| format!("Target: {}", it.target))
        .collect()
}
