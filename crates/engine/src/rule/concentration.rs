//! `velocity-drop.concentration`: the top engineer of a squad carries more than 2.5 times the squad's median (R33).
//!
//! With a median of 0 there is no ratio: a top of at least four pages is `concentrated` and fires. The subject is every
//! engineer who holds the maximum; when the top changes hands the old instance is false and the new one fires.

use std::collections::BTreeSet;

use bellwether_model::{Measure, PersonId, Ratio, RuleId, SquadId};
use bellwether_wire::pb;

use super::page_load::{PAGE_TYPE, PAGES_PER_WEEK, latest, watched, weeks};
use crate::context::Context;
use crate::explain::ExplainBuilder;
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

/// Running instances.
pub(crate) fn running(context: &Context<'_>) -> Vec<InstanceKey> {
    context.instances.keys_where(|key| key.rule == RuleId::VelocityDropConcentration)
}

/// Looks at a squad.
pub(crate) fn look(pages: &Pages, context: &mut Context<'_>, squad: &SquadId) {
    let population = Population::of(pages, context, squad);
    let reading = read(context, &population);
    let holders: BTreeSet<PersonId> = match reading {
        Reading::Above(_) | Reading::Concentrated => population.holders().cloned().collect(),
        Reading::NoData => return,
        Reading::Spread => BTreeSet::new(),
    };
    for old in running(context).into_iter().filter(|key| key.scope == squad.as_str()) {
        if !holders.contains(&PersonId::from(old.subject.plain())) {
            context
                .judge(old, Verdict::no("no longer the top, or the ratio is back at or below the threshold"));
        }
    }
    for person in holders {
        let finding = finding(pages, context, squad, &person, &population, reading);
        context.judge(key(&person, squad), Verdict::True(Box::new(finding)));
    }
}

fn key(person: &PersonId, squad: &SquadId) -> InstanceKey {
    InstanceKey {
        rule: RuleId::VelocityDropConcentration,
        subject: Subject::Engineer(person.to_string()),
        scope: squad.to_string(),
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
    population: &Population,
    reading: Reading,
) -> Finding {
    let now = context.now;
    let thresholds = context.thresholds();
    let top = population.top();
    let median = population.median().unwrap_or(Ratio::ZERO);
    let mean = Ratio::int(i64::from(top)).checked_div(weeks(context)).unwrap_or(Ratio::ZERO);
    let median_week = median.checked_div(weeks(context)).unwrap_or(Ratio::ZERO);
    let zone = context.reference.zone_of(person, now);
    let today = zone.local_day(now);
    let (from, to) = (zone.day_start(today.minus(27)), zone.day_start(today.plus(1)));
    let mut explain = ExplainBuilder::new(RuleId::VelocityDropConcentration)
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
        .input("population", population.counts.len(), population.counts.len(), "people", now)
        .threshold(thresholds, "concentration.ratio", "x")
        .threshold(thresholds, "concentration.minimum-top-pages", "pages")
        .threshold(thresholds, "concentration.minimum-population", "people")
        .window(from, to, zone.name())
        .events(latest(pages, person, from, to).iter().map(|id| (id, PAGE_TYPE)))
        .clears_when(
            "somebody else is the top, or the ratio stays at or below the threshold, for seven days",
        );
    explain = match reading {
        Reading::Above(ratio) => explain
            .input("ratio", ratio.exact(), format!("{}x", ratio.round_half_even(1)), "x", now)
            .arithmetic(format!(
                "{top} / {} = {} > {}",
                median.exact(),
                ratio.round_half_even(2),
                thresholds.concentration_ratio.exact()
            )),
        Reading::Concentrated => explain.note("concentrated").arithmetic(format!(
            "median 0 has no ratio; {top} >= {} pages on one engineer",
            thresholds.concentration_minimum_top_pages
        )),
        Reading::NoData | Reading::Spread => explain,
    };
    Finding {
        key_result: context.reference.key_result_of(Measure::O21, squad, now).cloned(),
        id_suffix: Some(squad.to_string()),
        as_of: context.as_of(),
        severity: pb::Severity::Critical,
        explain: explain.build(),
        blast_radius: None,
        squads: vec![squad.to_string()],
        watched: watched(context, mean),
        amend: None,
        second_window: false,
    }
}
