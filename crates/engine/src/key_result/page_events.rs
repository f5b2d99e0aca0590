//! The pages that made a page measure what it is at an instant: an explain block names them.
//!
//! Of O2 and O2.1 those of whoever carries the most, of O2.2 those on weekends; the latest first. Nobody is named.

use std::cmp::Reverse;

use bellwether_model::{EventTime, Millis};
use bellwether_wire::envelope::EventId;

use super::frame::Frame;
use super::measured::PageMeasure;
use crate::explain::MAX_EVENTS;
use crate::page::Pages;
use crate::page::person::Page;
use crate::page::today::WINDOW_DAYS;
use crate::reference::Reference;

/// The pages that mattered most to the measure of a key result at an instant; none for other measures.
pub(crate) fn latest(reference: &Reference, pages: &Pages, frame: &Frame<'_>, at: EventTime) -> Vec<EventId> {
    let mut found = match PageMeasure::of(frame.measure()) {
        Some(PageMeasure::Most) => of_top(reference, pages, frame, at, |_| true),
        Some(PageMeasure::Concentration) => {
            of_top(reference, pages, frame, at, |page| counts_in(page, frame))
        }
        Some(PageMeasure::Weekends) => of_weekends(reference, pages, frame, at),
        None => Vec::new(),
    };
    found.sort_unstable_by_key(|page| (Reverse(page.at), &page.event));
    let event = |page: &&Page| EventId { source: page.event.0.to_string(), id: page.event.1.to_string() };
    found.iter().take(MAX_EVENTS).map(event).collect()
}

/// Pages in the rolling window of those members who have the most of them.
fn of_top<'a>(
    reference: &Reference,
    pages: &'a Pages,
    frame: &Frame<'_>,
    at: EventTime,
    counts: impl Fn(&Page) -> bool,
) -> Vec<&'a Page> {
    let mut most: Vec<&Page> = Vec::new();
    let mut top = 0;
    for person in frame.squad().into_iter().flat_map(|squad| reference.members_of(squad, at)) {
        let zone = reference.zone_of(person, at);
        let first = zone.local_day(at).minus(i32::try_from(WINDOW_DAYS).expect("28 fits") - 1);
        let all = pages.person(person).into_iter();
        let theirs = all.flat_map(|theirs| theirs.between(zone.day_start(first), after(at)));
        let theirs: Vec<&Page> = theirs.filter(|page| counts(page)).collect();
        if theirs.len() > top {
            top = theirs.len();
            most.clear();
        }
        if theirs.len() == top {
            most.extend(theirs);
        }
    }
    most
}

/// Weekend pages of the quarter to date, by the membership at the page (R32).
fn of_weekends<'a>(
    reference: &Reference,
    pages: &'a Pages,
    frame: &Frame<'_>,
    at: EventTime,
) -> Vec<&'a Page> {
    let Some(squad) = frame.squad() else { return Vec::new() };
    let until = after(at).min(frame.quarter.end);
    let mut found = Vec::new();
    for person in reference.ever_members_of(squad) {
        let all = pages.person(person).into_iter();
        let theirs = all.flat_map(|theirs| theirs.between(frame.quarter.start, until));
        found.extend(theirs.filter(|page| {
            counts_in(page, frame)
                && reference.is_weekend(person, page.at)
                && reference.squads_of(person, page.at).any(|theirs| theirs == squad)
        }));
    }
    found
}

/// True for a page that is one of the key result's squad.
fn counts_in(page: &Page, frame: &Frame<'_>) -> bool {
    page.counts_in.as_ref().is_none_or(|only| Some(only) == frame.squad())
}

fn after(at: EventTime) -> EventTime {
    at.plus(Millis::from_ms(1))
}
