//! A small organisation, a trigger builder, and a world that says what happened in lines a person can read.
//!
//! Time is hours since [`START`], Monday 2026-01-05 09:00 UTC, the first day of a quarter of 13 weeks in UTC. Week 8 has
//! passed at [`WEEK_8`]; three weeks before the end is [`T_3_WEEKS`].

use std::collections::BTreeMap;

use bellwether_escalation::{Escalator, Options, Output, contract};
use bellwether_model::{EventTime, Millis};
use bellwether_wire::ids::{HashKey, pseudonym};
use bellwether_wire::{Event, Payload, instant, pb};

/// 2026-01-05T09:00:00Z.
pub(crate) const START: EventTime = EventTime::from_ms(1_767_603_600_000);

/// Quarter start + 56 days, in hours since [`START`].
pub(crate) const WEEK_8: i64 = 56 * 24 - 9;

/// Quarter end - 21 days, in hours since [`START`].
pub(crate) const T_3_WEEKS: i64 = 70 * 24 - 9;

const PEOPLE: [&str; 11] = ["ana", "bo", "cy", "olga", "plat", "vp", "cto", "chro", "cfo", "eva", "ines"];

/// An instant, in hours since the start.
pub(crate) fn hour(hours: i64) -> EventTime {
    START.plus(Millis::hours(hours))
}

/// An instant, in minutes since the start.
pub(crate) fn minute(minutes: i64) -> EventTime {
    START.plus(Millis::minutes(minutes))
}

/// The pseudonym that the escalator uses for a person.
pub(crate) fn alias(person: &str) -> String {
    pseudonym(&HashKey::ZERO, person)
}

/// An event of the reference topic, recorded at an instant.
pub(crate) fn recorded(at: EventTime, payload: impl Into<Payload>) -> Event {
    Event::new("form://admin", format!("reference/{}", at.ms()), at, payload)
}

/// The organisation: everybody's role held.
pub(crate) fn organisation() -> pb::OrganisationRecorded {
    let holder = |role: pb::Role, person: &str| pb::RoleHolder {
        role: role.into(),
        person: person.to_owned(),
        function: String::new(),
    };
    pb::OrganisationRecorded {
        organisation: "org".to_owned(),
        zone: "UTC".to_owned(),
        fiscal_start: "2026-01-05".to_owned(),
        roles: vec![
            holder(pb::Role::VpEngineering, "vp"),
            holder(pb::Role::Cto, "cto"),
            holder(pb::Role::Chro, "chro"),
            holder(pb::Role::Cfo, "cfo"),
            holder(pb::Role::PlatformLead, "plat"),
        ],
        ..Default::default()
    }
}

/// The organisation without some of its role holders.
pub(crate) fn organisation_without(vacant: &[pb::Role]) -> pb::OrganisationRecorded {
    let mut organisation = organisation();
    organisation.roles.retain(|holder| !vacant.contains(&holder.role()));
    organisation
}

/// A squad.
pub(crate) fn squad(squad: &str, em: &str, parent: &str) -> pb::SquadRecorded {
    pb::SquadRecorded {
        squad: squad.to_owned(),
        em: em.to_owned(),
        parent: parent.to_owned(),
        function: "product".to_owned(),
        ..Default::default()
    }
}

/// A person with a zone.
pub(crate) fn person(person: &str, zone: &str) -> pb::PersonRecorded {
    pb::PersonRecorded { person: person.to_owned(), zone: zone.to_owned(), ..Default::default() }
}

/// A trigger to be fired, amended and cleared.
#[derive(Debug, Clone)]
pub(crate) struct Trigger(pub(crate) pb::TriggerFired);

