//! The reference data the folds use: who belongs where, in which zone, with which key results and thresholds.
//!
//! Everything is effective-dated ([`crate::versions`]) and known only once its event has been folded (R5). Names
//! never enter: a person is a zone, a calendar, a level and a function.

mod coverage;
mod lines;
mod people;
mod policies;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::COVERAGE_MIN;
use bellwether_model::EventTime;
use bellwether_model::FiscalCalendar;
use bellwether_model::Measure;
use bellwether_model::PolicyScope;
use bellwether_model::Quarter;
use bellwether_model::Thresholds;
use bellwether_model::WorkCalendar;
use bellwether_model::Zone;
use bellwether_model::{CustomerCommitmentId, KeyResultId, PersonId, SquadId};
use bellwether_wire::envelope::Event;
use serde::{Deserialize, Serialize};

pub(crate) use records::{Absence, CustomerCommitment, KeyResult, Organisation, Person, Squad, System};

pub(crate) use lines::PageLines;

use crate::id_map::IdMap;
use crate::ordered::Ordered;
use crate::versions::{Version, Versions};

/// All reference data known to a fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    organisation: Versions<Organisation>,
    people: Ordered<PersonId, Versions<Person>>,
    squads: Ordered<SquadId, Versions<Squad>>,
    memberships: people::Memberships,
    systems: BTreeMap<String, Versions<System>>,
    /// Who is trained for what. `None` in what was written before it was kept: it is unknown then.
    #[serde(default)]
    coverage: Option<coverage::Coverage>,
    calendars: BTreeMap<String, Versions<WorkCalendar>>,
    absences: BTreeMap<String, Versions<Absence>>,
    key_results: Ordered<KeyResultId, Versions<KeyResult>>,
    /// Key results by the squads that any version of them names, `None` for the whole organisation.
    #[serde(skip)]
    key_results_of: IdMap<Option<SquadId>, BTreeSet<KeyResultId>>,
    commitments: BTreeMap<CustomerCommitmentId, Versions<CustomerCommitment>>,
    /// What each escalation policy is for. `None` in what was written before they were kept: they are unknown then.
    #[serde(default)]
    policies: Option<BTreeMap<String, Versions<PolicyScope>>>,
    threshold_sets: BTreeMap<String, Versions<BTreeMap<String, String>>>,
    base_thresholds: Thresholds,
    thresholds: Thresholds,
    #[serde(skip)]
    lines: PageLines,
    /// Instants to come at which a version becomes effective or ends.
    boundaries: BTreeSet<EventTime>,
    /// How often what is said of now may have changed.
    #[serde(skip)]
    epoch: u64,
    #[serde(skip)]
    present: Option<Present>,
}

/// The present quarter, worked out once for as long as time stays in it and reference data stays the same.
#[derive(Debug, Clone, PartialEq)]
struct Present {
    quarter: Quarter,
    epoch: u64,
    /// It is the quarter of every instant from this one on, up to now.
    since: EventTime,
}

/// What a reference event changed, so that the rules that use it look again (R8).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Instants, later than now, at which a version becomes effective or ends.
    pub boundaries: Vec<EventTime>,
    /// Key results concerned.
    pub key_results: Vec<KeyResultId>,
    /// True when membership, zone, calendar or thresholds changed.
    pub people: bool,
    /// True when it changed who is trained for a system.
    pub coverage: bool,
    /// What could not be read, for a warning.
    pub refused: Option<String>,
}

impl Reference {
    /// Nothing known yet.
    pub(crate) fn new(base_thresholds: Thresholds) -> Self {
        Self {
            organisation: Versions::default(),
            people: Ordered::default(),
            squads: Ordered::default(),
            memberships: people::Memberships::default(),
            systems: BTreeMap::new(),
            coverage: Some(coverage::Coverage::default()),
            calendars: BTreeMap::new(),
            absences: BTreeMap::new(),
            key_results: Ordered::default(),
            key_results_of: IdMap::default(),
            commitments: BTreeMap::new(),
            policies: Some(BTreeMap::new()),
            threshold_sets: BTreeMap::new(),
            lines: PageLines::of(&base_thresholds),
            thresholds: base_thresholds.clone(),
            base_thresholds,
            boundaries: BTreeSet::new(),
            epoch: 0,
            present: None,
        }
    }

    /// Differs whenever what is said of the present instant may differ: what was derived from it stands until then.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Time passes: from a boundary on, thresholds and everything derived are those that became effective at it.
    pub(crate) fn advance(&mut self, now: EventTime) {
        let mut passed = false;
        while self.boundaries.first().is_some_and(|at| *at <= now) {
            self.boundaries.pop_first();
            passed = true;
        }
        if passed {
            self.refresh(now);
        }
        let stands = |present: &Present| present.epoch == self.epoch && now < present.quarter.end;
        if !self.present.as_ref().is_some_and(stands) {
            let quarter = self.fiscal(now).map(|fiscal| fiscal.quarter_at(now));
            let of_now = |quarter| Present { quarter, epoch: self.epoch, since: now };
            self.present = quarter.map(of_now);
        }
    }

