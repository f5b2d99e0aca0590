//! Dependencies between squads that were breached: a ticket held up by another squad's for more than 48 hours.
//!
//! What it is not: the rule `dependency-breach`. Trackers hold links between tickets and not agreements with a due
//! instant, so that of the rule only its blocker that stays open can be seen.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Millis};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, instant, pb};
use serde::Serialize;

use super::Names;

/// How long a blocker may stay open.
const OPEN_FOR: Millis = Millis::hours(48);

/// One breach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DependencyLine {
    /// The squad that waits, by its name.
    pub consumer: String,
    /// The squad that is waited for, by its name.
    pub provider: String,
    /// The ticket that waits.
    pub ticket: String,
    /// The ticket that it waits for.
    pub blocker: String,
    /// Since when.
    pub since: String,
    /// 48 hours later.
    pub breached_at: String,
    /// Until when; absent while it is open at the end of the exports.
    pub until: Option<String>,
    /// Hours it was open, whole ones; up to the end of the exports while it is.
    pub open_hours: i64,
}

/// One ticket, as the exports tell it.
#[derive(Debug, Default)]
struct Ticket<'a> {
    key: &'a str,
    /// Its squads as they changed.
    squad: Option<&'a str>,
    /// When it came to its end, or left it: the last word of each instant.
    ended: Vec<(EventTime, bool)>,
    /// Its blockers, from when, and whether they were there at all.
    links: BTreeMap<&'a str, Vec<(EventTime, bool)>>,
}

/// Breaches up to the end of the exports, oldest first.
pub(super) fn lines(input: &[Event], end: EventTime, names: &Names) -> Vec<DependencyLine> {
    let tickets = tickets(input);
    let mut breaches = Vec::new();
    for ticket in tickets.values() {
        for (blocker, seen) in &ticket.links {
            let Some(provider) = tickets.get(blocker) else { continue };
            let (Some(waits), Some(waited_for)) = (ticket.squad, provider.squad) else { continue };
            if waits == waited_for {
                continue;
            }
            for (since, until) in held(seen, ticket, provider) {
                let closed = until.filter(|until| *until <= end);
                let breached = since.plus(OPEN_FOR);
                // Delivered at exactly 48 hours is in time.
                if closed.unwrap_or(end) <= breached && !(closed.is_none() && end == breached) {
                    continue;
                }
                breaches.push((
                    breached,
                    DependencyLine {
                        consumer: names.squad(waits),
                        provider: names.squad(waited_for),
                        ticket: ticket.key.to_owned(),
                        blocker: provider.key.to_owned(),
                        since: since.to_rfc3339(),
                        breached_at: breached.to_rfc3339(),
                        until: closed.map(|until| until.to_rfc3339()),
                        open_hours: (closed.unwrap_or(end).ms() - since.ms()) / Millis::hours(1).ms(),
                    },
                ));
            }
        }
    }
    breaches
        .sort_by(|(a_at, a), (b_at, b)| (a_at, &a.ticket, &a.blocker).cmp(&(b_at, &b.ticket, &b.blocker)));
    breaches.into_iter().map(|(_, line)| line).collect()
}

/// The spans in which a blocker was linked, was not done, and what it held up was not done either.
fn held(
    linked: &[(EventTime, bool)],
    ticket: &Ticket<'_>,
    blocker: &Ticket<'_>,
) -> Vec<(EventTime, Option<EventTime>)> {
    let mut instants: Vec<EventTime> =
        [linked, &ticket.ended, &blocker.ended].concat().iter().map(|it| it.0).collect();
    instants.sort();
    instants.dedup();
    let at = |told: &[(EventTime, bool)], when: EventTime| {
        told.iter().rev().find(|(from, _)| *from <= when).is_some_and(|(_, is)| *is)
    };
    let mut spans = Vec::new();
    let mut open: Option<EventTime> = None;
    for when in instants {
        let holds = at(linked, when) && !at(&ticket.ended, when) && !at(&blocker.ended, when);
        match (open, holds) {
            (None, true) => open = Some(when),
            (Some(since), false) => {
                spans.push((since, Some(when)));
                open = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    spans.extend(open.map(|since| (since, None)));
    spans
}

/// Tickets by their ids, from the events in order.
fn tickets(input: &[Event]) -> BTreeMap<&str, Ticket<'_>> {
    let mut of_board: BTreeMap<&str, &str> = BTreeMap::new();
    let mut of_sprint: BTreeMap<&str, &str> = BTreeMap::new();
    for event in input {
        if let Payload::SquadRecorded(squad) = &event.payload {
            of_board.extend(squad.boards.iter().map(|board| (board.as_str(), squad.squad.as_str())));
        }
    }
    for event in input {
        if let Payload::SprintPlanned(sprint) = &event.payload
            && let Some(squad) = of_board.get(sprint.board.as_str())
        {
            of_sprint.insert(&sprint.sprint, squad);
        }
    }
    let mut tickets: BTreeMap<&str, Ticket<'_>> = BTreeMap::new();
    for event in input {
        match &event.payload {
            Payload::TicketChanged(message) => {
                let ticket = tickets.entry(&message.ticket).or_default();
                ticket.key = if message.key.is_empty() { &message.ticket } else { &message.key };
                let squad =
                    of_board.get(message.board.as_str()).or_else(|| of_sprint.get(message.sprint.as_str()));
                ticket.squad = squad.copied().or(ticket.squad);
                let is_over =
                    matches!(message.category(), pb::StatusCategory::Done | pb::StatusCategory::Cancelled);
                ticket.ended.push((event.time, is_over));
                for seen in ticket.links.values_mut() {
                    seen.push((event.time, false));
                }
                for blocker in &message.blocked_by {
                    let seen = ticket.links.entry(&blocker.ticket).or_default();
                    let since = instant::optional(blocker.since.as_ref()).unwrap_or(event.time);
                    match seen.last_mut().filter(|last| last.0 == event.time) {
                        Some(last) => last.1 = true,
                        None => seen.push((since.min(event.time), true)),
                    }
                }
            }
            Payload::TicketRemoved(message) => {
                tickets.entry(&message.ticket).or_default().ended.push((event.time, true));
            }
            _ => {}
        }
    }
    tickets
}
