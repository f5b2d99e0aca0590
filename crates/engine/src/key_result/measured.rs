//! Measures that are computed from pages: what they come to at an instant.

use bellwether_model::{EventTime, Measure, Millis, PersonId, Quarter, Ratio, SquadId, Zone};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::page::Pages;
use crate::page::person::{Page, PersonPages};
use crate::page::population::Population;
use crate::page::today::WINDOW_DAYS;

/// Fewer weekend pages than this are no data for their spread (R43).
const LEAST_WEEKEND_PAGES: u32 = 4;

/// What a measure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Measured {
    /// Nothing to judge by.
    NoData,
    /// A value.
    Value(Ratio),
    /// O2.1: the top has too few pages to concentrate anything. Met, whatever the ratio is, if there is one.
    Spread(Option<Ratio>),
    /// O2.1: the median is 0 and the top has several. Not met, and no ratio (R33).
    Concentrated,
}

impl Measured {
    /// The value, where there is one.
    pub(crate) fn value(self) -> Option<Ratio> {
        match self {
            Self::Value(value) | Self::Spread(Some(value)) => Some(value),
            Self::NoData | Self::Spread(None) | Self::Concentrated => None,
        }
    }

    /// Whether it meets a target; `None` for no data.
    pub(crate) fn met(self, meets: impl Fn(Ratio) -> bool) -> Option<bool> {
        match self {
            Self::NoData => None,
            Self::Value(value) => Some(meets(value)),
            Self::Spread(_) => Some(true),
            Self::Concentrated => Some(false),
        }
    }
}

/// A measure that is computed from pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageMeasure {
    /// O2: the most pages a week of any member.
    Most,
    /// O2.1: top over median.
    Concentration,
    /// O2.2: distinct people with a weekend page.
    Weekends,
}

impl PageMeasure {
    /// What a measure counts of pages; `None` for one of something else.
    pub(crate) fn of(measure: Measure) -> Option<Self> {
        match measure {
            Measure::O2 => Some(Self::Most),
            Measure::O21 => Some(Self::Concentration),
            Measure::O22 => Some(Self::Weekends),
            Measure::O11
            | Measure::O12
            | Measure::O13
            | Measure::O23
            | Measure::O31
            | Measure::O32
            | Measure::O33
            | Measure::Custom => None,
        }
    }
}

/// True for measures that are computed from pages.
pub(crate) fn is_of_pages(measure: Measure) -> bool {
    PageMeasure::of(measure).is_some()
}

/// A page measure of a squad at the instant of the context; O2.2 of the quarter up to it.
pub(crate) fn of_pages(
    context: &Context<'_>,
    pages: &Pages,
    measure: Measure,
    squad: &SquadId,
    quarter: &Quarter,
) -> Measured {
    if pages.first_event().is_none_or(|first| first > context.now) {
        return Measured::NoData;
    }
    match PageMeasure::of(measure) {
        Some(PageMeasure::Most) => most_pages_a_week(context, pages, squad),
        Some(PageMeasure::Concentration) => concentration(context, pages, squad),
        Some(PageMeasure::Weekends) => spread_of_weekends(context, pages, squad, quarter),
        None => Measured::NoData,
    }
}

/// O2: the most pages a week of any member, over the rolling window.
fn most_pages_a_week(context: &Context<'_>, pages: &Pages, squad: &SquadId) -> Measured {
    let most = match pages.known_loads(context, squad) {
        Some(known) => known.iter().map(|load| load.count).max(),
        None => members(context, pages, squad).map(|member| member.all(context)).max(),
    };
    let weeks = Ratio::new(i128::from(context.thresholds().page_load_window_days), 7);
    most.zip(weeks)
        .and_then(|(most, weeks)| Ratio::from(most).checked_div(weeks))
        .map_or(Measured::NoData, Measured::Value)
}

/// O2.1: top over median of the eligible population.
fn concentration(context: &Context<'_>, pages: &Pages, squad: &SquadId) -> Measured {
    let thresholds = context.thresholds();
    let population = population(context, pages, squad);
    let people = u32::try_from(population.counts.len()).unwrap_or(u32::MAX);
    if people < thresholds.concentration_minimum_population {
        return Measured::NoData;
    }
    if population.top() < thresholds.concentration_minimum_top_pages {
        return Measured::Spread(population.ratio());
    }
    population.ratio().map_or(Measured::Concentrated, Measured::Value)
}