impl Trigger {
    /// A trigger of a rule in squad `payments`, about key result `kr`, with an id of its own name.
    pub(crate) fn new(id: &str, rule: &str) -> Self {
        Self(pb::TriggerFired {
            trigger: id.to_owned(),
            rule: rule.to_owned(),
            key_result: "kr".to_owned(),
            subject: Some(pb::Subject {
                kind: pb::SubjectKind::Squad.into(),
                id: "payments".to_owned(),
                squad: "payments".to_owned(),
            }),
            function: "product".to_owned(),
            squads: vec!["payments".to_owned()],
            escalation: format!("esc-{id}"),
            explain: Some(pb::Explain { rule: rule.to_owned(), ..Default::default() }),
            ..Default::default()
        })
    }

    /// The same in other squads.
    #[must_use]
    pub(crate) fn squads(mut self, squads: &[&str]) -> Self {
        self.0.squads = squads.iter().map(|squad| (*squad).to_owned()).collect();
        if let Some(subject) = &mut self.0.subject {
            subject.squad = self.0.squads[0].clone();
            if subject.kind() == pb::SubjectKind::Squad {
                subject.id = self.0.squads[0].clone();
            }
        }
        self
    }

    /// The same about an engineer.
    #[must_use]
    pub(crate) fn engineer(mut self, person: &str) -> Self {
        let subject = self.0.subject.as_mut().expect("every trigger here has a subject");
        subject.kind = pb::SubjectKind::Engineer.into();
        subject.id = alias(person);
        self
    }

    /// The same with an explain input.
    #[must_use]
    pub(crate) fn input(mut self, name: &str, value: &str) -> Self {
        let inputs = &mut self.0.explain.as_mut().expect("every trigger here has one").inputs;
        inputs.retain(|input| input.name != name);
        inputs.push(pb::ExplainInput {
            name: name.to_owned(),
            value: value.to_owned(),
            ..Default::default()
        });
        self
    }

    /// The same with a present rate.
    #[must_use]
    pub(crate) fn rate(self, pages_per_week: &str) -> Self {
        self.input(contract::PAGES_PER_WEEK, pages_per_week)
    }

    /// The same with an input that is of an hour.
    #[must_use]
    pub(crate) fn input_of(self, hours: i64, name: &str, value: &str) -> Self {
        let mut trigger = self.input(name, value);
        let inputs = &mut trigger.0.explain.as_mut().expect("every trigger here has one").inputs;
        let input = inputs.last_mut().expect("it was just added");
        input.at = Some(instant::timestamp(hour(hours)));
        trigger
    }

    /// The amendment that says that the condition is false since an hour, with what this trigger tells besides.
    pub(crate) fn turned_false(&self, hours: i64) -> pb::TriggerAmended {
        let since = hour(hours).to_rfc3339();
        self.clone().input_of(hours, contract::CONDITION_FALSE_SINCE, &since).amended(false)
    }

    /// The amendment that carries this trigger as it is now.
    pub(crate) fn amended(&self, second_window: bool) -> pb::TriggerAmended {
        let fired = self.0.clone();
        pb::TriggerAmended {
            trigger: fired.trigger,
            rule: fired.rule,
            key_result: fired.key_result,
            subject: fired.subject,
            squads: fired.squads,
            function: fired.function,
            explain: fired.explain,
            blast_radius: fired.blast_radius,
            escalation: fired.escalation,
            second_window,
            ..Default::default()
        }
    }

    /// The event that clears it.
    pub(crate) fn cleared(&self, reason: &str) -> pb::TriggerCleared {
        pb::TriggerCleared {
            trigger: self.0.trigger.clone(),
            rule: self.0.rule.clone(),
            reason: reason.to_owned(),
            ..Default::default()
        }
    }
}

/// An escalator, and what it said since it was last asked.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) escalator: Escalator,
    pub(crate) out: Output,
    events: u64,
}

impl World {
    /// An escalator that knows the organisation: squads payments (ana) and search (bo) under commerce, infra (cy) under
    /// platform; olga owns the key result `kr`.
    pub(crate) fn new() -> Self {
        let mut world = Self::empty();
        world.know(organisation());
        world.know(squad("payments", "ana", "commerce"));
        world.know(squad("search", "bo", "commerce"));
        world.know(squad("infra", "cy", "platform"));
        world.know(pb::KeyResultRecorded {
            key_result: "kr".to_owned(),
            owner: "olga".to_owned(),
            squad: "payments".to_owned(),
            ..Default::default()
        });
        world
    }

