//! A cross-squad dependency that passed its agreed instant, or whose blocker stays open.

use super::{Part, Story};
use crate::redaction::StepView;
use crate::render::words;
use crate::text;

/// `dependency-breach`.
pub(super) struct Dependency;

impl Story for Dependency {
    fn headline(&self, view: &StepView) -> String {
        format!("dependency {} breached{}", name(view), between(view))
    }

    fn summary(&self, view: &StepView) -> String {
        let (provider, consumer) = sides(view);
        let reached = reached(view);
        let reaches =
            if reached.is_empty() { String::new() } else { format!(" It reaches {}.", text::list(&reached)) };
        format!("{provider} owes {consumer} the dependency {}, and it is not delivered.{reaches}", name(view))
    }

    fn context(&self, view: &StepView) -> Vec<Part> {
        blast_radius(view)
    }

    fn help(&self, view: &StepView) -> Vec<Part> {
        let (provider, _) = sides(view);
        let mut parts = vec![(
            "What you can do",
            vec![format!("Say whether you could deliver a part of it, or take work off {provider}.")],
        )];
        parts.extend(blast_radius(view));
        parts
    }

    fn brief(&self, view: &StepView) -> Vec<Part> {
        blast_radius(view)
    }

    fn failure(&self, view: &StepView) -> Vec<String> {
        blast_radius(view)
            .into_iter()
            .map(|(heading, items)| format!("{heading}: {}.", text::list(&items)))
            .collect()
    }

    fn causes(&self, view: &StepView) -> Vec<String> {
        words::reasons(view)
    }

    fn actions(&self, view: &StepView) -> Vec<String> {
        let (provider, consumer) = sides(view);
        vec![
            format!("{provider}: deliver it, or agree a new date with {consumer} today."),
            format!("{consumer}: say what can go on without it, and re-plan the rest."),
            "Tell the holders of the customer commitments above before they ask.".into(),
        ]
        .into_iter()
        .take(if has_commitments(view) { 3 } else { 2 })
        .collect()
    }

    fn costs(&self, _: &StepView) -> Vec<String> {
        vec!["The delay: not modelled; the cost model has no parameter for it.".into()]
    }

    fn decision(&self, view: &StepView) -> String {
        let (provider, consumer) = sides(view);
        format!("A new date that {provider} commits to, or that {consumer} goes on without it.")
    }

    fn options(&self, view: &StepView) -> Vec<String> {
        let (provider, consumer) = sides(view);
        vec![
            format!("{provider} drops other work and delivers. Cost: that work; not modelled."),
            format!("{consumer} builds a substitute. Cost: not modelled."),
            "Move what depends on it, customer commitments included. Cost: not modelled.".into(),
        ]
    }
}

fn name(view: &StepView) -> String {
    if view.thing.is_empty() { "(no id)".to_owned() } else { format!("\u{201c}{}\u{201d}", view.thing) }
}

fn sides(view: &StepView) -> (String, String) {
    let side = |place: usize, unknown: &str| {
        view.squads
            .get(place)
            .filter(|squad| !squad.is_empty())
            .cloned()
            .unwrap_or_else(|| unknown.to_owned())
    };
    (side(0, "The provider"), side(1, "the consumer"))
}

fn between(view: &StepView) -> String {
    match &view.squads[..] {
        [provider, consumer, ..] => format!(" by {provider}, needed by {consumer}"),
        [provider] => format!(" by {provider}"),
        [] => String::new(),
    }
}

fn has_commitments(view: &StepView) -> bool {
    view.blast_radius.as_ref().is_some_and(|radius| !radius.commitments.is_empty())
}

/// How much it reaches, in counts.
fn reached(view: &StepView) -> Vec<String> {
    let Some(radius) = &view.blast_radius else { return Vec::new() };
    let counts = [
        (radius.key_results.len(), "key result", "key results"),
        (radius.tickets.len(), "ticket", "tickets"),
        (radius.commitments.len(), "customer commitment", "customer commitments"),
        (radius.dependencies.len(), "further dependency", "further dependencies"),
    ];
    counts.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| text::count(n, one, many)).collect()
}

fn blast_radius(view: &StepView) -> Vec<Part> {
    let Some(radius) = &view.blast_radius else {
        return vec![("Blast radius", vec![words::not_seen("the trigger carries none")])];
    };
    let parts = [
        ("Key results it reaches", &radius.key_results),
        ("Customer commitments it reaches", &radius.commitments),
        ("Tickets it reaches", &radius.tickets),
        ("Further dependencies", &radius.dependencies),
    ];
    let filled = parts.into_iter().filter(|(_, items)| !items.is_empty());
    filled.map(|(heading, items)| (heading, words::bounded(items.clone()))).collect()
}
