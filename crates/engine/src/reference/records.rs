//! What each reference record says, and how it enters the store.

use std::collections::BTreeMap;

use bellwether_model::Decimal;
use bellwether_model::EventTime;
use bellwether_model::FiscalCalendar;
use bellwether_model::PolicyScope;
use bellwether_model::WorkCalendar;
use bellwether_model::{CustomerCommitmentId, KeyResultId, PersonId, SquadId};
use bellwether_model::{Direction, KeyResultKind, Measure};
use bellwether_model::{LocalDay, Zone};
use bellwether_wire::envelope::Event;
use bellwether_wire::instant::{self, Timestamp};
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use super::people::MembershipSpan;
use super::{Changed, Reference, boundaries};
use crate::versions::{Version, Versions};

/// The organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Organisation {
    /// Zone whose days the quarter counts.
    pub zone: Zone,
    /// Quarters.
    pub fiscal: FiscalCalendar,
    /// Holders of the role VP of Engineering, each with the function served; empty for all.
    pub vps_of_engineering: Vec<(PersonId, String)>,
}

/// A person, without the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Zone, where recorded.
    pub zone: Option<Zone>,
    /// Calendar id, where recorded.
    pub calendar: Option<String>,
    /// Function.
    pub function: String,
}

/// A squad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Squad {
    /// Function: the org unit that shares a CTO.
    pub function: String,
    /// Parent org unit.
    pub parent: String,
    /// Boards, projects or teams whose tickets are the squad's.
    pub boards: Vec<String>,
    /// Sources that must be complete before silence counts; empty for all.
    pub sources: Vec<String>,
}

/// A system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct System {
    /// Owning squad.
    pub squad: SquadId,
    /// Services that are it.
    pub services: Vec<String>,
    /// True for production.
    #[serde(default)]
    pub production: bool,
}

/// Days somebody is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Absence {
    /// Who.
    pub person: PersonId,
    /// First day.
    pub from: LocalDay,
    /// Last day.
    pub through: LocalDay,
}

/// A key result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyResult {
    /// What is measured.
    pub measure: Measure,
    /// How it is judged.
    pub kind: KeyResultKind,
    /// Which way is better.
    pub direction: Direction,
    /// Where it started.
    pub baseline: Decimal,
    /// Where it is to go.
    pub target: Decimal,
    /// Owner.
    pub owner: PersonId,
    /// Who may check in besides the owner.
    pub delegates: Vec<PersonId>,
    /// Owning squad; `None` for the whole organisation.
    pub squad: Option<SquadId>,
    /// Service-level objectives it is measured by; empty for all.
    #[serde(default)]
    pub slos: Vec<String>,
    /// Planned curve: pairs of share elapsed and share planned.
    pub curve: Vec<(Decimal, Decimal)>,
    /// Unit of its values, for people; `%` says that shares are written in percent.
    pub unit: String,
    /// True when pace is watched though the measure is not among the watched ones.
    pub watch_pace: bool,
    /// False when no update windows are due.
    pub update_windows: bool,
    /// When it became known.
    pub recorded: EventTime,
    /// First instant it holds.
    pub from: EventTime,
}

/// Something promised to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomerCommitment {
    /// Dependencies it depends on.
    pub dependencies: Vec<String>,
    /// Tickets it depends on.
    pub tickets: Vec<String>,
    /// Key results it depends on.
    pub key_results: Vec<String>,
}

