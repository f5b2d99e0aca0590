//! What people do: acknowledge, snooze, resolve and the rest. One file each.
//!
//! A command that is carried out is repeated on the topic of escalations; one that is not is refused there with its
//! reason. Whoever gave it leaves under a pseudonym, as everybody does. Which command an escalation takes in which state is decided here, in [`Standing::takes`], and nowhere else;
//! what a command itself must carry is checked where it is carried out.

mod acknowledge;
mod assign;
mod decide;
mod end;
mod resolve;
mod snooze;
mod unsnooze;

use bellwether_model::{EscalationId, EventTime};
use bellwether_wire::{Event, EventId, Payload, instant, pb};
use serde::{Deserialize, Serialize};

use crate::escalator::{Escalator, Memory};
use crate::instance::HORIZON;
use crate::output::Output;

/// Most commands remembered against repeats. People type commands; beyond this many within the horizon it is a machine,
/// and the oldest are forgotten first.
const MAX_REMEMBERED: usize = 100_000;

/// Identity of a command, or of the telling of a pause: source and id of its event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CommandId {
    pub(crate) source: String,
    pub(crate) id: String,
}

/// Where an escalation stands when a command comes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// No escalation has this id.
    Unknown,
    /// It is over; why.
    Ended(String),
    /// It runs.
    Running {
        /// True while snoozed.
        snoozed: bool,
        /// True once a level was sent that asks for a decision.
        asks_for_decision: bool,
    },
}

/// What a command does to an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Acknowledge,
    Snooze,
    Unsnooze,
    Resolve,
    Decide,
}

impl Standing {
    /// The table of what is taken when; `Err` is the reason of the refusal.
    fn takes(&self, verb: Verb) -> Result<(), String> {
        match (self, verb) {
            (Self::Unknown, _) => Err(String::from("no escalation has this id")),
            (Self::Ended(why), _) => Err(format!("the escalation has ended: {why}")),
            (Self::Running { .. }, Verb::Acknowledge | Verb::Snooze | Verb::Resolve) => Ok(()),
            (Self::Running { snoozed: true, .. }, Verb::Unsnooze) => Ok(()),
            (Self::Running { snoozed: false, .. }, Verb::Unsnooze) => {
                Err(String::from("the escalation is not snoozed"))
            }
            (Self::Running { asks_for_decision: true, .. }, Verb::Decide) => Ok(()),
            (Self::Running { asks_for_decision: false, .. }, Verb::Decide) => {
                Err(String::from("no level that asks for a decision was sent"))
            }
        }
    }
}

impl Escalator {
    /// Folds a command, once.
    pub(crate) fn command(&mut self, event: &Event, out: &mut Output) {
        if !self.is_first(event) {
            return;
        }
        let (escalation, actor, verb) = match &event.payload {
            Payload::EscalationAcknowledged(message) => {
                (&message.escalation, &message.actor, Verb::Acknowledge)
            }
            Payload::EscalationSnoozed(message) => (&message.escalation, &message.actor, Verb::Snooze),
            Payload::EscalationUnsnoozed(message) => (&message.escalation, &message.actor, Verb::Unsnooze),
            Payload::EscalationResolved(message) => (&message.escalation, &message.actor, Verb::Resolve),
            Payload::DecisionLocked(message) => (&message.escalation, &message.actor, Verb::Decide),
            Payload::OwnerAssigned(message) => return self.assign_owner(message),
            // Only commands come here.
            _ => return,
        };
        let id = EscalationId::from(escalation.as_str());
        let done = self.standing(&id).takes(verb).and_then(|()| match &event.payload {
            Payload::EscalationAcknowledged(message) => self.acknowledge(&id, event, message, out),
            Payload::EscalationSnoozed(message) => self.snooze(&id, event, message, out),
            Payload::EscalationUnsnoozed(message) => self.unsnooze(&id, event, message, out),
            Payload::EscalationResolved(message) => self.resolve(&id, event, message, out),
            // A decision that is taken changes nothing here, and only commands come here.
            _ => Ok(()),
        });
        if let Err(reason) = done {
            let refused = pb::EscalationRefused {
                escalation: escalation.clone(),
                command: event.type_name().to_owned(),
                reason,
                actor: self.pseudonyms.actor(actor.as_ref()),
                at: Some(instant::timestamp(self.now)),
            };
            out.say(command_event_id(&event.id, "refused"), self.now, escalation, refused);
        }
    }

    /// True the first time an event comes; from then on it is known.
    pub(crate) fn is_first(&mut self, event: &Event) -> bool {
        let id = CommandId { source: event.id.source.clone(), id: event.id.id.clone() };
        if self.commands.contains_key(&id) {
            return false;
        }
        self.remember(id);
        true
    }

    fn standing(&self, escalation: &EscalationId) -> Standing {
        if let Some(running) = self.escalations.get(escalation) {
            return Standing::Running {
                snoozed: running.is_snoozed(self.now),
                asks_for_decision: decide::asks_for_decision(running),
            };
        }
        match self.instances.of_escalation(escalation) {
            Some(instance) => Standing::Ended(instance.ended.clone().unwrap_or_default()),
            None => Standing::Unknown,
        }
    }

    fn remember(&mut self, id: CommandId) {
        if self.commands.len() >= MAX_REMEMBERED {
            let oldest = self.commands.iter().min_by_key(|(id, at)| (**at, *id)).map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                self.commands.remove(&oldest);
                self.expiry.set(&Memory::Command(oldest.clone()), None);
                self.ledger.command(&oldest);
            }
        }
        self.commands.insert(id.clone(), self.now);
        self.expiry.set(&Memory::Command(id.clone()), Some(self.now.plus(HORIZON)));
        self.ledger.command(&id);
    }

    /// Repeats a command that was carried out.
    fn repeat_command(
        &self,
        escalation: &EscalationId,
        event: &Event,
        verb: &str,
        payload: impl Into<Payload>,
        out: &mut Output,
    ) {
        let now: EventTime = self.now;
        out.say(command_event_id(&event.id, verb), now, escalation.as_str(), payload);
    }
}

/// Id of what is said about a command: made of the command's identity, so that one command says it once.
fn command_event_id(command: &EventId, verb: &str) -> String {
    format!("{verb}/{}/{}", command.source, command.id)
}