    /// An escalator that knows nothing.
    pub(crate) fn empty() -> Self {
        Self { escalator: Escalator::new(Options::default()), out: Output::default(), events: 0 }
    }

    /// Lets it know reference data from long ago.
    pub(crate) fn know(&mut self, payload: impl Into<Payload>) {
        self.events += 1;
        let at = hour(-24 * 30).plus(Millis::from_ms(i64::try_from(self.events).expect("few events")));
        self.escalator.reference(&recorded(at, payload));
    }

    /// Lets it know reference data recorded at an hour.
    pub(crate) fn learn(&mut self, hours: i64, payload: impl Into<Payload>) {
        self.escalator.reference(&recorded(hour(hours), payload));
    }

    /// Folds an event at an instant.
    pub(crate) fn apply_at(&mut self, at: EventTime, payload: impl Into<Payload>) -> Event {
        self.events += 1;
        let event = Event::new("test://world", format!("e{}", self.events), at, payload);
        self.escalator.apply(&event, at, &mut self.out);
        event
    }

    /// Folds an event at an hour.
    pub(crate) fn apply(&mut self, hours: i64, payload: impl Into<Payload>) -> Event {
        self.apply_at(hour(hours), payload)
    }

    /// Fires a trigger at an hour; its deadlines of that instant are not run yet.
    pub(crate) fn fire(&mut self, hours: i64, trigger: &Trigger) {
        let mut fired = trigger.0.clone();
        fired.fired_at = Some(instant::timestamp(hour(hours)));
        fired.as_of = fired.fired_at;
        self.apply(hours, fired);
    }

    /// Lets time pass through an hour.
    pub(crate) fn advance(&mut self, hours: i64) {
        self.escalator.advance(hour(hours), &mut self.out);
    }

    /// What was said since last asked, one line each, without what was armed.
    pub(crate) fn said(&mut self) -> Vec<String> {
        let all = self.said_all();
        all.into_iter().filter(|line| !line.contains(" armed ")).collect()
    }

    /// What was said since last asked, one line each.
    pub(crate) fn said_all(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out.events).iter().map(line).collect()
    }

    /// Forgets what was said.
    pub(crate) fn hush(&mut self) {
        self.out.events.clear();
    }

    /// Expects what was said since last asked, without what was armed.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &[&str]) {
        assert_eq!(self.said(), expected);
    }
}

/// An acknowledgement.
pub(crate) fn acknowledge(escalation: &str) -> pb::EscalationAcknowledged {
    pb::EscalationAcknowledged { escalation: escalation.to_owned(), ..Default::default() }
}

/// A snooze until an hour, with a reason.
pub(crate) fn snooze(escalation: &str, until: i64) -> pb::EscalationSnoozed {
    pb::EscalationSnoozed {
        escalation: escalation.to_owned(),
        reason: "waiting for the vendor".to_owned(),
        until: Some(instant::timestamp(hour(until))),
        ..Default::default()
    }
}

/// The end of a snooze.
pub(crate) fn unsnooze(escalation: &str) -> pb::EscalationUnsnoozed {
    pb::EscalationUnsnoozed { escalation: escalation.to_owned(), ..Default::default() }
}

/// A resolution, with evidence or without.
pub(crate) fn resolve(escalation: &str, evidence: &[&str]) -> pb::EscalationResolved {
    pb::EscalationResolved {
        escalation: escalation.to_owned(),
        evidence: evidence.iter().map(|link| (*link).to_owned()).collect(),
        ..Default::default()
    }
}

/// A decision.
pub(crate) fn decision(escalation: &str) -> pb::DecisionLocked {
    pb::DecisionLocked {
        escalation: escalation.to_owned(),
        decision: "borrow two".to_owned(),
        ..Default::default()
    }
}