pub(super) fn record(reference: &mut Reference, event: &Event, now: EventTime) -> Changed {
    let mut entry = Entry { at: event.time, now, changed: Changed::default() };
    match &event.payload {
        Payload::OrganisationRecorded(message) => match organisation(message) {
            Ok(value) => {
                entry.add(
                    &mut reference.organisation,
                    value,
                    &message.effective_from,
                    &message.effective_until,
                );
                entry.changed.people = true;
            }
            Err(reason) => entry.changed.refused = Some(reason),
        },
        Payload::PersonRecorded(message) => match optional_zone(&message.zone) {
            Ok(zone) => {
                let person = Person {
                    zone,
                    calendar: nonempty(&message.calendar),
                    function: message.function.clone(),
                };
                let versions = reference.people.of(&id(&message.person));
                entry.add(versions, person, &message.effective_from, &message.effective_until);
                entry.changed.people = true;
            }
            Err(reason) => entry.changed.refused = Some(reason),
        },
        Payload::SquadRecorded(message) => {
            let squad = Squad {
                function: message.function.clone(),
                parent: message.parent.clone(),
                boards: message.boards.clone(),
                sources: message.sources.clone(),
            };
            let versions = reference.squads.of(&SquadId::from(message.squad.as_str()));
            entry.add(versions, squad, &message.effective_from, &message.effective_until);
        }
        Payload::MembershipRecorded(message) => {
            let from = instant::optional(message.effective_from.as_ref()).unwrap_or(entry.at);
            let until = instant::optional(message.effective_until.as_ref());
            let span = MembershipSpan {
                id: membership_id(message).into(),
                person: id(&message.person),
                squad: SquadId::from(message.squad.as_str()),
                from,
                until,
            };
            entry.changed.boundaries.extend([Some(from), until].into_iter().flatten().filter(|at| *at > now));
            reference.memberships.record(span);
            entry.changed.people = true;
        }
        Payload::SystemRecorded(message) => {
            let system = System {
                squad: SquadId::from(message.squad.as_str()),
                services: message.services.clone(),
                production: message.production,
            };
            let versions = reference.systems.entry(message.system.clone()).or_default();
            entry.add(versions, system, &message.effective_from, &message.effective_until);
            // Pages of people in two squads count by the owner of the service (R32).
            entry.changed.people = true;
        }
        Payload::CoverageRecorded(message) => {
            if let Some(coverage) = &mut reference.coverage {
                let version = entry.version((), &message.effective_from, &message.effective_until);
                entry.changed.boundaries.extend(boundaries(&version, now));
                coverage.record(&message.system, &message.person, version);
                entry.changed.coverage = true;
            }
        }
        Payload::CalendarRecorded(message) => match calendar(message) {
            Ok(value) => {
                let versions = reference.calendars.entry(message.calendar.clone()).or_default();
                entry.add(versions, value, &message.effective_from, &message.effective_until);
                entry.changed.people = true;
            }
            Err(reason) => entry.changed.refused = Some(reason),
        },
        Payload::AbsenceRecorded(message) => match absence(message) {
            Ok(value) => {
                let versions = reference.absences.entry(message.absence.clone()).or_default();
                entry.add(versions, value, &message.effective_from, &message.effective_until);
            }
            Err(reason) => entry.changed.refused = Some(reason),
        },
        Payload::KeyResultRecorded(message) => match key_result(message, entry.at) {
            Ok(value) => {
                let key = KeyResultId::from(message.key_result.as_str());
                reference.key_results_of.entry(value.squad.clone()).or_default().insert(key.clone());
                let versions = reference.key_results.of(&key);
                entry.add(versions, value, &message.effective_from, &message.effective_until);
                entry.changed.key_results.push(key);
            }
            Err(reason) => entry.changed.refused = Some(reason),
        },
        Payload::CustomerCommitmentRecorded(message) => {
            let commitment = CustomerCommitment {
                dependencies: message.depends_on_dependencies.clone(),
                tickets: message.depends_on_tickets.clone(),
                key_results: message.depends_on_key_results.clone(),
            };
            let key = CustomerCommitmentId::from(message.customer_commitment.as_str());
            let versions = reference.commitments.entry(key).or_default();
            entry.add(versions, commitment, &message.effective_from, &message.effective_until);
        }
        Payload::EscalationPolicyRecorded(message) => {
            if let Some(policies) = &mut reference.policies {
                let scope = PolicyScope {
                    rules: message.rules.clone(),
                    key_results: message.key_results.clone(),
                    org_units: message.org_units.clone(),
                };
                let versions = policies.entry(message.escalation_policy.clone()).or_default();
                // No rule looks at policies, so that their bounds are no reason to look again (R8).
                versions.record(entry.version(scope, &message.effective_from, &message.effective_until));
            }
        }
        Payload::ThresholdsRecorded(message) => {
            let mut check = reference.base_thresholds.clone();
            let mut values = BTreeMap::new();
            for (key, value) in &message.values {
                match check.set(key, value) {
                    Ok(()) => {
                        values.insert(key.clone(), value.clone());
                    }
                    Err(error) => entry.changed.refused = Some(error.to_string()),
                }
            }
            let versions = reference.threshold_sets.entry(message.thresholds.clone()).or_default();
            entry.add(versions, values, &message.effective_from, &message.effective_until);
            entry.changed.people = true;
            reference.refresh(now);
        }
        Payload::Tombstone { type_name } => end(reference, event, type_name, &mut entry),
        _ => {}
    }
    entry.changed
}