    /// True when a person was ever recorded in more than one squad, whether or not at once.
    pub(crate) fn is_in_several_spans(&self, person: &PersonId) -> bool {
        self.memberships.spans_of(person) > 1
    }

    /// Records a reference event. Events of other topics change nothing.
    pub(crate) fn record(&mut self, event: &Event, now: EventTime) -> Changed {
        let changed = records::record(self, event, now);
        self.boundaries.extend(&changed.boundaries);
        self.epoch += 1;
        changed
    }

    /// Looks again at what depends on the instant.
    fn refresh(&mut self, now: EventTime) {
        let mut thresholds = self.base_thresholds.clone();
        for set in self.threshold_sets.values() {
            for (key, value) in set.at(now).into_iter().flatten() {
                // Refused values were reported when they were recorded.
                let _ = thresholds.set(key, value);
            }
        }
        self.thresholds = thresholds;
        self.lines = PageLines::of(&self.thresholds);
        self.epoch += 1;
    }

    /// What is derived and not written: made anew after a restore.
    pub(crate) fn derive(&mut self) {
        self.lines = PageLines::of(&self.thresholds);
        self.key_results_of.clear();
        for (id, versions) in self.key_results.iter() {
            for version in versions.iter() {
                let of = self.key_results_of.entry(version.value.squad.clone()).or_default();
                of.insert(id.clone());
            }
        }
    }

    /// The lines that page rules look at.
    pub(crate) fn page_lines(&self) -> &PageLines {
        &self.lines
    }

    /// Thresholds in force.
    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// The organisation at an instant.
    pub(crate) fn organisation(&self, at: EventTime) -> Option<&Organisation> {
        self.organisation.at(at)
    }

    /// The organisation's zone; UTC where none is recorded.
    pub(crate) fn zone(&self, at: EventTime) -> Zone {
        self.organisation(at).map_or(Zone::UTC, |organisation| organisation.zone)
    }

    /// The fiscal calendar at an instant; `None` until an organisation is recorded.
    pub(crate) fn fiscal(&self, at: EventTime) -> Option<&FiscalCalendar> {
        self.organisation(at).map(|organisation| &organisation.fiscal)
    }

    /// The quarter that an instant lies in, by the fiscal calendar in force at `now`.
    pub(crate) fn quarter_at(&self, at: EventTime, now: EventTime) -> Option<Quarter> {
        let present = self.present.as_ref().filter(|present| present.epoch == self.epoch);
        match present {
            Some(present) if present.since <= at && at <= now && now < present.quarter.end => {
                Some(present.quarter.clone())
            }
            _ => self.fiscal(now).map(|fiscal| fiscal.quarter_at(at)),
        }
    }

    /// A squad at an instant.
    pub(crate) fn squad(&self, squad: &SquadId, at: EventTime) -> Option<&Squad> {
        self.squads.get(squad)?.at(at)
    }

    /// Squads effective at an instant, in order of id.
    pub(crate) fn squads(&self, at: EventTime) -> impl Iterator<Item = (&SquadId, &Squad)> {
        self.squads.iter().filter_map(move |(id, versions)| Some((id, versions.at(at)?)))
    }

    /// The squad whose board, project or team this is, at an instant; else, for events that precede the record, the one
    /// that first named it.
    pub(crate) fn squad_of_board(&self, board: &str, at: EventTime) -> Option<&SquadId> {
        let names = |squad: &Squad| squad.boards.iter().any(|known| known == board);
        if board.is_empty() {
            return None;
        }
        let effective = self.squads(at).find(|(_, squad)| names(squad)).map(|(id, _)| id);
        effective.or_else(|| {
            let ever = |versions: &Versions<Squad>| versions.iter().any(|version| names(&version.value));
            self.squads.iter().find(|(_, versions)| ever(versions)).map(|(id, _)| id)
        })
    }

    /// True when a signature approves a scope exception of a squad: by the VP of Engineering of its function at that
    /// instant; by anybody where the organisation names none.
    pub(crate) fn may_sign_exceptions(
        &self,
        squad: &SquadId,
        signer: Option<&PersonId>,
        at: EventTime,
    ) -> bool {
        let function = self.squad(squad, at).map_or("", |squad| squad.function.as_str());
        let named = self.organisation(at).map_or(&[][..], |organisation| &organisation.vps_of_engineering);
        let mut vps = named.iter().filter(|(_, of)| of.is_empty() || of == function).peekable();
        vps.peek().is_none() || vps.any(|(vp, _)| Some(vp) == signer)
    }

    /// A person at an instant.
    pub(crate) fn person(&self, person: &PersonId, at: EventTime) -> Option<&Person> {
        self.people.get(person)?.at(at)
    }

