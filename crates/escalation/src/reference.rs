//! The reference data that escalations use: who holds which role, where, in which zone, under which policy.
//!
//! Names never enter: of a person only zone and calendar are kept. Memberships and absences are read and change
//! nothing here: roles are held by data of squads and of the organisation, and a role whose holder is away is not
//! vacant.

mod organisation;
mod record;

use std::collections::BTreeMap;

use bellwether_model::{
    EventTime, FiscalCalendar, KeyResultId, PersonId, Quarter, SquadId, Thresholds, WorkCalendar, Zone,
};
use bellwether_wire::Event;

pub(crate) use organisation::Organisation;

use crate::policy::RecordedPolicy;
use crate::versions::{Version, Versions};

/// What is known of a person.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// Zone; that of the organisation when absent.
    pub(crate) zone: Option<Zone>,
    /// Calendar; Saturday and Sunday off when absent.
    pub(crate) calendar: String,
}

/// What is known of a squad.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Squad {
    /// Engineering manager; empty for none.
    pub(crate) em: String,
    /// Parent org unit; empty for none.
    pub(crate) parent: String,
    /// Function; empty for none.
    pub(crate) function: String,
}

/// All reference data known to the escalator.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    organisation: Versions<Organisation>,
    people: BTreeMap<PersonId, Versions<Person>>,
    squads: BTreeMap<SquadId, Versions<Squad>>,
    /// Owner of each key result.
    owners: BTreeMap<KeyResultId, Versions<String>>,
    calendars: BTreeMap<String, Versions<WorkCalendar>>,
    policies: BTreeMap<String, Versions<RecordedPolicy>>,
    threshold_sets: BTreeMap<String, Versions<BTreeMap<String, String>>>,
    base_thresholds: Thresholds,
}

impl Reference {
    /// Nothing known, with the thresholds that count before any are recorded.
    pub(crate) fn new(base_thresholds: Thresholds) -> Self {
        Self {
            organisation: Versions::default(),
            people: BTreeMap::new(),
            squads: BTreeMap::new(),
            owners: BTreeMap::new(),
            calendars: BTreeMap::new(),
            policies: BTreeMap::new(),
            threshold_sets: BTreeMap::new(),
            base_thresholds,
        }
    }

    /// Takes a reference event; what cannot be read changes nothing.
    pub(crate) fn record(&mut self, event: &Event) {
        record::record(self, event);
    }

    /// The organisation at an instant.
    pub(crate) fn organisation(&self, at: EventTime) -> Option<&Organisation> {
        self.organisation.at(at)
    }

    /// Zone of the organisation; UTC while none is known.
    pub(crate) fn zone(&self, at: EventTime) -> Zone {
        self.organisation(at).map_or(Zone::UTC, |organisation| organisation.zone)
    }

    /// The quarter of an instant. While no organisation is known, quarters begin with the year, UTC.
    pub(crate) fn quarter(&self, at: EventTime) -> Option<Quarter> {
        match self.organisation(at) {
            Some(organisation) => Some(organisation.fiscal.quarter_at(at)),
            None => {
                let year = Zone::UTC.local_day(at).year();
                let first = bellwether_model::LocalDay::from_ymd(year, 1, 1)?;
                let none: [(&str, _); 0] = [];
                FiscalCalendar::new(Zone::UTC, first, none).ok().map(|fiscal| fiscal.quarter_at(at))
            }
        }
    }

    /// A squad at an instant.
    pub(crate) fn squad(&self, squad: &str, at: EventTime) -> Option<&Squad> {
        self.squads.get(squad).and_then(|versions| versions.at(at))
    }

    /// All squads at an instant, in the order of their ids.
    pub(crate) fn squads(&self, at: EventTime) -> impl Iterator<Item = (&SquadId, &Squad)> {
        self.squads.iter().filter_map(move |(id, versions)| Some((id, versions.at(at)?)))
    }

    /// The recorded owner of a key result at an instant, with the instant it was recorded.
    pub(crate) fn owner(&self, key_result: &str, at: EventTime) -> Option<(EventTime, &str)> {
        let version = self.owners.get(key_result)?.version_at(at)?;
        Some((version.recorded, version.value.as_str()))
    }

    /// False for a person who was recorded and has ended or not begun: nobody is reached there.
    pub(crate) fn is_reachable(&self, person: &str, at: EventTime) -> bool {
        self.people.get(person).is_none_or(|versions| versions.at(at).is_some() || !versions.is_known(at))
    }

    /// Zone of a person at an instant; that of the organisation where none is recorded.
    pub(crate) fn zone_of(&self, person: &str, at: EventTime) -> Zone {
        let own = self.people.get(person).and_then(|versions| versions.at(at)).and_then(|person| person.zone);
        own.unwrap_or_else(|| self.zone(at))
    }

    /// Calendar of a person at an instant.
    pub(crate) fn calendar_of(&self, person: &str, at: EventTime) -> WorkCalendar {
        self.people
            .get(person)
            .and_then(|versions| versions.at(at))
            .and_then(|person| self.calendars.get(&person.calendar)?.at(at))
            .cloned()
            .unwrap_or_default()
    }

    /// All policies at an instant, in the order of their ids.
    pub(crate) fn policies(&self, at: EventTime) -> impl Iterator<Item = (&str, &Version<RecordedPolicy>)> {
        self.policies.iter().filter_map(move |(id, versions)| Some((id.as_str(), versions.version_at(at)?)))
    }

    /// The version of a policy that was recorded at an instant, given as text, as it was in force at another; `None`
    /// where it is not kept.
    pub(crate) fn policy_version(
        &self,
        policy: &str,
        recorded: &str,
        at: EventTime,
    ) -> Option<(&str, &Version<RecordedPolicy>)> {
        let recorded = EventTime::parse(recorded).ok()?;
        let (id, versions) = self.policies.get_key_value(policy)?;
        Some((id, versions.recorded_at(recorded, at)?))
    }

    /// Thresholds in force at an instant: the base, then every set, the one effective last last.
    pub(crate) fn thresholds(&self, at: EventTime) -> Thresholds {
        let mut sets: Vec<_> = self
            .threshold_sets
            .iter()
            .filter_map(|(id, versions)| versions.version_at(at).map(|version| (id, version)))
            .collect();
        sets.sort_by_key(|(id, version)| (version.from, version.recorded, *id));
        let mut thresholds = self.base_thresholds.clone();
        for (key, value) in sets.into_iter().flat_map(|(_, version)| &version.value) {
            // A value that the table refuses is refused by everybody; the default stays.
            let _ = thresholds.set(key, value);
        }
        thresholds
    }
}
