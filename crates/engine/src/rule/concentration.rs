//! `velocity-drop.concentration`: the top engineer of a squad carries more than 2.5 times the squad's median (R33).
//!
//! With a median of 0 there is no ratio: a top of at least four pages is `concentrated` and fires. The subject is every
//! engineer who holds the maximum; when the top changes hands the old instance is false and the new one fires.

use bellwether_model::{EventTime, Measure, PersonId, Ratio, RuleId, SquadId, Zone};
use bellwether_wire::pb;

use super::page_load::{PAGES_PER_WEEK, latest, per_week, watched, weeks};
use crate::context::Context;
use crate::explain::{ExplainBuilder, compared};
use crate::instance::{Finding, InstanceKey, Subject, Verdict};
use crate::page::Pages;
use crate::page::population::Population;

/// What a squad's population says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Fewer people than a median needs.
    NoData,
    /// Spread well enough.
    Spread,
    /// The top is this many times the median.
    Above(Ratio),
    /// Half of the squad has no page at all, and the top has several.
    Concentrated,
}

/// Looks at a squad.
pub(crate) fn look(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let population = Population::of(pages, context, squad);
    let reading = read(context, &population);
    let holders: Vec<&PersonId> = match reading {
        Reading::Above(_) | Reading::Concentrated => population.holders().collect(),
        Reading::NoData => return tell_load(pages, context, squad, &population),
        Reading::Spread => Vec::new(),
    };
    let scope = squad.clone().into();
    let running = context.instances.of_scope(RuleId::VelocityDropConcentration, &scope);
    let is_holder = |key: &&InstanceKey| holders.iter().any(|holder| key.subject.plain() == holder.as_str());
    let fallen: Vec<InstanceKey> = running.filter(|key| !is_holder(key)).cloned().collect();
    for old in fallen {
        let person = PersonId::from(old.subject.plain());
        let theirs = pages_of(pages, context, &person, &population);
        let watched = watched(context, per_week(context, theirs));
        if context.is_to_wane(&old, watched) {
            let explain = explain(pages, context, &person, theirs, &population, reading);
            let reason = "no longer the top, or the ratio is back at or below the threshold";
            context.judge(old, Verdict::no(reason, watched, explain));
        }
    }
    for person in holders {
        let key = key(person, squad);
        if !context.stands(&key, watched(context, per_week(context, population.top()))) {
            let finding = finding(pages, context, squad, person, population.top(), &population, reading);
            context.judge(key, Verdict::True(Box::new(finding)));
        }
    }
}

/// Without data an instance stays as it is (R9), but the guard of its L4 looks at the load at present (R72): when that
/// crosses the guard's line, an amendment tells it.
fn tell_load(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId, population: &Population) {
    let scope = squad.clone().into();
    let running = context.instances.of_scope(RuleId::VelocityDropConcentration, &scope);
    for key in running.cloned().collect::<Vec<_>>() {
        let Subject::Engineer(person) = &key.subject else { continue };
        let waning = context.instances.get(&key).is_some_and(|instance| instance.false_since.is_some());
        let theirs = pages_of(pages, context, person, population);
        if !waning && !context.stands(&key, watched(context, per_week(context, theirs))) {
            let finding = finding(pages, context, squad, person, theirs, population, Reading::NoData);
            context.judge(key, Verdict::True(Box::new(finding)));
        }
    }
}

/// The rolling window of an engineer: its zone, its first instant and its end.
fn window(context: &Context<'_>, person: &PersonId) -> (Zone, EventTime, EventTime) {
    let zone = context.reference.zone_of(person, context.now);
    let today = zone.local_day(context.now);
    (zone, zone.day_start(today.minus(27)), zone.day_start(today.plus(1)))
}

fn key(person: &PersonId, squad: &SquadId) -> InstanceKey {
    InstanceKey {
        rule: RuleId::VelocityDropConcentration,
        subject: Subject::Engineer(person.clone()),
        scope: Some(squad.clone().into()),
    }
}

fn read(context: &Context<'_>, population: &Population) -> Reading {
    let thresholds = context.thresholds();
    let people = u32::try_from(population.counts.len()).unwrap_or(u32::MAX);
    if people < thresholds.concentration_minimum_population {
        return Reading::NoData;
    }
    if population.top() < thresholds.concentration_minimum_top_pages {
        return Reading::Spread;
    }
    match population.ratio() {
        None => Reading::Concentrated,
        Some(ratio) if ratio > thresholds.concentration_ratio => Reading::Above(ratio),
        Some(_) => Reading::Spread,
    }
}

