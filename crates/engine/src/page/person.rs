//! The pages of one person, countable by local days.
//!
//! Counting is by the zone effective now (R31); weekend and sleep hours are by the zone and calendar effective at the
//! page. Pages older than [`KEEP_DAYS`] are dropped: no window reaches further back than a quarter and its grace.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::LocalDay;
use bellwether_model::Zone;
use bellwether_model::{EventTime, Millis};
use bellwether_model::{IncidentId, PersonId, SquadId};
use serde::{Deserialize, Serialize};

use super::incident::{EventKey, Notification};
use crate::context::Context;

/// Days of the rolling window.
pub(crate) const WINDOW_DAYS: usize = 28;
/// How long pages are kept: a quarter of 92 days, a rolling window before it, and the horizon for late events.
const KEEP_DAYS: i64 = 92 + 28 + 10;

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// True when it rests on a proxy.
    pub proxy: bool,
    /// Service.
    pub service: Arc<str>,
    /// System, where known.
    pub system: Arc<str>,
    /// The event of its first notification.
    pub event: EventKey,
    /// The one squad it counts in, for somebody in several squads one of which owns the service.
    pub counts_in: Option<SquadId>,
}

/// All pages of a person.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PersonPages {
    pages: BTreeMap<(EventTime, IncidentId), Page>,
    by_incident: BTreeMap<IncidentId, Vec<EventTime>>,
    #[serde(skip)]
    cache: std::cell::RefCell<Option<Cache>>,
}

/// Counts per local day of the window that ends today, most recent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The day it ends with.
    pub today: LocalDay,
    /// Pages per day: index 0 is today, 27 the first day.
    pub days: [u32; WINDOW_DAYS],
}

#[derive(Debug, Clone, PartialEq)]
struct Cache {
    zone: Zone,
    /// The instants of today, start inclusive, end exclusive: within them the window stands.
    from: EventTime,
    until: EventTime,
    window: Window,
}

impl Window {
    /// Pages in the window.
    pub(crate) fn total(&self) -> u32 {
        self.days.iter().sum()
    }

    /// Pages of the last `days` days, today included.
    pub(crate) fn last(&self, days: usize) -> u32 {
        self.days.iter().take(days).sum()
    }

    /// Pages that will still be inside after `days` more days.
    pub(crate) fn still_inside_after(&self, days: usize) -> u32 {
        self.days.iter().take(WINDOW_DAYS.saturating_sub(days)).sum()
    }
}

impl PersonPages {
    /// True when there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Replaces the pages of one incident.
    pub(crate) fn replace(
        &mut self,
        context: &Context<'_>,
        person: &PersonId,
        incident: &IncidentId,
        pages: Vec<&Notification>,
    ) {
        let old = self.by_incident.get(incident).map_or(&[][..], Vec::as_slice);
        let kept = old.iter().zip(&pages).take_while(|(at, page)| **at == page.at).count();
        if kept == old.len() && kept == pages.len() {
            return;
        }
        for at in &old[kept..] {
            self.pages.remove(&(*at, incident.clone()));
            *self.cache.borrow_mut() = None;
        }
        for notification in &pages[kept..] {
            let page = Page {
                proxy: notification.proxy,
                service: notification.service.clone(),
                system: notification.system.clone(),
                event: notification.event.clone(),
                counts_in: counts_in(context, person, notification),
            };
            self.pages.insert((notification.at, incident.clone()), page);
            self.count_in_cache(notification.at);
        }
        self.by_incident.insert(incident.clone(), pages.iter().map(|page| page.at).collect());
    }

    /// A new page of today, the usual case, is counted in place; any other makes the window be counted anew.
    fn count_in_cache(&mut self, at: EventTime) {
        let mut cache = self.cache.borrow_mut();
        match cache.as_mut() {
            Some(known) if known.from <= at && at < known.until => known.window.days[0] += 1,
            _ => *cache = None,
        }
    }

    /// The window of 28 local days that ends with the local day of `now`.
    pub(crate) fn window(&self, zone: Zone, now: EventTime) -> Window {
        if let Some(cache) = self.cache.borrow().as_ref()
            && cache.zone == zone
            && cache.from <= now
            && now < cache.until
        {
            return cache.window;
        }
        let today = zone.local_day(now);
        let window = Window { today, days: self.days(zone, today, |_| true) };
        let (from, until) = (zone.day_start(today), zone.day_start(today.plus(1)));
        *self.cache.borrow_mut() = Some(Cache { zone, from, until, window });
        window
    }

    /// Pages in the window that count in a squad; walks them, so it is for people in several squads.
    pub(crate) fn count_in(&self, squad: &SquadId, zone: Zone, now: EventTime) -> u32 {
        let today = zone.local_day(now);
        self.days(zone, today, |page| page.counts_in.as_ref().is_none_or(|only| only == squad)).iter().sum()
    }

    /// Pages from an instant to another, exclusive, in order.
    pub(crate) fn between(
        &self,
        from: EventTime,
        to: EventTime,
    ) -> impl DoubleEndedIterator<Item = (EventTime, &IncidentId, &Page)> {
        let from = (from, IncidentId::from(""));
        let to = (to, IncidentId::from(""));
        self.pages.range(from..to).map(|((at, incident), page)| (*at, incident, page))
    }

    /// Forgets what no window reaches any more.
    pub(crate) fn prune(&mut self, now: EventTime) {
        let keep = (now.minus(Millis::days(KEEP_DAYS)), IncidentId::from(""));
        if self.pages.keys().next().is_some_and(|first| *first < keep) {
            self.pages = self.pages.split_off(&keep);
            self.by_incident.retain(|_, pages| pages.last().is_some_and(|last| *last >= keep.0));
        }
    }

    fn days(&self, zone: Zone, today: LocalDay, counts: impl Fn(&Page) -> bool) -> [u32; WINDOW_DAYS] {
        let last_index = i32::try_from(WINDOW_DAYS).expect("28 fits") - 1;
        let from = zone.day_start(today.minus(last_index));
        let to = zone.day_start(today.plus(1));
        let mut days = [0; WINDOW_DAYS];
        for (at, _, page) in self.between(from, to) {
            let age = usize::try_from(today.since(zone.local_day(at))).unwrap_or(WINDOW_DAYS);
            if age < WINDOW_DAYS && counts(page) {
                days[age] += 1;
            }
        }
        days
    }
}

/// R32: a person in two squads counts in the service's squad where they belong to it, else in both.
fn counts_in(context: &Context<'_>, person: &PersonId, notification: &Notification) -> Option<SquadId> {
    let reference = context.reference;
    let mut squads = reference.squads_of(person, notification.at);
    let (first, second) = (squads.next()?, squads.next()?);
    let (_, system) = reference.system_of_service(&notification.service, notification.at)?;
    let mut theirs = [first, second].into_iter().chain(squads);
    theirs.any(|squad| *squad == system.squad).then(|| system.squad.clone())
}
