//! On-call load: above the limit, concentrated on one engineer, or on its way there.

use bellwether_model::{Millis, RuleId};

use super::{Part, Story};
use crate::redaction::StepView;
use crate::redaction::view::{Cost, KeyResultView, Seen, Shareable, ThinSystem, UnfilledSlot};
use crate::render::words;
use crate::text;

/// The page rules.
pub(super) struct Page;

/// The window in which an overloaded engineer burns out or leaves, `modeled`: four to six weeks.
const BURNOUT_FROM: Millis = Millis::days(28);
const BURNOUT_UNTIL: Millis = Millis::days(42);

const LIMIT: &str = "page-load.pages-per-week";
const RATIO: &str = "concentration.ratio";

impl Story for Page {
    fn headline(&self, view: &StepView) -> String {
        let (who, of) = (words::who(view), words::of_squad(view));
        match view.rule {
            Some(RuleId::VelocityDropConcentration) => format!("on-call pages concentrated on {who}{of}"),
            Some(RuleId::VelocityDropForecast) => {
                format!("on-call load of {who}{of} about to pass {} pages a week", limit(view))
            }
            _ => format!("on-call load of {who}{of} above {} pages a week", limit(view)),
        }
    }

    fn summary(&self, view: &StepView) -> String {
        match view.rule {
            Some(RuleId::VelocityDropConcentration) => concentration(view),
            Some(RuleId::VelocityDropForecast) => forecast(view),
            _ => load(view),
        }
    }

    fn context(&self, view: &StepView) -> Vec<Part> {
        vec![("Page sources of the squad, quarter to date", sources(view))]
    }

    fn help(&self, view: &StepView) -> Vec<Part> {
        vec![
            ("Borrowing from rotations", borrowing(view)),
            ("Sharing knowledge", sharing(view)),
            ("Systems that could be re-mapped", remapping(view)),
        ]
    }

    fn brief(&self, view: &StepView) -> Vec<Part> {
        let from = text::day(view.started_at.plus(BURNOUT_FROM), view.zone);
        let until = text::day(view.started_at.plus(BURNOUT_UNTIL), view.zone);
        vec![
            ("Page sources of the squad, quarter to date", sources(view)),
            (
                "Systems that route only to them",
                words::seen(&view.only_them, "None: every system has somebody else.", String::clone),
            ),
            ("Unfilled rotation slots in adjacent squads", slots(view)),
            (
                "Burnout window",
                vec![format!("4 to 6 weeks from the start of this escalation (modeled): {from} to {until}.")],
            ),
        ]
    }

    fn failure(&self, view: &StepView) -> Vec<String> {
        let at_risk =
            |it: &KeyResultView| format!("At risk: {} (target {}).", words::key_result(view), it.target);
        let mut lines: Vec<String> = view.key_result.iter().map(at_risk).collect();
        match view.level.number() {
            4 => lines.push(
                "The load is still at or above the line of this level, 6 pages a week by default.".into(),
            ),
            5 => lines.push("It holds for as many engineers of the function at once as this level asks for, two by default.".into()),
            _ => {}
        }
        lines
    }

    fn causes(&self, view: &StepView) -> Vec<String> {
        let mut lines: Vec<String> =
            sources(view).into_iter().map(|line| format!("Page source: {line}")).collect();
        lines.extend(thin(view));
        lines
    }

    fn actions(&self, view: &StepView) -> Vec<String> {
        let mut lines = Vec::new();
        if let Seen::Shown(shareable) = &view.shareable {
            lines.extend(shareable.iter().take(3).map(|it| {
                format!(
                    "Route part of the pages of {} to {}, where people are trained for it.",
                    it.system,
                    text::list(&it.squads)
                )
            }));
        }
        if let Seen::Shown(systems) = &view.thin_systems {
            lines.extend(
                systems
                    .iter()
                    .take(3)
                    .map(|it| format!("Train responders for {} until it has three.", it.system)),
            );
        }
        if let Seen::Shown(slots) = &view.unfilled
            && !slots.is_empty()
        {
            lines.push("Fill the open rotation slots of adjacent squads before borrowing from them.".into());
        }
        lines.push(
            "Put 20 % of the squad's capacity into runbooks and automation for the top page sources.".into(),
        );
        lines
    }

    fn costs(&self, view: &StepView) -> Vec<String> {
        vec![cost("Replacing the engineer, modelled", &view.replacement_cost)]
    }

    fn decision(&self, view: &StepView) -> String {
        let squad = if view.squad.is_empty() { "the squad" } else { &view.squad };
        format!("Who takes on-call load off {squad}, from when, and what is put on hold for it.")
    }

    fn options(&self, view: &StepView) -> Vec<String> {
        vec![
            format!(
                "Re-map systems and borrow rotation slots from {}. Cost: their capacity; not modelled.",
                if view.neighbours.is_empty() { "other squads".into() } else { text::list(&view.neighbours) }
            ),
            cost("Train responders so that every thin system has one more. Cost", &view.training_cost),
            "Freeze feature work of the squad for a sprint and spend it on the top page sources. Cost: one sprint's \
             commitment; not modelled."
                .into(),
            cost("Do nothing and carry the risk of losing the engineer. Cost, modelled", &view.replacement_cost),
        ]
    }
}