    /// Zone of a person at an instant; the organisation's where none is recorded.
    pub(crate) fn zone_of(&self, person: &PersonId, at: EventTime) -> Zone {
        self.person(person, at).and_then(|person| person.zone).unwrap_or_else(|| self.zone(at))
    }

    /// Calendar of a person at an instant; Saturday, Sunday and no holidays where none is recorded.
    pub(crate) fn calendar_of(&self, person: &PersonId, at: EventTime) -> WorkCalendar {
        self.person(person, at)
            .and_then(|person| self.calendars.get(person.calendar.as_deref()?)?.at(at))
            .cloned()
            .unwrap_or_default()
    }

    /// True when the local day of a person at an instant is one of their weekend days (R31).
    pub(crate) fn is_weekend(&self, person: &PersonId, at: EventTime) -> bool {
        let day = self.zone_of(person, at).local_day(at);
        let named = self.person(person, at).and_then(|person| person.calendar.as_deref());
        let calendar = named.and_then(|calendar| self.calendars.get(calendar)?.at(at));
        calendar.map_or_else(|| WorkCalendar::default().is_weekend(day), |calendar| calendar.is_weekend(day))
    }

    /// Squads a person belongs to at an instant, in order of id.
    pub(crate) fn squads_of(&self, person: &PersonId, at: EventTime) -> impl Iterator<Item = &SquadId> {
        self.memberships.squads_of(person, at)
    }

    /// Members of a squad at an instant, in order of id.
    pub(crate) fn members_of(&self, squad: &SquadId, at: EventTime) -> impl Iterator<Item = &PersonId> {
        self.memberships.members_of(squad, at)
    }

    /// Everybody who ever was a member of a squad, in order of id.
    pub(crate) fn ever_members_of(&self, squad: &SquadId) -> impl Iterator<Item = &PersonId> {
        self.memberships.ever_members_of(squad)
    }

    /// First instant of a person's first membership.
    pub(crate) fn first_membership(&self, person: &PersonId) -> Option<EventTime> {
        self.memberships.first_of(person)
    }

    /// Squad and system of a service at an instant.
    pub(crate) fn system_of_service(&self, service: &str, at: EventTime) -> Option<(&str, &System)> {
        self.systems.iter().find_map(|(id, versions)| {
            let system = versions.at(at)?;
            (id == service || system.services.iter().any(|known| known == service))
                .then_some((id.as_str(), system))
        })
    }

    /// Production systems of a squad that too few people are trained to respond for, in order of id.
    pub(crate) fn coverage_gaps(&self, squad: &SquadId, at: EventTime) -> impl Iterator<Item = &str> {
        self.coverage.iter().flat_map(move |coverage| {
            self.systems.iter().filter_map(move |(id, versions)| {
                let system = versions.at(at).filter(|system| system.production && system.squad == *squad);
                (system.is_some() && coverage.trained(id, at) < COVERAGE_MIN).then_some(id.as_str())
            })
        })
    }

    /// A key result at an instant.
    pub(crate) fn key_result(&self, key_result: &KeyResultId, at: EventTime) -> Option<&KeyResult> {
        self.key_results.get(key_result)?.at(at)
    }

    /// All versions of a key result.
    pub(crate) fn key_result_versions(&self, key_result: &KeyResultId) -> Option<&Versions<KeyResult>> {
        self.key_results.get(key_result)
    }

    /// Key results effective at an instant, in order of id.
    pub(crate) fn key_results(&self, at: EventTime) -> impl Iterator<Item = (&KeyResultId, &KeyResult)> {
        self.key_results.iter().filter_map(move |(id, versions)| Some((id, versions.at(at)?)))
    }

    /// The active key result of a measure for a squad, else the organisation-wide one (R35).
    pub(crate) fn key_result_of(
        &self,
        measure: Measure,
        squad: &SquadId,
        at: EventTime,
    ) -> Option<&KeyResultId> {
        let of = |wanted: Option<SquadId>| {
            let is_it = |known: &KeyResult| known.measure == measure && known.squad == wanted;
            let mut named = self.key_results_of.get(&wanted).into_iter().flatten();
            named.find(|id| self.key_result(id, at).is_some_and(is_it))
        };
        of(Some(squad.clone())).or_else(|| of(None))
    }

    /// Customer commitments effective at an instant.
    pub(crate) fn commitments(
        &self,
        at: EventTime,
    ) -> impl Iterator<Item = (&CustomerCommitmentId, &CustomerCommitment)> {
        self.commitments.iter().filter_map(move |(id, versions)| Some((id, versions.at(at)?)))
    }
}

/// Boundaries of a version that lie after an instant.
fn boundaries<T>(version: &Version<T>, now: EventTime) -> Vec<EventTime> {
    [Some(version.from), version.until].into_iter().flatten().filter(|at| *at > now).collect()
}