/// A pause of a role.
pub(crate) fn paused(role: &str) -> pb::ProcessPaused {
    pb::ProcessPaused { role: role.to_owned(), partitions: Vec::new() }
}

/// The end of a pause.
pub(crate) fn resumed(role: &str) -> pb::ProcessResumed {
    pb::ProcessResumed { role: role.to_owned(), partitions: Vec::new() }
}

/// A policy for everything, with levels.
pub(crate) fn policy(id: &str, levels: Vec<pb::PolicyLevel>) -> pb::EscalationPolicyRecorded {
    pb::EscalationPolicyRecorded { escalation_policy: id.to_owned(), levels, ..Default::default() }
}

/// A level of a policy.
pub(crate) fn level(number: u32, after_hours: u32, audience: &[pb::Audience]) -> pb::PolicyLevel {
    pb::PolicyLevel {
        level: number,
        after_hours,
        audience: audience.iter().map(|role| (*role).into()).collect(),
        ..Default::default()
    }
}

/// One event in one line.
pub(crate) fn line(event: &Event) -> String {
    let at = since_start(event.time);
    let due = |due: &Option<instant::Timestamp>| {
        instant::optional(due.as_ref()).map_or_else(|| "-".to_owned(), since_start)
    };
    match &event.payload {
        Payload::EscalationStarted(m) => format!("{at} {} started {}", m.escalation, m.policy),
        Payload::StepArmed(m) => format!("{at} {} armed {}: {}", m.step, due(&m.due), m.because),
        Payload::StepFired(m) => fired_line(&at, m, &due(&m.due)),
        Payload::StepHeld(m) => format!("{at} {} held: {}", m.step, m.reason),
        Payload::StepSkipped(m) => format!("{at} {} skipped: {}", m.step, m.reason),
        Payload::EscalationAcknowledged(m) => {
            format!("{at} {} acknowledged until {}", m.escalation, due(&m.until))
        }
        Payload::EscalationSnoozed(m) => format!("{at} {} snoozed until {}", m.escalation, due(&m.until)),
        Payload::EscalationUnsnoozed(m) => format!("{at} {} unsnoozed", m.escalation),
        Payload::EscalationResolved(m) => format!("{at} {} resolved", m.escalation),
        Payload::EscalationRefused(m) => {
            let command = m.command.trim_start_matches("bellwether.").trim_end_matches(".v1");
            format!("{at} {} refused {command}: {}", m.escalation, m.reason)
        }
        Payload::EscalationEnded(m) => format!("{at} {} ended: {}", m.escalation, m.reason),
        other => format!("{at} {}", other.type_name()),
    }
}

fn fired_line(at: &str, m: &pb::StepFired, due: &str) -> String {
    let names: BTreeMap<String, &str> = PEOPLE.into_iter().map(|person| (alias(person), person)).collect();
    let to: Vec<&str> = m.recipients.iter().map(|who| names.get(who).copied().unwrap_or("?")).collect();
    let mut line = format!("{at} {} fired to {}", m.step, to.join(" "));
    if due != at {
        line.push_str(&format!(", due {due}"));
    }
    if m.fired_late_by_seconds != 0.0 {
        line.push_str(&format!(", late by {} s", m.fired_late_by_seconds));
    }
    if !m.supersedes.is_empty() {
        line.push_str(&format!(", supersedes {:?}", m.supersedes));
    }
    if !m.added_to.is_empty() {
        line.push_str(&format!(", added to {}", m.added_to));
    }
    line
}

fn since_start(at: EventTime) -> String {
    let ms = at.since(START).ms();
    let sign = if ms < 0 { '-' } else { '+' };
    let (hours, rest) = (ms.abs() / 3_600_000, ms.abs() % 3_600_000);
    match rest {
        0 => format!("{sign}{hours}h"),
        rest if rest % 60_000 == 0 => format!("{sign}{hours}h{:02}", rest / 60_000),
        rest => format!("{sign}{hours}h{:02}.{:05}", rest / 60_000, rest % 60_000),
    }
}
