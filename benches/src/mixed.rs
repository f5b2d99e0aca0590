//! The mixed workload: a quarter of an engineering organisation, in the proportions in which its tools speak.
//!
//! Of a hundred facts 64 are changes of tickets on their way through two-week sprints, 12 changes of incidents, 6 pages, 6
//! merged changes, 6 builds, 4 deployments, 1 a check-in and 1 progress of a source. Pages fall on few, as they do: the
//! first engineer of a squad's rotation carries a third. Three zones, and three key results to a squad.
//!
//! Invariant: fact `n` is the same in every run.

use bellwether_engine::{Fact, Resolved};
use bellwether_model::{EventTime, PersonId, SquadId};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb};

use crate::workload::{DAY_MS, ENGINEERS, Placed, SQUADS, Workload, next, person_id, squad_id};

const SEED: u64 = 0x0B11_0E77_2026;
const SPRINT_DAYS: i64 = 14;
/// Between the sprint changes of one squad and the next.
const STAGGER_MS: i64 = 60_000;
/// Tickets of a squad under way at once.
const UNDER_WAY: u64 = 24;
/// Changes in the life of a ticket.
const STAGES: u64 = 8;
const JIRA: &str = "jira://bench";
const PAGERDUTY: &str = "pagerduty://bench";
const GITHUB: &str = "github://bench";
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata"];
const KEY_RESULTS: [(&str, f64, bool); 3] = [("O1.1", 90.0, true), ("O2", 4.0, false), ("O2.1", 1.5, false)];

/// Reference data beside squads, memberships and identities: zones of people and key results.
pub(crate) fn reference(workload: &Workload) -> Vec<Event> {
    let at = workload.before();
    let mut events = Vec::new();
    for squad in 0..SQUADS {
        for engineer in 0..ENGINEERS {
            let person = person_id(squad, engineer);
            let recorded = pb::PersonRecorded {
                person: person.clone(),
                zone: ZONES[(squad % 3) as usize].to_owned(),
                ..Default::default()
            };
            events.push(Event::new("bench://reference", format!("person/{person}"), at, recorded));
            for source in [JIRA, PAGERDUTY] {
                let pb::Identity { external_id, .. } = identity(source, squad, engineer);
                let id = format!("identity/{source}/{external_id}");
                let recorded = pb::IdentityRecorded {
                    source: source.to_owned(),
                    external_id,
                    person: person.clone(),
                    ..Default::default()
                };
                events.push(Event::new("bench://reference", id, at, recorded));
            }
        }
        for (measure, target, higher) in KEY_RESULTS {
            let id = key_result_id(squad, measure);
            let direction = if higher { pb::Direction::HigherIsBetter } else { pb::Direction::LowerIsBetter };
            let recorded = pb::KeyResultRecorded {
                key_result: id.clone(),
                measure: measure.to_owned(),
                kind: pb::KeyResultKind::HoldLevel.into(),
                direction: direction.into(),
                target,
                owner: person_id(squad, 0),
                squad: squad_id(squad),
                ..Default::default()
            };
            events.push(Event::new("bench://reference", format!("key-result/{id}"), at, recorded));
        }
    }
    events
}

/// The facts of a workload in the order of time.
pub(crate) fn facts(workload: Workload) -> impl Iterator<Item = Placed> {
    let mut mixed =
        Mixed { workload, seed: SEED, n: 0, sprints: 0, changes: [0; SQUADS as usize], open: Vec::new() };
    std::iter::from_fn(move || mixed.next())
}

struct Mixed {
    workload: Workload,
    seed: u64,
    n: u64,
    /// Sprint transitions said so far.
    sprints: i64,
    /// Ticket changes of each squad.
    changes: [u64; SQUADS as usize],
    /// Incidents to be acknowledged and resolved.
    open: Vec<(u64, u64, u64)>,
}

impl Mixed {
    fn next(&mut self) -> Option<Placed> {
        if self.n == self.workload.facts {
            return None;
        }
        let at = self.workload.time_of(self.n);
        self.n += 1;
        let n = self.n;
        if let Some(placed) = self.sprint(at) {
            return Some(placed);
        }
        let squad = next(&mut self.seed) % SQUADS;
        let x = next(&mut self.seed) % 100;
        let fact = match x {
            0..64 => self.ticket(n, squad, at),
            64..76 => self.incident(n, squad, at),
            76..82 => self.page(n, squad, at),
            82..88 => self.merged(n, squad, at),
            88..94 => build(n, squad, at),
            94..98 => self.deployment(n, squad, at),
            98 => check_in(n, squad, at),
            _ => progress(n, at),
        };
        Some(Placed { at, squad, fact })
    }

