//! The events of the quarter, from a seed: the steady work of healthy squads, and the [`super::stories`] on top.

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};

use super::calendar::{self, WEEKS, at};
use super::organisation::{self, ENGINEERS, SQUADS, engineer, manager};
use super::seed::Seed;
use super::stories;
use crate::replay::order;

/// Tickets a squad commits to in a sprint.
const TICKETS: u64 = 10;

/// Collects events and gives them ids.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    events: Vec<Event>,
}

impl Writer {
    /// Adds an event of a source.
    pub(crate) fn add(&mut self, source: &str, time: EventTime, payload: impl Into<Payload>) {
        let id = format!("{:06}", self.events.len());
        self.events.push(Event::new(source, id, time, payload));
    }

    /// Adds a reference event, recorded before the quarter begins.
    pub(crate) fn reference(&mut self, payload: impl Into<Payload>) {
        let before = calendar::start().minus(bellwether_model::Millis::days(3));
        self.add("hr://acme", before, payload);
    }
}

/// The whole quarter in the order of a replay.
pub(crate) fn events(seed: u64) -> Vec<Event> {
    let mut seed = Seed::new(seed);
    let mut out = Writer::default();
    organisation::write(&mut out);
    for squad in 0..SQUADS.len() {
        sprints(&mut out, &mut seed, squad);
        pages(&mut out, &mut seed, squad);
        check_ins(&mut out, &mut seed, squad);
    }
    stories::write(&mut out);
    order::sort(&mut out.events);
    out.events
}

/// A person as PagerDuty knows them.
pub(crate) fn responder(person: &str) -> Option<pb::Identity> {
    Some(pb::Identity { source: "pagerduty://acme".into(), external_id: format!("PD-{person}") })
}

/// A human of the organisation.
pub(crate) fn human(person: &str) -> Option<pb::Actor> {
    let identity = pb::Identity { source: String::new(), external_id: person.to_owned() };
    Some(pb::Actor { kind: pb::ActorKind::Human.into(), identity: Some(identity) })
}

/// Two-week sprints from Monday 09:00 to the second Friday 16:00; everything committed ships before the close, but for
/// the squad that slips.
fn sprints(out: &mut Writer, seed: &mut Seed, squad: usize) {
    let (id, _) = SQUADS[squad];
    let source = "jira://acme";
    for number in 0..WEEKS / 2 {
        let first = number * 14;
        let sprint = format!("{id}-s{}", number + 1);
        let (open, close) = (at(first, 9, 0), at(first + 11, 16, 0));
        let planned_start = Some(bellwether_wire::instant::timestamp(open));
        let planned_end = Some(bellwether_wire::instant::timestamp(close));
        let board = format!("board-{id}");
        let name = format!("{id} sprint {}", number + 1);
        out.add(
            source,
            at(first, 8, 0),
            pb::SprintPlanned {
                sprint: sprint.clone(),
                board: board.clone(),
                name: name.clone(),
                planned_start,
                planned_end,
                ..Default::default()
            },
        );
        let mut shipped = Vec::new();
        for n in 0..TICKETS {
            let ticket = format!("{id}-{}", u64::from(number) * TICKETS + n + 1);
            let points = [1.0, 2.0, 3.0, 5.0][usize::try_from(seed.below(4)).unwrap_or(0)];
            let minute = u32::try_from(n).unwrap_or(0);
            out.add(
                source,
                at(first, 8, 10 + minute),
                ticket_state(&ticket, &sprint, &board, points, pb::StatusCategory::Todo),
            );
            let slips = squad == stories::SLIPPING && seed.chance(45);
            if !slips {
                let day = first + 2 + u32::try_from(seed.below(8)).unwrap_or(0);
                let day = if day % 7 >= 5 { day + 2 } else { day };
                out.add(
                    source,
                    at(day.min(first + 10), 14, minute),
                    ticket_state(&ticket, &sprint, &board, points, pb::StatusCategory::Done),
                );
                shipped.push(ticket);
            }
        }
        out.add(
            source,
            open,
            pb::SprintActivated {
                sprint: sprint.clone(),
                board: board.clone(),
                name: name.clone(),
                ..Default::default()
            },
        );
        out.add(
            "github://acme",
            at(first + 10, 17, 0),
            pb::DeploymentFinished {
                deployment: format!("dep-{sprint}"),
                service: format!("svc-{id}"),
                environment: "production".into(),
                outcome: pb::Outcome::Succeeded.into(),
                ended_at: Some(bellwether_wire::instant::timestamp(at(first + 10, 17, 0))),
                tickets: shipped,
                ..Default::default()
            },
        );
        out.add(source, close, pb::SprintClosed { sprint, board, name, ..Default::default() });
    }
}

/// The state of a ticket after a change.
pub(crate) fn ticket_state(
    ticket: &str,
    sprint: &str,
    board: &str,
    points: f64,
    category: pb::StatusCategory,
) -> pb::TicketChanged {
    pb::TicketChanged {
        ticket: ticket.into(),
        key: ticket.to_uppercase(),
        kind: pb::TicketKind::Story.into(),
        board: board.into(),
        sprint: sprint.into(),
        points: Some(points),
        size: "M".into(),
        category: category.into(),
        basis: pb::Basis::Webhook.into(),
        ..Default::default()
    }
}

/// About one page a fortnight for everybody, so that the median is not zero, and a shift each week.
fn pages(out: &mut Writer, seed: &mut Seed, squad: usize) {
    let (id, _) = SQUADS[squad];
    for number in 0..ENGINEERS {
        let person = engineer(squad, number);
        for week in 0..WEEKS {
            let day = week * 7 + u32::try_from(seed.below(6)).unwrap_or(0);
            let hour = 8 + u32::try_from(seed.below(10)).unwrap_or(0);
            if seed.chance(70) {
                page(out, id, &person, at(day, hour, u32::try_from(number).unwrap_or(0)));
            }
        }
    }
}

/// One page of one person for an incident of its own.
pub(crate) fn page(out: &mut Writer, squad: &str, person: &str, time: EventTime) {
    let incident = format!("inc-{squad}-{}-{person}", time.ms());
    out.add(
        "pagerduty://acme",
        time,
        pb::PageNotified {
            incident,
            responder: responder(person),
            channel: pb::PageChannel::Push.into(),
            urgency: pb::Urgency::High.into(),
            service: format!("svc-{squad}"),
            basis: pb::Basis::NotificationLog.into(),
            ..Default::default()
        },
    );
}

/// Every manager reports on Thursday with a link, but for the owner who falls silent.
fn check_ins(out: &mut Writer, seed: &mut Seed, squad: usize) {
    let (id, _) = SQUADS[squad];
    for week in 0..WEEKS {
        let hour = 9 + u32::try_from(seed.below(6)).unwrap_or(0);
        if squad == stories::SILENT && week >= stories::SILENT_FROM_WEEK {
            continue;
        }
        let value = f64::from((week + 1) * 10);
        out.add(
            "form://okr",
            at(week * 7 + 3, hour, 0),
            pb::CheckInFiled {
                key_result: format!("{id}-adoption"),
                actor: human(&manager(squad)),
                report: Some(pb::check_in_filed::Report::Value(value)),
                confidence: Some(80),
                evidence: vec![format!("https://reports.example.org/{id}/{}", week + 1)],
                ..Default::default()
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use bellwether_wire::json;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_quarter_and_every_event_survives_its_text_form() {
        let one = events(42);
        assert_eq!(one, events(42));
        assert_ne!(one, events(43));
        for event in &one {
            assert_eq!(&json::read(&json::write(event)).expect("own line"), event);
        }
    }
}