/// Ends the datum a tombstone names: the last path segment of its subject, or the subject itself.
fn end(reference: &mut Reference, event: &Event, type_name: &str, entry: &mut Entry) {
    let Some(subject) = event.subject.as_deref().or(Some(event.id.id.as_str())) else { return };
    let at = entry.at;
    if at > entry.now {
        entry.changed.boundaries.push(at);
    }
    let thing = type_name.split('.').nth(1).unwrap_or_default();
    match thing {
        "organisation" => reference.organisation.end(at),
        "person" => end_one(reference.people.get_mut(&id(subject)), at),
        "squad" => end_one(reference.squads.get_mut(&SquadId::from(subject)), at),
        "membership" => reference.memberships.end(subject, at),
        "system" => end_one(reference.systems.get_mut(subject), at),
        "coverage" => {
            if let Some(coverage) = &mut reference.coverage {
                coverage.end(subject, at);
            }
            entry.changed.coverage = true;
            return;
        }
        "calendar" => end_one(reference.calendars.get_mut(subject), at),
        "absence" => end_one(reference.absences.get_mut(subject), at),
        "key-result" => {
            let key = KeyResultId::from(subject);
            end_one(reference.key_results.get_mut(&key), at);
            entry.changed.key_results.push(key);
        }
        "customer-commitment" => end_one(reference.commitments.get_mut(subject), at),
        "escalation-policy" => {
            end_one(reference.policies.as_mut().and_then(|policies| policies.get_mut(subject)), at);
            return;
        }
        "thresholds" => {
            end_one(reference.threshold_sets.get_mut(subject), at);
            reference.refresh(entry.now);
        }
        _ => return,
    }
    entry.changed.people = true;
}

fn end_one<T>(versions: Option<&mut Versions<T>>, at: EventTime) {
    if let Some(versions) = versions {
        versions.end(at);
    }
}

struct Entry {
    at: EventTime,
    now: EventTime,
    changed: Changed,
}

impl Entry {
    fn add<T>(
        &mut self,
        versions: &mut Versions<T>,
        value: T,
        from: &Option<Timestamp>,
        until: &Option<Timestamp>,
    ) {
        let version = self.version(value, from, until);
        self.changed.boundaries.extend(boundaries(&version, self.now));
        versions.record(version);
    }

    fn version<T>(&self, value: T, from: &Option<Timestamp>, until: &Option<Timestamp>) -> Version<T> {
        Version {
            recorded: self.at,
            from: instant::optional(from.as_ref()).unwrap_or(self.at),
            until: instant::optional(until.as_ref()),
            value,
        }
    }
}

/// Id of a membership: its own, else person and squad.
pub(crate) fn membership_id(message: &pb::MembershipRecorded) -> String {
    if message.membership.is_empty() {
        format!("{}/{}", message.person, message.squad)
    } else {
        message.membership.clone()
    }
}

fn organisation(message: &pb::OrganisationRecorded) -> Result<Organisation, String> {
    let zone = optional_zone(&message.zone)?.unwrap_or(Zone::UTC);
    let day = |text: &str| LocalDay::parse(text).map_err(|error| format!("organisation: {error}"));
    let configured = message
        .quarters
        .iter()
        .map(|quarter| Ok((quarter.quarter.clone(), day(&quarter.starts_on)?)))
        .collect::<Result<Vec<_>, String>>()?;
    let fiscal_start = match (message.fiscal_start.as_str(), configured.first()) {
        ("", Some((_, first))) => *first,
        (text, _) => day(text)?,
    };
    let fiscal = FiscalCalendar::new(zone, fiscal_start, configured)
        .map_err(|error| format!("organisation {}: {error}", message.organisation))?;
    let vps = message.roles.iter().filter(|holder| holder.role() == pb::Role::VpEngineering);
    let vps_of_engineering = vps.map(|holder| (id(&holder.person), holder.function.clone())).collect();
    Ok(Organisation { zone, fiscal, vps_of_engineering })
}