fn finding(
    pages: &Pages,
    context: &Context<'_>,
    squad: &SquadId,
    person: &PersonId,
    theirs: u32,
    population: &Population,
    reading: Reading,
) -> Finding {
    let now = context.now;
    let mean = per_week(context, theirs);
    let explain = explain(pages, context, person, theirs, population, reading);
    Finding {
        key_result: context.reference.key_result_of(Measure::O21, squad, now).cloned(),
        id_suffix: Some(squad.to_string()),
        as_of: context.as_of(),
        severity: pb::Severity::Critical,
        explain: explain.build(),
        blast_radius: None,
        squads: vec![squad.to_string()],
        watched: watched(context, mean).to_owned(),
        amend: None,
        second_window: false,
    }
}

/// How an engineer stands in a squad now.
pub(super) fn explain_now(
    pages: &mut Pages,
    context: &Context<'_>,
    squad: &SquadId,
    person: &PersonId,
) -> ExplainBuilder {
    let population = Population::of(pages, context, squad);
    let reading = read(context, &population);
    let theirs = pages_of(pages, context, person, &population);
    explain(pages, context, person, theirs, &population, reading)
}

/// Pages of one engineer: those that count in the squad, or, of somebody who is not of its population any more, all.
fn pages_of(pages: &mut Pages, context: &Context<'_>, person: &PersonId, population: &Population) -> u32 {
    match population.counts.iter().find(|(member, _)| member == person) {
        Some((_, count)) => *count,
        None => pages.now(context, person).map_or(0, |now| now.window.total()),
    }
}

/// The numbers of a population beside one engineer with `theirs` pages, whether or not they are its top.
fn explain(
    pages: &Pages,
    context: &Context<'_>,
    person: &PersonId,
    theirs: u32,
    population: &Population,
    reading: Reading,
) -> ExplainBuilder {
    let now = context.now;
    let thresholds = context.thresholds();
    let top = population.top();
    let median = population.median().unwrap_or(Ratio::ZERO);
    let mean = per_week(context, theirs);
    let median_week = median.checked_div(weeks(context)).unwrap_or(Ratio::ZERO);
    let (zone, from, to) = window(context, person);
    // What the median is of, without whose they are.
    let counts: Vec<String> = population.counts.iter().map(|(_, count)| count.to_string()).collect();
    let counts = counts.join(", ");
    let explain = ExplainBuilder::new(RuleId::VelocityDropConcentration);
    let explain = if theirs == top { explain } else { explain.input("pages", theirs, theirs, "pages", now) };
    let explain = explain
        .input("top-pages", top, top, "pages", now)
        .input("median-pages", median.exact(), median.round_half_even(1), "pages", now)
        .input(PAGES_PER_WEEK, mean.exact(), mean.round_half_even(1), "pages/week", now)
        .input(
            "median-pages-per-week",
            median_week.exact(),
            median_week.round_half_even(1),
            "pages/week",
            now,
        )
        .input("eligible-counts", &counts, &counts, "pages, most first", now)
        .input("population", population.counts.len(), population.counts.len(), "people", now)
        .threshold(thresholds, "concentration.ratio", "x")
        .threshold(thresholds, "concentration.minimum-top-pages", "pages")
        .threshold(thresholds, "concentration.minimum-population", "people")
        .window(from, to, zone.name())
        .events(latest(pages, person, from, to))
        .clears_when(
            "somebody else is the top, or the ratio stays at or below the threshold, for seven days",
        );
    let many = thresholds.concentration_minimum_top_pages;
    let divided = |ratio: Ratio| {
        format!("{top} / {} = {}", median.exact(), compared(ratio, thresholds.concentration_ratio))
    };
    let with_ratio = |explain: ExplainBuilder, ratio: Ratio| {
        explain.input("ratio", ratio.exact(), format!("{}x", ratio.round_half_even(1)), "x", now)
    };
    match reading {
        Reading::Above(_) | Reading::Concentrated if theirs < top => {
            explain.arithmetic(format!("{theirs} pages of the engineer < {top} of the top"))
        }
        Reading::Above(ratio) => with_ratio(explain, ratio).arithmetic(divided(ratio)),
        Reading::Concentrated => explain
            .note("concentrated")
            .arithmetic(format!("median 0 has no ratio; {top} >= {many} pages on one engineer")),
        Reading::Spread => match population.ratio() {
            Some(ratio) if top >= many => with_ratio(explain, ratio).arithmetic(divided(ratio)),
            Some(_) | None => explain.arithmetic(format!("{top} pages of the top < {many}")),
        },
        Reading::NoData => explain.arithmetic(format!(
            "{} eligible people < {}",
            population.counts.len(),
            thresholds.concentration_minimum_population
        )),
    }
}