    /// The next transition of a sprint, when its time has come: each squad closes one and activates the next.
    fn sprint(&mut self, at: EventTime) -> Option<Placed> {
        let per_round = 2 * SQUADS as i64;
        let (round, place) = (self.sprints / per_round, self.sprints % per_round);
        let squad = place as u64 / 2;
        let due = self.workload.start_ms + round * SPRINT_DAYS * DAY_MS + (place / 2) * STAGGER_MS;
        if at.ms() < due {
            return None;
        }
        self.sprints += 1;
        let planned_end = Some(instant::timestamp(EventTime::from_ms(due + SPRINT_DAYS * DAY_MS)));
        let payload: Payload = if place % 2 == 0 {
            pb::SprintClosed {
                sprint: sprint_id(squad, round - 1),
                squad: squad_id(squad),
                at: Some(instant::timestamp(at)),
                ..Default::default()
            }
            .into()
        } else {
            pb::SprintActivated {
                sprint: sprint_id(squad, round),
                squad: squad_id(squad),
                name: format!("Sprint {round}"),
                planned_end,
                at: Some(instant::timestamp(at)),
                ..Default::default()
            }
            .into()
        };
        let fact = of_squad(Event::new(JIRA, format!("sprint/{}", self.sprints), at, payload), squad);
        Some(Placed { at, squad, fact })
    }

    /// A ticket is written, estimated, begun, reviewed, re-estimated now and then, done, and touched after it.
    fn ticket(&mut self, n: u64, squad: u64, at: EventTime) -> Fact {
        let change = self.changes[squad as usize];
        self.changes[squad as usize] += 1;
        let ticket = change / (UNDER_WAY * STAGES) * UNDER_WAY + change % UNDER_WAY;
        let stage = change / UNDER_WAY % STAGES;
        let round = (at.ms() - self.workload.start_ms) / (SPRINT_DAYS * DAY_MS);
        let category = match stage {
            0 | 1 => pb::StatusCategory::Todo,
            2..=5 => pb::StatusCategory::InProgress,
            _ => pb::StatusCategory::Done,
        };
        let points = (1 + ticket % 5) as f64 + f64::from(u8::from(stage >= 4 && ticket.is_multiple_of(9)));
        let author = identity(JIRA, squad, next(&mut self.seed) % ENGINEERS);
        let assignee = identity(JIRA, squad, ticket % ENGINEERS);
        let message = pb::TicketChanged {
            ticket: ticket_id(squad, ticket),
            key: format!("S{squad}-{ticket}"),
            actor: Some(pb::Actor { kind: pb::ActorKind::Human.into(), identity: Some(author.clone()) }),
            kind: pb::TicketKind::Story.into(),
            squad: squad_id(squad),
            board: format!("board-{squad}"),
            sprint: if stage > 0 { sprint_id(squad, round) } else { String::new() },
            points: (stage > 0).then_some(points),
            size: if stage > 0 { "M".into() } else { String::new() },
            status: format!("{category:?}"),
            category: category.into(),
            assignee: (stage > 1).then(|| assignee.clone()),
            labels: vec!["backend".into()],
            interrupt: ticket.is_multiple_of(25),
            version: n.to_string(),
            basis: pb::Basis::Webhook.into(),
            ..Default::default()
        };
        let mut fact = of_squad(Event::new(JIRA, format!("history/{n}"), at, message), squad);
        fact.resolved.push(resolved(&author));
        if stage > 1 && assignee != author {
            fact.resolved.push(resolved(&assignee));
        }
        fact
    }

    /// What was opened by a page is acknowledged and resolved, now and then escalated.
    fn incident(&mut self, n: u64, squad: u64, at: EventTime) -> Fact {
        let oldest = self.open.iter().position(|(of, _, _)| *of == squad);
        let (squad, incident, change) = match oldest {
            Some(place) if self.open[place].2 < 2 => {
                self.open[place].2 += 1;
                let (_, incident, told) = self.open[place];
                let change = match told {
                    1 if incident % 8 == 0 => pb::IncidentChange::Escalated,
                    1 => pb::IncidentChange::Acknowledged,
                    _ => pb::IncidentChange::Resolved,
                };
                (squad, incident, change)
            }
            Some(place) => {
                let (_, incident, _) = self.open.remove(place);
                (squad, incident, pb::IncidentChange::PriorityChanged)
            }
            None => (squad, n, pb::IncidentChange::Opened),
        };
        let message = pb::IncidentChanged {
            incident: incident_id(incident),
            change: change.into(),
            service: format!("svc-{squad}"),
            urgency: pb::Urgency::High.into(),
            basis: pb::Basis::Webhook.into(),
            ..Default::default()
        };
        of_squad(Event::new(PAGERDUTY, format!("log/{n}"), at, message), squad)
    }

