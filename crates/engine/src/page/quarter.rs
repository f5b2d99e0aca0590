//! Pages of a squad in the present quarter, by engineer on weekends and by source (O2.2).
//!
//! Counted as pages come; counted anew when reference data changed, when a page went away or lies before the last such
//! change, and when the quarter is another. A page counts for the squads its person was in at the page (R32).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{EventTime, Millis, PersonId, Quarter, SquadId};

use super::people::People;
use super::person::Page;
use super::standing::Standing;
use crate::context::Context;
use crate::id_map::IdMap;

/// Pages of one squad in one quarter.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct QuarterPages {
    start: Option<EventTime>,
    end: Option<EventTime>,
    /// Engineers with a weekend page, and how many each had.
    pub weekend: BTreeMap<PersonId, u32>,
    /// Pages by system, else by service.
    pub sources: BTreeMap<Arc<str>, u32>,
}

/// Pages of the present quarter of all squads that were asked for.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Quarters {
    epoch: u64,
    squads: IdMap<SquadId, QuarterPages>,
    /// Systems of services now.
    systems: IdMap<Arc<str>, Arc<str>>,
}

impl Quarters {
    /// Forgets all counts.
    pub(crate) fn clear(&mut self) {
        self.squads.clear();
    }

    /// Counts a new page of a person where the squad is counted already.
    pub(crate) fn count(
        &mut self,
        context: &Context<'_>,
        standing: &Standing,
        person: &PersonId,
        page: &Page,
    ) {
        self.refresh(context);
        if self.squads.is_empty() {
            return;
        }
        if !standing.covers(page.at, context.now) {
            self.clear();
            return;
        }
        let mut source = None;
        for squad in standing.squads.iter().filter(|squad| counts(page, squad)) {
            let Some(known) = self.squads.get_mut(squad) else { continue };
            if !(known.start <= Some(page.at) && Some(page.at) < known.end) {
                continue;
            }
            let weekend = standing.weekend[standing.zone.local_day(page.at).weekday() as usize - 1];
            let source = source.get_or_insert_with(|| source_of(&mut self.systems, context, page)).clone();
            known.add(person, weekend, source);
        }
    }

    /// Pages of a squad in a quarter, up to now.
    pub(crate) fn of(
        &mut self,
        context: &Context<'_>,
        people: &People,
        latest: Option<EventTime>,
        squad: &SquadId,
        quarter: &Quarter,
    ) -> Cow<'_, QuarterPages> {
        self.refresh(context);
        let is_known = self
            .squads
            .get(squad)
            .is_some_and(|known| (known.start, known.end) == (Some(quarter.start), Some(quarter.end)));
        if !is_known {
            let counted = self.walk(context, people, squad, quarter);
            // A page of an instant that has not come is counted when it comes: nobody knows when, so nothing is kept.
            if latest.is_none_or(|latest| latest > context.now) {
                return Cow::Owned(counted);
            }
            self.squads.insert(squad.clone(), counted);
        }
        Cow::Borrowed(&self.squads[squad])
    }

    fn walk(
        &mut self,
        context: &Context<'_>,
        people: &People,
        squad: &SquadId,
        quarter: &Quarter,
    ) -> QuarterPages {
        let reference = context.reference;
        let until = context.now.plus(Millis::from_ms(1)).min(quarter.end);
        let mut counted =
            QuarterPages { start: Some(quarter.start), end: Some(quarter.end), ..QuarterPages::default() };
        // Only people of the squad can have pages there: everybody's pages of a quarter are many.
        for person in reference.ever_members_of(squad) {
            let theirs =
                people.get(person).into_iter().flat_map(|theirs| theirs.between(quarter.start, until));
            for page in theirs.filter(|page| counts(page, squad)) {
                if reference.squads_of(person, page.at).any(|theirs| theirs == squad) {
                    let weekend = reference.is_weekend(person, page.at);
                    let source = named(context, page).unwrap_or_else(|| page.service.clone());
                    counted.add(person, weekend, source);
                }
            }
        }
        counted
    }

    fn refresh(&mut self, context: &Context<'_>) {
        let epoch = context.reference.epoch();
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::default() };
        }
    }
}

impl QuarterPages {
    fn add(&mut self, person: &PersonId, weekend: bool, source: Arc<str>) {
        if weekend {
            match self.weekend.get_mut(person) {
                Some(count) => *count += 1,
                None => {
                    self.weekend.insert(person.clone(), 1);
                }
            }
        }
        *self.sources.entry(source).or_insert(0) += 1;
    }
}

fn counts(page: &Page, squad: &SquadId) -> bool {
    page.counts_in.as_ref().is_none_or(|only| only == squad)
}

/// The system a page came from as of now; its service where no system is known.
fn source_of(systems: &mut IdMap<Arc<str>, Arc<str>>, context: &Context<'_>, page: &Page) -> Arc<str> {
    if !page.system.is_empty() {
        return page.system.clone();
    }
    if let Some(known) = systems.get(&page.service) {
        return known.clone();
    }
    let source = named(context, page).unwrap_or_else(|| page.service.clone());
    systems.insert(page.service.clone(), source.clone());
    source
}

/// The system a page names, or that its service is part of at the page.
fn named(context: &Context<'_>, page: &Page) -> Option<Arc<str>> {
    if !page.system.is_empty() {
        return Some(page.system.clone());
    }
    context.reference.system_of_service(&page.service, page.at).map(|(id, _)| id.into())
}
