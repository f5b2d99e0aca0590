//! Publishes a squad's on-call load (`load.assessed`), when it changed since it was last published.
//!
//! Looked at when an hour ends in which a rule looked at the squad; per person by pseudonym only.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_model::Quarter;
use bellwether_model::Ratio;
use bellwether_model::{PersonId, SquadId};
use bellwether_wire::{instant, pb};
use prost::Message as _;
use xxhash_rust::xxh3::xxh3_64;

use super::Pages;
use super::population::Population;
use crate::context::Context;
use crate::measures;

/// Most page sources named for a squad.
const TOP_SOURCES: usize = 5;

/// Publishes the load of a squad if it changed.
pub(crate) fn publish_if_changed(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let now = context.now;
    let assessed = assess(pages, context, squad);
    let fingerprint = xxh3_64(&assessed.encode_to_vec());
    if pages.published.get(squad) == Some(&fingerprint) {
        return;
    }
    pages.published.insert(squad.clone(), fingerprint);
    let id = format!("load/{squad}/{}", now.to_rfc3339());
    let message = pb::LoadAssessed { assessed_at: Some(instant::timestamp(now)), ..assessed };
    context.emit(id, format!("load/{squad}"), message);
}

/// The load of a squad now, without its instant.
pub(crate) fn assess(pages: &Pages, context: &Context<'_>, squad: &SquadId) -> pb::LoadAssessed {
    let now = context.now;
    let population = Population::of(pages, context, squad);
    let engineers = population
        .counts
        .iter()
        .map(|(person, count)| engineer_load(pages, context, person, *count))
        .collect();
    let quarter = context.reference.fiscal(now).map(|fiscal| fiscal.quarter_at(now));
    let weekend = quarter.as_ref().map(|quarter| weekend(pages, context, squad, quarter)).unwrap_or_default();
    let weekend_pages: u32 = weekend.values().sum();
    let mut most: Vec<u32> = weekend.values().copied().collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let top3: u32 = most.iter().take(3).sum();
    let concentrated = population.median().is_some_and(Ratio::is_zero) && population.top() >= 4;
    pb::LoadAssessed {
        squad: squad.to_string(),
        assessed_at: None,
        engineers,
        median: population.median().map(|median| measures::measure(median, 1)),
        ratio: population.ratio().map(|ratio| measures::measure(ratio, 1)),
        concentrated,
        weekend_people: u32::try_from(weekend.len()).unwrap_or(u32::MAX),
        weekend_pages,
        weekend_top3_share: Ratio::new(i128::from(top3), i128::from(weekend_pages))
            .map(|share| measures::measure(share, 2)),
        top_sources: quarter.map(|quarter| top_sources(pages, context, squad, &quarter)).unwrap_or_default(),
        coverage_gaps: Vec::new(),
        eligible: u32::try_from(population.counts.len()).unwrap_or(u32::MAX),
    }
}

/// Distinct engineers with a weekend page, quarter to date, and how many each had (O2.2).
pub(crate) fn weekend(
    pages: &Pages,
    context: &Context<'_>,
    squad: &SquadId,
    quarter: &Quarter,
) -> BTreeMap<PersonId, u32> {
    let mut weekend = BTreeMap::new();
    for (person, at, _) in quarter_pages(pages, context, squad, quarter) {
        if context.reference.is_weekend(&person, at) {
            *weekend.entry(person).or_insert(0) += 1;
        }
    }
    weekend
}

fn engineer_load(pages: &Pages, context: &Context<'_>, person: &PersonId, count: u32) -> pb::EngineerLoad {
    let now = context.now;
    let zone = context.reference.zone_of(person, now);
    let today = zone.local_day(now);
    let (from, to) = (zone.day_start(today.minus(27)), zone.day_start(today.plus(1)));
    let (mut weekend, mut sleep, mut proxy) = (0, 0, 0);
    for (at, _, page) in pages.person(person).into_iter().flat_map(|pages| pages.between(from, to)) {
        let then = context.reference.zone_of(person, at);
        weekend += u32::from(context.reference.is_weekend(person, at));
        sleep += u32::from(measures::is_sleep(context.thresholds(), then.local_minute(at)));
        proxy += u32::from(page.proxy);
    }
    let per_week = Ratio::new(i128::from(count), 4).unwrap_or(Ratio::ZERO);
    pb::EngineerLoad {
        engineer: context.pseudonym(person),
        pages: count,
        weekend_pages: weekend,
        sleep_pages: sleep,
        per_week: per_week.round_half_even(1),
        proxy_pages: proxy,
    }
}

fn top_sources(
    pages: &Pages,
    context: &Context<'_>,
    squad: &SquadId,
    quarter: &Quarter,
) -> Vec<pb::PageSource> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (_, at, page) in quarter_pages(pages, context, squad, quarter) {
        let system = if page.system.is_empty() {
            let found = context.reference.system_of_service(&page.service, at);
            found.map_or_else(|| page.service.to_string(), |(id, _)| id.to_owned())
        } else {
            page.system.to_string()
        };
        *counts.entry(system).or_insert(0) += 1;
    }
    let mut sources: Vec<pb::PageSource> =
        counts.into_iter().map(|(source, pages)| pb::PageSource { source, pages }).collect();
    sources.sort_by(|a, b| (b.pages, &a.source).cmp(&(a.pages, &b.source)));
    sources.truncate(TOP_SOURCES);
    sources
}

/// Pages of the quarter so far of those who were members at the page (R32).
fn quarter_pages<'a>(
    pages: &'a Pages,
    context: &Context<'_>,
    squad: &SquadId,
    quarter: &Quarter,
) -> Vec<(PersonId, EventTime, &'a super::person::Page)> {
    let until = context.now.plus(bellwether_model::Millis::from_ms(1)).min(quarter.end);
    let mut found = Vec::new();
    // Only people of the squad can have pages there: everybody's pages of a quarter are many.
    for person in context.reference.ever_members_of(squad) {
        let theirs = pages.person(person).into_iter().flat_map(|theirs| theirs.between(quarter.start, until));
        for (at, _, page) in theirs {
            let counts = page.counts_in.as_ref().is_none_or(|only| only == squad);
            if counts && context.reference.squads_of(person, at).any(|theirs| theirs == squad) {
                found.push((person.clone(), at, page));
            }
        }
    }
    found
}
