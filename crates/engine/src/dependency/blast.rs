//! What a breach reaches, transitively (R54): key results, tickets, customer commitments, further dependencies.
//!
//! From a dependency along what it blocks; from a ticket to open tickets that name it as their blocker; from whatever a
//! blocker names to what it blocks; from anything to the customer commitments that depend on it. Each is visited once,
//! so cycles end; delivered and cancelled dependencies carry nothing on.

use std::collections::BTreeSet;

use bellwether_model::DependencyId;
use bellwether_wire::pb;

use super::{Dependencies, State};
use crate::context::Context;

/// One thing in the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Dependency(String),
    Ticket(String),
    KeyResult(String),
    Commitment(String),
}

/// Everything a dependency reaches.
pub(crate) fn radius(graph: &Dependencies, context: &Context<'_>, from: &DependencyId) -> pb::BlastRadius {
    let start = Node::Dependency(from.to_string());
    let mut seen: BTreeSet<Node> = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for next in reached(graph, context, &node) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    let mut radius = pb::BlastRadius::default();
    for node in seen {
        match node {
            Node::Dependency(id) if id != from.as_str() => radius.dependencies.push(id),
            Node::Dependency(_) => {}
            Node::Ticket(id) => radius.tickets.push(id),
            Node::KeyResult(id) => radius.key_results.push(id),
            Node::Commitment(id) => radius.customer_commitments.push(id),
        }
    }
    radius
}

fn reached(graph: &Dependencies, context: &Context<'_>, node: &Node) -> Vec<Node> {
    let mut next = Vec::new();
    let (id, kind) = match node {
        Node::Dependency(id) => {
            if let Some(dependency) = graph.get(&DependencyId::from(id.as_str()))
                && dependency.state == State::Open
            {
                next.extend(dependency.key_results.iter().map(|id| Node::KeyResult(id.to_string())));
                next.extend(dependency.tickets.iter().cloned().map(Node::Ticket));
                next.extend(dependency.commitments.iter().cloned().map(Node::Commitment));
            }
            (id, Kind::Dependency)
        }
        Node::Ticket(id) => {
            let held_up =
                graph.tickets.iter().filter(|(_, ticket)| ticket.open && ticket.blocked_by.contains(id));
            next.extend(held_up.map(|(ticket, _)| Node::Ticket(ticket.clone())));
            (id, Kind::Ticket)
        }
        Node::KeyResult(id) => (id, Kind::KeyResult),
        Node::Commitment(_) => return next,
    };
    for blocker in graph.blockers.values().filter(|blocker| blocker.cleared.is_none() && blocker.by == *id) {
        next.extend(blocked(graph, blocker));
    }
    for (commitment, depends_on) in context.reference.commitments(context.now) {
        let named = match kind {
            Kind::Dependency => &depends_on.dependencies,
            Kind::Ticket => &depends_on.tickets,
            Kind::KeyResult => &depends_on.key_results,
        };
        if named.contains(id) {
            next.push(Node::Commitment(commitment.to_string()));
        }
    }
    next
}

#[derive(Clone, Copy)]
enum Kind {
    Dependency,
    Ticket,
    KeyResult,
}

fn blocked(graph: &Dependencies, blocker: &super::Blocker) -> Option<Node> {
    let id = blocker.blocked.clone();
    match pb::BlockedKind::try_from(blocker.kind).unwrap_or_default() {
        pb::BlockedKind::Dependency => {
            let known = graph.get(&DependencyId::from(id.as_str()))?;
            (known.state == State::Open).then_some(Node::Dependency(id))
        }
        pb::BlockedKind::Ticket => Some(Node::Ticket(id)),
        pb::BlockedKind::KeyResult => Some(Node::KeyResult(id)),
        pb::BlockedKind::Unspecified => None,
    }
}
