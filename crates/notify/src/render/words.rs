//! Phrases that several messages share.

use bellwether_model::RuleId;

use crate::redaction::view::{Figure, Individual, Seen, Standing, StepView, Threshold};
use crate::text;

/// Items of a list that are shown; the rest is counted.
const SHOWN_MAX: usize = 10;

/// Said in place of figures that the reader may not see.
pub(super) const WITHHELD: &str = "Figures about fewer than five people are not shown here.";

/// The person a step is about, in the middle of a sentence.
pub(super) fn who(view: &StepView) -> String {
    let noun = if is_about_an_owner(view) { "the owner" } else { "an engineer" };
    match &view.individual {
        Some(Individual::Named { name, .. }) => name.clone(),
        Some(Individual::Reader) => "you".to_owned(),
        Some(Individual::Unresolved) => format!("{noun} (unknown to the directory)"),
        // Role and tenure have their own section.
        Some(Individual::RoleAndTenure(_) | Individual::Hidden) | None => noun.to_owned(),
    }
}

/// The same at the beginning of one.
pub(super) fn who_first(view: &StepView) -> String {
    let who = who(view);
    let mut characters = who.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// True when a message addresses the person it is about.
pub(super) fn is_reader(view: &StepView) -> bool {
    matches!(view.individual, Some(Individual::Reader))
}

/// Role and tenure of the individual, where the reader may know them.
pub(super) fn standing(view: &StepView) -> Option<String> {
    match &view.individual {
        Some(Individual::Named { standing, .. } | Individual::RoleAndTenure(standing)) => {
            Some(described(standing))
        }
        Some(Individual::Reader | Individual::Hidden | Individual::Unresolved) | None => None,
    }
}

fn is_about_an_owner(view: &StepView) -> bool {
    matches!(view.rule, Some(RuleId::MissedCheckIn | RuleId::OwnerAbsence))
}

fn described(standing: &Standing) -> String {
    let role = if standing.role.is_empty() { "role not recorded" } else { &standing.role };
    let tenure = match standing.years {
        None => "tenure not recorded".to_owned(),
        Some(0) => "less than a year here".to_owned(),
        Some(years) => format!("{} here", text::count(usize::try_from(years).unwrap_or(0), "year", "years")),
    };
    format!("{role}, {tenure}")
}

/// ` of Payments`, or nothing where no squad is known.
pub(super) fn of_squad(view: &StepView) -> String {
    if view.squad.is_empty() { String::new() } else { format!(" of {}", view.squad) }
}

/// The key result with its title in quotes.
pub(super) fn key_result(view: &StepView) -> String {
    match &view.key_result {
        Some(it) if it.measure.is_empty() || it.measure == "custom" => {
            format!("key result \u{201c}{}\u{201d}", it.title)
        }
        Some(it) => format!("key result {} \u{201c}{}\u{201d}", it.measure, it.title),
        None => "a key result".to_owned(),
    }
}

/// How the key result stands, where that is known.
pub(super) fn standing_of_key_result(view: &StepView) -> Vec<String> {
    let Some((it, state)) = view.key_result.as_ref().and_then(|it| Some((it, it.state.as_ref()?))) else {
        return Vec::new();
    };
    let at = state.assessed_at.map(|at| format!(" on {}", text::moment(at, view.zone))).unwrap_or_default();
    let why = state.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut lines = vec![format!("\u{201c}{}\u{201d} was {}{at}{why}.", it.title, state.status)];
    let mut numbers = Vec::new();
    numbers.extend(state.value.as_ref().map(|value| format!("present value {value}")));
    let has_target = state.value.is_some() && !it.target.is_empty();
    numbers.extend(has_target.then(|| format!("target {}", it.target)));
    numbers.extend(state.pace.as_ref().map(|pace| format!("pace {pace}")));
    numbers
        .extend(state.projected.as_ref().map(|share| format!("projected completion {share} of the target")));
    if !numbers.is_empty() {
        lines.push(format!("In numbers: {}.", numbers.join("; ")));
    }
    if state.withheld {
        lines.push("Its figures are left out here.".to_owned());
    }
    lines
}

/// Name of the figure that says since when a condition does not hold, of a trigger that has not cleared yet.
pub(super) const CONDITION_FALSE_SINCE: &str = "condition-false-since";

/// A figure the reader may see.
pub(super) fn figure<'a>(view: &'a StepView, name: &str) -> Option<&'a Figure> {
    view.figures.iter().find(|figure| figure.name == name)
}

/// Its value, with its unit unless that is in it already.
pub(super) fn shown(figure: &Figure) -> String {
    with_unit(&figure.display, &figure.unit)
}

fn with_unit(value: &str, unit: &str) -> String {
    match unit {
        "" => value.to_owned(),
        _ if value.ends_with(unit) => value.to_owned(),
        "x" => format!("{value}x"),
        _ => format!("{value} {unit}"),
    }
}

/// A threshold by its configuration key.
pub(super) fn threshold<'a>(view: &'a StepView, name: &str) -> Option<&'a Threshold> {
    view.thresholds.iter().find(|threshold| threshold.name == name)
}

/// All figures, one a line.
pub(super) fn figures(view: &StepView) -> Vec<String> {
    let line = |it: &Figure| {
        let label = it.name.replace('-', " ");
        // `pages per week: 7.2` has said its unit.
        let said = label.contains(&it.unit.replace('/', " per "));
        let value = if said { it.display.clone() } else { shown(it) };
        format!("{label}: {value}")
    };
    let mut lines: Vec<String> = view.figures.iter().map(line).collect();
    if view.figures_withheld {
        lines.push(WITHHELD.to_owned());
    }
    lines
}

/// All thresholds, one a line, with where each comes from.
pub(super) fn thresholds(view: &StepView) -> Vec<String> {
    let line = |it: &Threshold| {
        let provenance =
            if it.provenance.is_empty() { String::new() } else { format!("; provenance: {}", it.provenance) };
        format!("{} ({}{provenance})", with_unit(&it.value, &it.unit), it.name)
    };
    view.thresholds.iter().map(line).collect()
}

/// The arithmetic, where it may be shown, and what would clear it.
pub(super) fn reasons(view: &StepView) -> Vec<String> {
    let arithmetic = view.arithmetic.iter().cloned();
    let notes = view.notes.iter().map(|note| format!("Note: {note}"));
    let clears = view.clears_when.iter().map(|text| format!("Clears when: {text}"));
    arithmetic.chain(notes).chain(clears).collect()
}

/// Lines of something that may be withheld or unknown; `none` is said when it is known to be empty.
pub(super) fn seen<T>(seen: &Seen<Vec<T>>, none: &str, line: impl Fn(&T) -> String) -> Vec<String> {
    match seen {
        Seen::Shown(items) if items.is_empty() => vec![none.to_owned()],
        Seen::Shown(items) => bounded(items.iter().map(line).collect()),
        Seen::Withheld => vec![WITHHELD.to_owned()],
        Seen::Unknown(why) => vec![not_seen(why)],
    }
}

/// Said where something could not be seen.
pub(super) fn not_seen(why: &str) -> String {
    format!("Not visible: {why}.")
}

/// At most [`SHOWN_MAX`] lines, and how many are left out.
pub(super) fn bounded(mut lines: Vec<String>) -> Vec<String> {
    let left = lines.len().saturating_sub(SHOWN_MAX);
    if left > 0 {
        lines.truncate(SHOWN_MAX);
        lines.push(format!("and {left} more"));
    }
    lines
}
