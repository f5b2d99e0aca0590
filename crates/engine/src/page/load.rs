//! Publishes a squad's on-call load (`load.assessed`), when it changed since it was last published.
//!
//! Per person by pseudonym only. Due when the hour ends in which a page of the squad changed, unless it was published
//! less than [`LEAST_BETWEEN`] ago; at once when a page rule says something of the squad; and an hour after the quarter
//! whose pages it tells of.

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
    let hour = next_hour(now);
    let due = load.at.map_or(hour, |last| hour.max(last.plus(LEAST_BETWEEN)));
    load.look_at(due, context, squad);
}

/// Has the load of a squad looked at when this instant is complete.
pub(crate) fn look_now(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let now = context.now;
    entry(pages, squad).look_at(now, context, squad);
}

impl Published {
    /// Looks at a squad at an instant, unless it is looked at before.
    fn look_at(&mut self, at: EventTime, context: &mut Context<'_>, squad: &SquadId) {
        if self.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = self.due.replace(at) {
            context.deadlines.cancel(due, Deadline::Load(squad.clone()));
        }
        context.deadlines.set(at, Deadline::Load(squad.clone()));
    }
}

/// Publishes the load of a squad if it changed.
pub(crate) fn publish_if_changed(pages: &mut Pages, context: &mut Context<'_>, squad: &SquadId) {
    let now = context.now;
    let assessed = assess(pages, context, squad);
    let fingerprint = xxh3_64(&assessed.encode_to_vec());
    let load = entry(pages, squad);
    load.due = None;
    let tells_of_quarter = !assessed.top_sources.is_empty();
    if let Some(quarter) = context.reference.quarter_at(now, now).filter(|_| tells_of_quarter) {
        load.look_at(next_hour(quarter.end), context, squad);
    }
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
        coverage_gaps: context.reference.coverage_gaps(squad, now).map(str::to_owned).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, person, stamp, time};
    use bellwether_wire::{Event, Payload};

    /// What was published last of the load of squad `a`, and when.
    fn last(world: &World) -> (String, pb::LoadAssessed) {
        let mut loads = world.said.iter().rev().filter_map(|event| match &event.payload {
            Payload::LoadAssessed(load) if load.squad == "a" => {
                Some((event.time.to_rfc3339(), *load.clone()))
            }
            _ => None,
        });
        loads.next().expect("the load was published")
    }

    /// Somebody of an outside identity is paged, by push or as a proxy.
    fn paged(world: &mut World, when: &str, incident: &str, who: &str, basis: pb::Basis) {
        let who = pb::Identity { source: "pagerduty://acme".into(), external_id: who.into() };
        paged_by(world, when, incident, Some(who), basis);
    }

    fn paged_by(
        world: &mut World,
        when: &str,
        incident: &str,
        responder: Option<pb::Identity>,
        basis: pb::Basis,
    ) {
        let message = pb::PageNotified {
            incident: incident.into(),
            responder,
            channel: pb::PageChannel::Push.into(),
            basis: basis.into(),
            service: "checkout".into(),
            ..Default::default()
        };
        world.at(when, message);
    }

    fn linked(world: &mut World, when: &str, who: &str, person: &str) {
        let message = pb::IdentityRecorded {
            source: "pagerduty://acme".into(),
            external_id: who.into(),
            person: person.into(),
            ..Default::default()
        };
        world.at(when, message);
    }

    #[test]
    fn r05_pages_linked_after_their_windows_count_in_the_quarter_at_the_end_of_the_hour() {
        let mut world = World::new(&["ann", "bob", "cy"]);
        // A Saturday.
        paged(&mut world, "2026-01-10T12:00:00Z", "inc-1", "PANN", pb::Basis::NotificationLog);
        world.page("2026-01-20T12:00:00Z", "bob");
        world.until("2026-03-10T12:15:00Z");
        assert_eq!(last(&world).1.weekend_pages, 0);
        linked(&mut world, "2026-03-10T12:15:00Z", "PANN", "ann");
        world.until("2026-03-10T23:00:00Z");
        let (at, load) = last(&world);
        assert_eq!(
            (at.as_str(), load.weekend_pages, load.weekend_people),
            ("2026-03-10T13:00:00.000Z", 1, 1)
        );
        assert_eq!(load.top_sources.len(), 2);
    }

    fn ann_moves_to_b(world: &mut World) {
        let left = pb::MembershipRecorded {
            person: "ann".into(),
            squad: "a".into(),
            effective_from: stamp("2026-01-01T00:00:00Z"),
            effective_until: stamp("2026-02-01T00:00:00Z"),
            ..Default::default()
        };
        world.at("2026-02-01T00:00:00Z", left);
        world.member("2026-02-01T00:00:00Z", "ann", "b", "UTC");
    }

    #[test]
    fn a_new_quarter_begins_with_no_pages_of_who_has_moved_either() {
        let mut world = World::new(&["ann", "cy"]);
        // A Saturday.
        world.page("2026-01-10T12:00:00Z", "ann");
        ann_moves_to_b(&mut world);
        world.until("2026-04-05T23:59:59Z");
        assert_eq!(last(&world).1.weekend_pages, 1);
        world.until("2026-04-06T12:00:00Z");
        let (at, load) = last(&world);
        assert_eq!((at.as_str(), load.weekend_pages), ("2026-04-06T01:00:00.000Z", 0));
    }

    #[test]
    fn r05_a_log_linked_late_silences_proxies_of_who_has_moved_in_the_squad_they_were_in() {
        let mut world = World::new(&["ann", "cy"]);
        world.member("2026-01-01T00:00:00Z", "bob", "b", "UTC");
        paged_by(&mut world, "2026-01-10T12:00:00Z", "inc-1", person("ann"), pb::Basis::Assignment);
        paged(&mut world, "2026-01-10T12:01:00Z", "inc-1", "PBOB", pb::Basis::NotificationLog);
        ann_moves_to_b(&mut world);
        world.until("2026-02-15T12:15:00Z");
        assert_eq!(last(&world).1.weekend_pages, 1);
        linked(&mut world, "2026-02-15T12:15:00Z", "PBOB", "bob");
        world.until("2026-02-15T23:00:00Z");
        let (at, load) = last(&world);
        assert_eq!(
            (at.as_str(), load.weekend_pages, load.top_sources.len()),
            ("2026-02-15T13:00:00.000Z", 0, 0)
        );
    }

    #[test]
    fn production_systems_with_fewer_than_three_trained_are_coverage_gaps_while_they_have() {
        let mut world = World::new(&["ann", "bob", "cy"]);
        for (system, squad, production) in
            [("billing", "a", true), ("ledger", "a", true), ("lab", "a", false), ("shop", "b", true)]
        {
            let system = pb::SystemRecorded {
                system: system.into(),
                squad: squad.into(),
                production,
                ..Default::default()
            };
            world.at("2026-01-05T00:00:00Z", system);
        }
        let trained = |system: &str, person: &str| pb::CoverageRecorded {
            system: system.into(),
            person: person.into(),
            ..Default::default()
        };
        for person in ["ann", "bob"] {
            world.at("2026-01-05T00:00:00Z", trained("billing", person));
            world.at("2026-01-05T00:00:00Z", trained("ledger", person));
            world.at("2026-01-05T00:00:00Z", trained("ledger", person));
        }
        world.at("2026-01-05T00:00:00Z", trained("billing", "cy"));
        world.page("2026-01-12T12:00:00Z", "ann");
        world.until("2026-01-13T00:00:00Z");
        assert_eq!(last(&world).1.coverage_gaps, ["ledger"]);

        // Dee is trained for three days; then bob is not trained for billing any more.
        let dee = pb::CoverageRecorded {
            effective_from: stamp("2026-01-14T12:00:00Z"),
            effective_until: stamp("2026-01-17T12:00:00Z"),
            ..trained("ledger", "dee")
        };
        world.at("2026-01-13T00:30:00Z", dee);
        world.until("2026-01-15T00:00:00Z");
        assert_eq!(last(&world).1.coverage_gaps, [""; 0]);
        world.until("2026-01-18T00:00:00Z");
        assert_eq!(last(&world).1.coverage_gaps, ["ledger"]);
        let type_name = "bellwether.coverage.recorded.v1".to_owned();
        let at = time("2026-01-19T09:10:00Z");
        world.feed(
            &Event::new("test://hr", "ended", at, Payload::Tombstone { type_name }).about("billing/bob"),
        );
        world.until("2026-01-20T00:00:00Z");
        let (at, load) = last(&world);
        assert_eq!(
            (at.as_str(), load.coverage_gaps),
            ("2026-01-19T10:00:00.000Z", vec!["billing".to_owned(), "ledger".to_owned()])
        );
    }
}
