//! Publishes a squad's on-call load (`load.assessed`), when it changed since it was last published.
//!
//! Per person by pseudonym only. Due when the hour ends in which a page of the squad changed, unless it was published
//! less than [`LEAST_BETWEEN`] ago; at once when a page rule says something of the squad.

use std::sync::Arc;

use bellwether_model::EventTime;
use bellwether_model::Ratio;
use bellwether_model::{Millis, SquadId};
use bellwether_wire::{instant, pb};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Pages;
use super::person::Now;
use super::population::Population;
use super::quarter::QuarterPages;
use crate::context::Context;
use crate::deadlines::Deadline;
use crate::measures;
use crate::order::next_hour;

/// Most page sources named for a squad.
const TOP_SOURCES: usize = 5;
/// A squad with pages at every hour is published four times a day, and with each of its triggers: who needs each page
/// reads the page topic.
const LEAST_BETWEEN: Millis = Millis::hours(6);

/// What was published of a squad's load.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Published {
    at: Option<EventTime>,
    fingerprint: u64,
    /// When it is looked at next.
    due: Option<EventTime>,
}

/// The load of a squad may have changed: it is due when the hour ends, not too soon after the last time.
pub(crate) fn changed(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let (now, load) = (context.now, entry(pages, squad));
    if load.due.is_none() {
        let hour = next_hour(now);
        let due = load.at.map_or(hour, |last| hour.max(last.plus(LEAST_BETWEEN)));
        load.due = Some(due);
        context.deadlines.set(due, Deadline::Load(squad.clone()));
    }
}

/// Has the load of a squad looked at when this instant is complete.
pub(crate) fn look_now(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let (now, load) = (context.now, entry(pages, squad));
    if let Some(due) = load.due.replace(now) {
        context.deadlines.cancel(due, Deadline::Load(squad.clone()));
    }
    context.deadlines.set(now, Deadline::Load(squad.clone()));
}

/// Publishes the load of a squad if it changed.
pub(crate) fn publish_if_changed(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let now = context.now;
    let assessed = assess(pages, context, squad);
    let fingerprint = xxh3_64(&assessed.encode_to_vec());
    let load = entry(pages, squad);
    load.due = None;
    if load.fingerprint == fingerprint {
        return;
    }
    load.fingerprint = fingerprint;
    load.at = Some(now);
    let id = format!("load/{squad}/{}", now.to_rfc3339());
    let message = pb::LoadAssessed { assessed_at: Some(instant::timestamp(now)), ..assessed };
    context.emit(id, format!("load/{squad}"), message);
}

fn entry<'a>(pages: &'a mut Pages, squad: &SquadId) -> &'a mut Published {
    pages.loads.of(squad)
}

/// The load of a squad now, without its instant.
fn assess(pages: &mut Pages, context: &Context<'_>, squad: &SquadId) -> pb::LoadAssessed {
    let now = context.now;
    let population = Population::of(pages, context, squad);
    let engineers = population.counts.iter().filter_map(|(person, count)| {
        let now = pages.now(context, person)?;
        Some(engineer_load(&now, *count))
    });
    let engineers = engineers.collect();
    let quarter = context.reference.quarter_at(now, now);
    let Pages { quarters, people, latest, .. } = pages;
    let to_date =
        quarter.map(|quarter| quarters.of(context, people, *latest, squad, &quarter)).unwrap_or_default();
    let weekend_pages: u32 = to_date.weekend.values().sum();
    let mut most: Vec<u32> = to_date.weekend.values().copied().collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let top3: u32 = most.iter().take(3).sum();
    let thresholds = context.thresholds();
    let eligible = u32::try_from(population.counts.len()).unwrap_or(u32::MAX);
    // A median of fewer people is no data (R32).
    let is_enough = eligible >= thresholds.concentration_minimum_population;
    let median = population.median().filter(|_| is_enough);
    let concentrated =
        median.is_some_and(Ratio::is_zero) && population.top() >= thresholds.concentration_minimum_top_pages;
    pb::LoadAssessed {
        squad: squad.to_string(),
        assessed_at: None,
        engineers,
        median: median.map(|median| measures::measure(median, 1)),
        ratio: population.ratio().filter(|_| is_enough).map(|ratio| measures::measure(ratio, 1)),
        concentrated,
        weekend_people: u32::try_from(to_date.weekend.len()).unwrap_or(u32::MAX),
        weekend_pages,
        weekend_top3_share: Ratio::new(i128::from(top3), i128::from(weekend_pages))
            .map(|share| measures::measure(share, 2)),
        top_sources: top_sources(&to_date),
        coverage_gaps: Vec::new(),
        eligible,
    }
}

fn engineer_load(now: &Now<'_>, count: u32) -> pb::EngineerLoad {
    let sum = now.window.sum();
    let per_week = Ratio::new(i128::from(count), 4).unwrap_or(Ratio::ZERO);
    pb::EngineerLoad {
        engineer: now.standing.pseudonym.to_string(),
        pages: count,
        weekend_pages: sum.weekend,
        sleep_pages: sum.sleep,
        per_week: per_week.round_half_even(1),
        proxy_pages: sum.proxy,
    }
}

fn top_sources(to_date: &QuarterPages) -> Vec<pb::PageSource> {
    let mut sources: Vec<(&Arc<str>, u32)> = to_date.sources.iter().map(|(id, pages)| (id, *pages)).collect();
    sources.sort_unstable_by(|(a, most), (b, other)| (other, a).cmp(&(most, b)));
    sources.truncate(TOP_SOURCES);
    sources.into_iter().map(|(source, pages)| pb::PageSource { source: source.to_string(), pages }).collect()
}