fn calendar(message: &pb::CalendarRecorded) -> Result<WorkCalendar, String> {
    let of = |error: bellwether_model::Error| format!("calendar {}: {error}", message.calendar);
    let holidays =
        message.holidays.iter().map(|day| LocalDay::parse(day).map_err(of)).collect::<Result<Vec<_>, _>>()?;
    WorkCalendar::from_iso(message.weekend_days.iter().copied(), holidays).map_err(of)
}

fn absence(message: &pb::AbsenceRecorded) -> Result<Absence, String> {
    let day =
        |text: &str| LocalDay::parse(text).map_err(|error| format!("absence {}: {error}", message.absence));
    Ok(Absence {
        person: id(&message.person),
        from: day(&message.from_day)?,
        through: day(&message.through_day)?,
    })
}

fn key_result(message: &pb::KeyResultRecorded, recorded: EventTime) -> Result<KeyResult, String> {
    let what = &message.key_result;
    let decimal = |name: &str, value: f64| {
        Decimal::from_f64(value).ok_or_else(|| format!("key result {what}: {name} {value} is out of range"))
    };
    let measure = match message.measure.as_str() {
        "" => Measure::Custom,
        text => Measure::parse(text).map_err(|error| format!("key result {what}: {error}"))?,
    };
    let kind = match message.kind() {
        pb::KeyResultKind::Accumulate => KeyResultKind::Accumulate,
        pb::KeyResultKind::ReachLevel => KeyResultKind::ReachLevel,
        pb::KeyResultKind::HoldLevel => KeyResultKind::HoldLevel,
        pb::KeyResultKind::Unspecified => {
            if measure == Measure::Custom {
                KeyResultKind::Accumulate
            } else {
                KeyResultKind::HoldLevel
            }
        }
    };
    let baseline = decimal("baseline", message.baseline)?;
    let target = decimal("target", message.target)?;
    let direction = match message.direction() {
        pb::Direction::HigherIsBetter => Direction::HigherIsBetter,
        pb::Direction::LowerIsBetter => Direction::LowerIsBetter,
        pb::Direction::Unspecified => direction_of(measure, baseline, target),
    };
    let curve = message
        .curve
        .iter()
        .map(|point| Ok((decimal("curve", point.elapsed)?, decimal("curve", point.planned)?)))
        .collect::<Result<Vec<_>, String>>()?;
    Ok(KeyResult {
        measure,
        kind,
        direction,
        baseline,
        target,
        owner: id(&message.owner),
        delegates: message.delegates.iter().map(|delegate| id(delegate)).collect(),
        squad: nonempty(&message.squad).map(|squad| SquadId::from(squad.as_str())),
        slos: message.slos.clone(),
        curve,
        unit: message.unit.clone(),
        watch_pace: message.watch_pace,
        update_windows: !message.no_update_window,
        recorded,
        from: instant::optional(message.effective_from.as_ref()).unwrap_or(recorded),
    })
}

/// The good direction where none is recorded: that of the measure, else the way from the baseline to the target.
fn direction_of(measure: Measure, baseline: Decimal, target: Decimal) -> Direction {
    match measure {
        Measure::O12 | Measure::O13 | Measure::O2 | Measure::O21 | Measure::O23 => Direction::LowerIsBetter,
        Measure::O11 | Measure::O22 | Measure::O31 | Measure::O32 | Measure::O33 => Direction::HigherIsBetter,
        Measure::Custom if target < baseline => Direction::LowerIsBetter,
        Measure::Custom => Direction::HigherIsBetter,
    }
}

fn optional_zone(text: &str) -> Result<Option<Zone>, String> {
    match text {
        "" => Ok(None),
        name => Zone::parse(name).map(Some).map_err(|error| error.to_string()),
    }
}

fn nonempty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn id(person: &str) -> PersonId {
    PersonId::from(person)
}