    fn page(&mut self, n: u64, squad: u64, at: EventTime) -> Fact {
        self.open.push((squad, n, 0));
        // A third for the first of the present rotation, the rest spread.
        let turn = (at.ms() / (7 * DAY_MS)) as u64 + squad;
        let engineer = if next(&mut self.seed).is_multiple_of(3) {
            turn % ENGINEERS
        } else {
            (turn + 1 + next(&mut self.seed) % 5) % ENGINEERS
        };
        let responder = identity(PAGERDUTY, squad, engineer);
        let message = pb::PageNotified {
            incident: incident_id(n),
            responder: Some(responder.clone()),
            channel: pb::PageChannel::Push.into(),
            urgency: pb::Urgency::High.into(),
            service: format!("svc-{squad}"),
            basis: pb::Basis::NotificationLog.into(),
            ..Default::default()
        };
        let mut fact = of_squad(Event::new(PAGERDUTY, format!("log/{n}"), at, message), squad);
        fact.resolved.push(resolved(&responder));
        fact
    }

    /// A ticket that is under way, by its place in its squad.
    fn a_ticket(&mut self, squad: u64) -> String {
        let change = self.changes[squad as usize];
        let first = change / (UNDER_WAY * STAGES) * UNDER_WAY;
        ticket_id(squad, first + next(&mut self.seed) % UNDER_WAY)
    }

    fn merged(&mut self, n: u64, squad: u64, at: EventTime) -> Fact {
        let message = pb::ChangeMerged {
            change: format!("repo-{squad}#{n}"),
            repository: format!("repo-{squad}"),
            commits: vec![commit(n)],
            tickets: vec![self.a_ticket(squad)],
            first_commit_at: Some(instant::timestamp(EventTime::from_ms(at.ms() - DAY_MS))),
            merged_at: Some(instant::timestamp(at)),
            ..Default::default()
        };
        Fact::new(Event::new(GITHUB, format!("merge/{n}"), at, message))
    }

    fn deployment(&mut self, n: u64, squad: u64, at: EventTime) -> Fact {
        let tickets = vec![self.a_ticket(squad), self.a_ticket(squad)];
        let message = pb::DeploymentFinished {
            deployment: format!("deploy-{n}"),
            service: format!("svc-{squad}"),
            environment: "production".into(),
            outcome: pb::Outcome::Succeeded.into(),
            ended_at: Some(instant::timestamp(at)),
            commits: vec![commit(n)],
            tickets,
            ..Default::default()
        };
        Fact::new(Event::new(GITHUB, format!("deploy/{n}"), at, message))
    }
}

fn build(n: u64, squad: u64, at: EventTime) -> Fact {
    let message = pb::BuildFinished {
        pipeline: format!("pipeline-{squad}"),
        service: format!("svc-{squad}"),
        outcome: pb::Outcome::Succeeded.into(),
        started_at: Some(instant::timestamp(EventTime::from_ms(at.ms() - 300_000))),
        ended_at: Some(instant::timestamp(at)),
        ..Default::default()
    };
    of_squad(Event::new(GITHUB, format!("build/{n}"), at, message), squad)
}

fn check_in(n: u64, squad: u64, at: EventTime) -> Fact {
    let owner = pb::Identity { source: String::new(), external_id: person_id(squad, 0) };
    let message = pb::CheckInFiled {
        key_result: key_result_id(squad, KEY_RESULTS[(n % 3) as usize].0),
        actor: Some(pb::Actor { kind: pb::ActorKind::Human.into(), identity: Some(owner.clone()) }),
        report: Some(pb::check_in_filed::Report::NoChange(true)),
        evidence: vec!["https://example.org/evidence".into()],
        ..Default::default()
    };
    let mut fact = of_squad(Event::new("form://bench", format!("check-in/{n}"), at, message), squad);
    fact.resolved.push(resolved(&owner));
    fact
}

fn progress(n: u64, at: EventTime) -> Fact {
    let message = pb::SourceProgressed {
        source: JIRA.into(),
        complete_through: Some(instant::timestamp(at)),
        ..Default::default()
    };
    Fact::new(Event::new(JIRA, format!("progress/{n}"), at, message))
}

fn of_squad(event: Event, squad: u64) -> Fact {
    Fact { event, squads: vec![SquadId::from(squad_id(squad).as_str())], resolved: Vec::new() }
}

fn identity(source: &str, squad: u64, engineer: u64) -> pb::Identity {
    pb::Identity { source: source.into(), external_id: format!("5f3c{}", person_id(squad, engineer)) }
}

fn resolved(identity: &pb::Identity) -> Resolved {
    let person = identity.external_id.trim_start_matches("5f3c");
    Resolved {
        source: identity.source.clone(),
        external_id: identity.external_id.clone(),
        person: PersonId::from(person),
    }
}

fn key_result_id(squad: u64, measure: &str) -> String {
    format!("kr-{squad:03}-{measure}")
}

fn sprint_id(squad: u64, round: i64) -> String {
    format!("sprint-{squad:03}-{round}")
}

fn ticket_id(squad: u64, ticket: u64) -> String {
    format!("{}", 10_000_000 + squad * 100_000 + ticket)
}

fn incident_id(n: u64) -> String {
    format!("Q{n:013X}")
}

fn commit(n: u64) -> String {
    format!("{:016x}{n:024x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
