//! What the router keeps until it is told whose it is: one line for each thing that is missing, with what to publish.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_engine::routing::{Reason, Router};
use bellwether_wire::Payload;
use bellwether_wire::envelope::Event;

use super::Finding;

/// A line for each link that events wait for. `paged` are the incidents somebody was paged for: what they said before is
/// explained by the page.
pub(super) fn findings(router: &Router, paged: &BTreeSet<String>) -> Vec<Finding> {
    let mut counts: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for (reason, event) in router.kept().iter() {
        let is_explained = match &event.payload {
            Payload::IncidentChanged(message) => paged.contains(&message.incident),
            _ => false,
        };
        if !is_explained {
            *counts.entry(missing(reason, event)).or_insert(0) += 1;
        }
    }
    let finding = |((what, todo), count): ((String, &'static str), usize)| Finding {
        area: "unresolved",
        what: format!("{what}: {count}"),
        todo: todo.to_owned(),
        is_notice: false,
    };
    counts.into_iter().map(finding).collect()
}

/// What an event waits for, and what to do about it.
fn missing(reason: &Reason, event: &Event) -> (String, &'static str) {
    let is_of_service = matches!(event.payload, Payload::IncidentChanged(_) | Payload::PageNotified(_));
    match reason {
        Reason::Identity(key) => (
            format!("events that wait for the identity {} {}", key.source, key.external_id),
            "publish identity.recorded to link it to a person",
        ),
        Reason::Squad(place) if place.is_empty() && is_of_service => (
            format!("events of {} about incidents that name no service and paged nobody", event.id.source),
            "nothing needs them; to have them counted, give the incidents a service that system.recorded names",
        ),
        Reason::Squad(place) if place.is_empty() => (
            format!("events of {} about tickets that name no board, no sprint and no squad", event.id.source),
            "see that their fields are mapped: docs/guides/connect-jira.md, docs/guides/connect-linear.md",
        ),
        Reason::Squad(place) if is_of_service => (
            format!("events that wait for the squad of service {place}"),
            "publish system.recorded with this service",
        ),
        Reason::Squad(place) => (
            format!("events that wait for the squad of board, project or sprint {place}"),
            "publish squad.recorded with it among its boards, or import with --infer-reference",
        ),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::EventTime;
    use bellwether_wire::pb;

    use super::*;

    #[test]
    fn what_is_missing_is_named_and_what_names_nothing_is_told_by_its_source() {
        let mut router = Router::new();
        let at = EventTime::from_ms(0);
        let incident = |incident: &str, service: &str| -> Payload {
            pb::IncidentChanged { incident: incident.into(), service: service.into(), ..Default::default() }
                .into()
        };
        let ticket = |ticket: &str, board: &str| -> Payload {
            pb::TicketChanged { ticket: ticket.into(), board: board.into(), ..Default::default() }.into()
        };
        let payloads = [
            incident("i", "checkout"),
            incident("j", ""),
            incident("paged", ""),
            ticket("t", "11"),
            ticket("u", ""),
        ];
        for (n, payload) in payloads.into_iter().enumerate() {
            router.route(&Event::new("test://world", n.to_string(), at, payload), at);
        }
        let findings = findings(&router, &BTreeSet::from(["paged".to_owned()]));
        let told: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            told,
            [
                "events of test://world about incidents that name no service and paged nobody: 1",
                "events of test://world about tickets that name no board, no sprint and no squad: 1",
                "events that wait for the squad of board, project or sprint 11: 1",
                "events that wait for the squad of service checkout: 1",
            ]
        );
        assert_eq!(findings[3].todo, "publish system.recorded with this service");
    }
}