/// The eligible population (R32) at an instant that may lie in the past: the rolling windows of [`Population::of`] count
/// whole days, and a page later on the day of a sprint's close is not one of the close.
fn population(context: &Context<'_>, pages: &Pages, squad: &SquadId) -> Population {
    let now = context.now;
    let known = pages.known_loads(context, squad);
    if let Some(known) = known.filter(|known| known.iter().all(|load| !load.in_several)) {
        let eligible = known.iter().filter(|load| load.is_eligible);
        return Population::new(eligible.map(|load| (load.person.clone(), load.count)).collect());
    }
    let counts = members(context, pages, squad).filter_map(|member| {
        let all = member.all(context);
        if all == 0 && !pages.shifts().overlaps(member.person, member.from, member.to) {
            return None;
        }
        let in_several = context.reference.squads_of(member.person, now).nth(1).is_some();
        let counts_here = |page: &Page| page.counts_in.as_ref().is_none_or(|only| only == squad);
        let theirs = if in_several { member.count(context, counts_here) } else { all };
        Some((member.person.clone(), theirs))
    });
    Population::new(counts.collect())
}

/// A member of a squad and their rolling window.
struct Member<'a> {
    person: &'a PersonId,
    pages: Option<&'a PersonPages>,
    /// First instant and end of the window.
    from: EventTime,
    to: EventTime,
}

impl<'a> Member<'a> {
    /// Pages in the window, up to the instant of the context.
    fn inside(&self, context: &Context<'_>) -> &'a [Page] {
        let until = context.now.plus(Millis::from_ms(1));
        self.pages.map_or(&[], |theirs| theirs.slice(self.from, until))
    }

    /// How many those are; they are not walked.
    fn all(&self, context: &Context<'_>) -> u32 {
        u32::try_from(self.inside(context).len()).unwrap_or(u32::MAX)
    }

    fn count(&self, context: &Context<'_>, counts: impl Fn(&Page) -> bool) -> u32 {
        u32::try_from(self.inside(context).iter().filter(|page| counts(page)).count()).unwrap_or(u32::MAX)
    }
}

/// The members of a squad at the instant of the context, in order of id.
fn members<'a>(
    context: &Context<'a>,
    pages: &'a Pages,
    squad: &'a SquadId,
) -> impl Iterator<Item = Member<'a>> {
    let (reference, now) = (context.reference, context.now);
    // Most of a squad live in one zone: its window is worked out once.
    let mut last: Option<(Zone, EventTime, EventTime)> = None;
    reference.members_of(squad, now).map(move |person| {
        let theirs = pages.person(person);
        let known = theirs.and_then(|theirs| theirs.zone_at(reference.epoch(), now));
        let zone = known.unwrap_or_else(|| reference.zone_of(person, now));
        let (_, from, to) = match last {
            Some(known) if known.0 == zone => known,
            _ => window(zone, now),
        };
        last = Some((zone, from, to));
        Member { person, pages: theirs, from, to }
    })
}

/// The rolling window in a zone: its first instant and its end.
fn window(zone: Zone, now: EventTime) -> (Zone, EventTime, EventTime) {
    let today = zone.local_day(now);
    let first = today.minus(i32::try_from(WINDOW_DAYS).expect("28 fits") - 1);
    (zone, zone.day_start(first), zone.day_start(today.plus(1)))
}

/// O2.2: distinct engineers with a weekend page, quarter to date, by their membership at the page (R32).
fn spread_of_weekends(context: &Context<'_>, pages: &Pages, squad: &SquadId, quarter: &Quarter) -> Measured {
    let reference = context.reference;
    let until = context.now.plus(Millis::from_ms(1)).min(quarter.end);
    let (mut people, mut weekend_pages) = (0, 0);
    for person in reference.ever_members_of(squad) {
        let theirs = pages.person(person).into_iter().flat_map(|theirs| theirs.between(quarter.start, until));
        let counted = theirs.filter(|page| {
            page.counts_in.as_ref().is_none_or(|only| only == squad)
                && reference.is_weekend(person, page.at)
                && reference.squads_of(person, page.at).any(|theirs| theirs == squad)
        });
        let count = u32::try_from(counted.count()).unwrap_or(u32::MAX);
        people += u32::from(count > 0);
        weekend_pages += count;
    }
    if weekend_pages < LEAST_WEEKEND_PAGES { Measured::NoData } else { Measured::Value(Ratio::from(people)) }
}