fn limit(view: &StepView) -> &str {
    words::threshold(view, LIMIT).map_or("the configured", |it| it.value.as_str())
}

fn has(view: &StepView) -> &'static str {
    if words::is_reader(view) { "have" } else { "has" }
}

fn load(view: &StepView) -> String {
    let (who, of) = (words::who_first(view), words::of_squad(view));
    match (words::figure(view, "pages"), words::figure(view, "pages-per-week")) {
        (Some(pages), Some(mean)) => format!(
            "{who}{of} {} {} pages in 28 days, {} a week; the limit is {}.",
            has(view),
            pages.display,
            mean.display,
            limit(view)
        ),
        _ => format!("{who}{of} is above the limit of {} pages a week over the last 28 days.", limit(view)),
    }
}

fn concentration(view: &StepView) -> String {
    let (who, of) = (words::who_first(view), words::of_squad(view));
    let line = words::threshold(view, RATIO).map_or("the configured", |it| it.value.as_str());
    // Somebody else is the top where the engineer has a figure of their own.
    let theirs = words::figure(view, "pages").or_else(|| words::figure(view, "top-pages"));
    let top = theirs.zip(words::figure(view, "median-pages"));
    match (top, words::figure(view, "ratio")) {
        (Some((top, median)), Some(ratio)) => format!(
            "{who}{of} {} {} pages in 28 days, {} the squad's median of {}; the threshold is {line}x.",
            has(view),
            top.display,
            ratio.display,
            median.display
        ),
        (Some((top, median)), None) => format!(
            "{who}{of} {} {} pages in 28 days while the squad's median is {}.",
            has(view),
            top.display,
            median.display
        ),
        (None, Some(ratio)) => format!(
            "The most-paged engineer{of} carries {} the squad's median; the threshold is {line}x.",
            ratio.display
        ),
        (None, None) => format!("One engineer{of} carries more than {line}x the squad's median of pages."),
    }
}

fn forecast(view: &StepView) -> String {
    let (who, of) = (words::who_first(view), words::of_squad(view));
    match (words::figure(view, "pages-of-the-last-week"), words::figure(view, "first-day")) {
        (Some(recent), Some(day)) => format!(
            "{who}{of} {} {} pages in the last 7 days; at that rate the 28-day mean passes {} a week on day {} from today.",
            has(view),
            recent.display,
            limit(view),
            day.display
        ),
        _ => format!(
            "At the present rate the on-call load of {}{of} passes {} pages a week within 14 days.",
            words::who(view),
            limit(view)
        ),
    }
}

fn sources(view: &StepView) -> Vec<String> {
    words::seen(&view.sources, "No page has a known source.", |it| {
        format!(
            "{}: {}",
            it.source,
            text::count(usize::try_from(it.pages).unwrap_or(usize::MAX), "page", "pages")
        )
    })
}

fn slots(view: &StepView) -> Vec<String> {
    let line = |it: &UnfilledSlot| {
        format!("{}: {} to {}", it.squad, text::moment(it.start, view.zone), text::moment(it.end, view.zone))
    };
    words::seen(&view.unfilled, "None.", line)
}

fn borrowing(view: &StepView) -> Vec<String> {
    if view.neighbours.is_empty() {
        return vec!["No squad shares the same parent unit.".into()];
    }
    let mut lines =
        vec![format!("Squads that could lend a rotation slot: {}.", text::list(&view.neighbours))];
    if let Seen::Shown(open) = &view.unfilled {
        let squads: std::collections::BTreeSet<&str> = open.iter().map(|slot| slot.squad.as_str()).collect();
        lines.extend(squads.into_iter().map(|squad| format!("{squad} has open slots of its own.")));
    }
    lines
}

fn sharing(view: &StepView) -> Vec<String> {
    words::seen(
        &view.thin_systems,
        "Every system has at least three trained responders.",
        |it: &ThinSystem| format!("{} has fewer than three trained responders: pair on it.", it.system),
    )
}

fn remapping(view: &StepView) -> Vec<String> {
    words::seen(&view.shareable, "No neighbour has a trained responder for any of them.", |it: &Shareable| {
        format!("{}: {} could answer for it.", it.system, text::list(&it.squads))
    })
}

fn thin(view: &StepView) -> Vec<String> {
    words::seen(&view.thin_systems, "Every system has at least three trained responders.", |it| {
        match it.trained {
            Some(trained) => {
                format!(
                    "{} has {}.",
                    it.system,
                    text::count(trained, "trained responder", "trained responders")
                )
            }
            None => format!("{} has fewer than three trained responders.", it.system),
        }
    })
}

fn cost(label: &str, seen: &Seen<Cost>) -> String {
    match seen {
        Seen::Shown(cost) => format!("{label}: {} = {}.", cost.amount, cost.formula),
        Seen::Withheld => format!("{label}: not shown here."),
        Seen::Unknown(why) => format!("{label}: not modelled; {why}."),
    }
}
