//! Topics: names, what each may forget, who stamps it, and how its keys are made.

use crate::murmur2;

/// A topic of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Sprints and capacity, from connectors.
    Sprint,
    /// Tickets, from connectors.
    Ticket,
    /// Incidents, notifications, shifts, from connectors.
    Page,
    /// Deployments, changes, builds, SLIs, from connectors.
    Delivery,
    /// Check-ins, readings, dependencies, from forms and connectors.
    Okr,
    /// The organisation; compacted.
    Reference,
    /// Frames of routed facts, one order per partition.
    Facts,
    /// Decisions of the rules.
    Trigger,
    /// Status of key results, sprints and load; compacted.
    KeyResult,
    /// What people do.
    Command,
    /// The course of escalations.
    Escalation,
    /// Pending steps and the escalator's state; compacted.
    EscalationDelay,
    /// What became of deliveries.
    Receipt,
    /// Records that could not be read.
    Dlq,
}

impl Topic {
    /// All topics, sources first.
    pub const ALL: [Topic; 14] = [
        Topic::Sprint,
        Topic::Ticket,
        Topic::Page,
        Topic::Delivery,
        Topic::Okr,
        Topic::Reference,
        Topic::Facts,
        Topic::Trigger,
        Topic::KeyResult,
        Topic::Command,
        Topic::Escalation,
        Topic::EscalationDelay,
        Topic::Receipt,
        Topic::Dlq,
    ];

    /// Topics the router reads.
    pub const SOURCES: [Topic; 6] =
        [Topic::Sprint, Topic::Ticket, Topic::Page, Topic::Delivery, Topic::Okr, Topic::Reference];

    /// The word in the middle of the name.
    pub fn thing(self) -> &'static str {
        match self {
            Topic::Sprint => "sprint",
            Topic::Ticket => "ticket",
            Topic::Page => "page",
            Topic::Delivery => "delivery",
            Topic::Okr => "okr",
            Topic::Reference => "reference",
            Topic::Facts => "facts",
            Topic::Trigger => "trigger",
            Topic::KeyResult => "key-result",
            Topic::Command => "command",
            Topic::Escalation => "escalation",
            Topic::EscalationDelay => "escalation.delay",
            Topic::Receipt => "receipt",
            Topic::Dlq => "dlq",
        }
    }

    /// Full name: `<prefix>.<thing>.v1`.
    pub fn name(self, prefix: &str) -> String {
        format!("{prefix}.{}.v1", self.thing())
    }

    /// The topic of a `thing`.
    pub fn parse(thing: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.thing() == thing)
    }

    /// True when only the last record of each key is kept.
    pub fn is_compacted(self) -> bool {
        matches!(self, Topic::Reference | Topic::KeyResult | Topic::EscalationDelay)
    }
}

/// Partition of `facts` that holds a squad: one squad, one partition, one order.
pub fn squad_partition(squad: &str, partitions: u32) -> u32 {
    murmur2::partition(squad.as_bytes(), partitions)
}

/// Partition of `trigger`, `command`, `escalation` and `escalation.delay` that holds a function.
pub fn function_partition(function: &str, partitions: u32) -> u32 {
    murmur2::partition(function.as_bytes(), partitions)
}
