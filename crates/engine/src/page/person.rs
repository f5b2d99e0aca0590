//! The pages of one person, countable by local days.
//!
//! Counting is by the zone effective now (R31); weekend and sleep hours are by the zone and calendar effective at the
//! page. Pages older than [`KEEP_DAYS`] are dropped: no window reaches further back than a quarter and its grace.
//! [`Today`] is derived from the pages and never written to snapshots.

use std::sync::Arc;

use bellwether_model::{EventTime, Millis};
use bellwether_model::{IncidentId, PersonId, SquadId, Zone};
use serde::{Deserialize, Serialize};

use super::incident::{EventKey, Notification};
use super::shift::Shifts;
use super::standing::Standing;
use super::today::{Tags, Today, Window};
use crate::context::Context;

/// How long pages are kept: a quarter of 92 days, a rolling window before it, and the horizon for late events.
const KEEP_DAYS: i64 = 92 + 28 + 10;
/// Pages may stay for so long after their time.
const PRUNE_SLACK: Millis = Millis::days(14);

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// When.
    pub at: EventTime,
    /// The incident.
    pub incident: IncidentId,
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
    /// By instant, then by incident.
    pages: Vec<Page>,
    #[serde(skip)]
    standing: Option<Standing>,
    #[serde(skip)]
    today: Option<Today>,
}

/// A person on the day of the context: what reference data says of them, and their window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now<'a> {
    /// Squads, zone, calendar.
    pub standing: &'a Standing,
    /// The window that ends today.
    pub window: &'a Window,
}

impl PersonPages {
    /// True when there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// A new page. One of the present window is counted in place.
    pub(crate) fn add(
        &mut self,
        context: &Context<'_>,
        person: &PersonId,
        incident: &IncidentId,
        notification: Notification,
    ) -> &Page {
        let standing = self.standing(context, person);
        let counts_in = standing.counts_in(context, person, notification.at, &notification.service);
        let Notification { at, proxy, service, system, event } = notification;
        let page = Page { at, incident: incident.clone(), proxy, service, system, event, counts_in };
        if let (Some(standing), Some(today)) = (&self.standing, &mut self.today) {
            today.count(at, || Tags::of(context, standing, person, &page));
        }
        let place = self.place(at, incident);
        self.pages.insert(place, page);
        &self.pages[place]
    }

    /// A page that is none any more.
    pub(crate) fn remove(&mut self, at: EventTime, incident: &IncidentId) {
        let place = self.place(at, incident);
        if self.pages.get(place).is_some_and(|page| page.at == at && page.incident == *incident) {
            self.pages.remove(place);
            self.today = None;
        }
    }

    /// The person as of now.
    pub(crate) fn now(&mut self, context: &Context<'_>, person: &PersonId) -> Now<'_> {
        self.standing(context, person);
        let standing = self.standing.as_ref().expect("it was just made");
        match &mut self.today {
            Some(today) if today.is_of(standing, context.now) => {}
            Some(today) if today.is_before(standing, context.now) => {
                today.move_on(context, standing, person, &self.pages);
            }
            _ => self.today = Some(Today::of(context, standing, person, &self.pages)),
        }
        let today = self.today.as_ref().expect("it was just made");
        Now { standing, window: today.window() }
    }

    /// Zone of the person at an instant, where it is known without asking: as of an epoch of the reference data.
    pub(crate) fn zone_at(&self, epoch: u64, at: EventTime) -> Option<Zone> {
        let standing = self.standing.as_ref()?;
        (standing.epoch == epoch && standing.since <= at).then_some(standing.zone)
    }

    /// The person as of an instant, where that is known without asking: as of an epoch of the reference data.
    pub(crate) fn known_now(&self, epoch: u64, now: EventTime) -> Option<(&Standing, &Today)> {
        let standing = self.standing.as_ref()?;
        let today = self.today.as_ref()?;
        let stands = standing.epoch == epoch && standing.since <= now && today.is_of(standing, now);
        stands.then_some((standing, today))
    }

    /// True when the person has pages in the present window or a shift that overlaps it (R32). Known after [`Self::now`].
    pub(crate) fn is_eligible(&mut self, person: &PersonId, shifts: &Shifts) -> bool {
        self.today
            .as_mut()
            .is_some_and(|today| today.window().total() > 0 || today.is_on_call(person, shifts))
    }

    /// Pages in the present window that count in a squad; walks them, so it is for people in several squads.
    pub(crate) fn count_in(&self, squad: &SquadId) -> u32 {
        let Some(today) = &self.today else { return 0 };
        let (from, to) = today.bounds();
        let theirs =
            self.between(from, to).filter(|page| page.counts_in.as_ref().is_none_or(|only| only == squad));
        u32::try_from(theirs.count()).unwrap_or(u32::MAX)
    }

    /// Pages from an instant to another, exclusive, in order.
    pub(crate) fn between(&self, from: EventTime, to: EventTime) -> impl DoubleEndedIterator<Item = &Page> {
        self.slice(from, to).iter()
    }

    /// The same as a slice.
    pub(crate) fn slice(&self, from: EventTime, to: EventTime) -> &[Page] {
        let first = self.pages.partition_point(|page| page.at < from);
        // Most look up to now, and nearly all pages are older.
        let end = match self.pages.last() {
            Some(last) if last.at < to => self.pages.len(),
            _ => self.pages.partition_point(|page| page.at < to),
        };
        self.pages.get(first..end).unwrap_or_default()
    }

    /// Forgets what no window reaches any more, several days at once: what stays has to move.
    pub(crate) fn prune(&mut self, now: EventTime) {
        let keep = now.minus(Millis::days(KEEP_DAYS));
        if self.pages.first().is_some_and(|first| first.at < keep.minus(PRUNE_SLACK)) {
            let gone = self.pages.partition_point(|page| page.at < keep);
            self.pages.drain(..gone);
        }
    }

    /// What reference data says of the person now.
    pub(crate) fn standing(&mut self, context: &Context<'_>, person: &PersonId) -> &Standing {
        let epoch = context.reference.epoch();
        if self.standing.as_ref().is_none_or(|standing| standing.epoch != epoch) {
            let standing = Standing::of(context, person);
            if context.reference.is_in_several_spans(person) {
                for page in &mut self.pages {
                    page.counts_in = standing.counts_in(context, person, page.at, &page.service);
                }
            }
            self.standing = Some(standing);
            // Zones and calendars may differ, and with them what every page of the window counts as.
            self.today = None;
        }
        self.standing.as_ref().expect("it was just made")
    }

    fn place(&self, at: EventTime, incident: &IncidentId) -> usize {
        match self.pages.last() {
            Some(last) if (last.at, &last.incident) < (at, incident) => self.pages.len(),
            None => 0,
            Some(_) => self.pages.partition_point(|page| (page.at, &page.incident) < (at, incident)),
        }
    }
}
