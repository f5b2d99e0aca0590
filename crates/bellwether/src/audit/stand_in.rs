//! Done in place of deployed: what reliability (O1.1) comes to where the exports know nothing of deployments.
//!
//! The same folds read the same events once more, with a deployment of each ticket at the instant it is done, taken back
//! when it is opened again, and with no other deployment. So the commitment, carry-over and revisions are those of the
//! rule itself, and points that came after the activation are in neither side of the share. Counting done points over
//! committed ones was rejected: it counts what was added, and exceeds 100 %.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Thresholds};
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::HashKey;
use bellwether_wire::{Payload, pb};

use crate::replay::Pipeline;

/// Source URI of the deployments made here.
const SOURCE: &str = "bellwether://audit";

/// More points than any ticket has.
const POINTS_MAX: &str = "1000000";

/// What the folds say of sorted events when done stands in for deployed.
pub(crate) fn said(events: &[Event], thresholds: &Thresholds, until: EventTime) -> Vec<Event> {
    // Without deployments nobody sees whether work was sized before it was begun: every done point counts.
    let mut thresholds = thresholds.clone();
    thresholds.set("credit.size-above-points", POINTS_MAX).expect("the table has this key, and takes points");
    let mut pipeline = Pipeline::new(HashKey::ZERO, HashKey::ZERO, &thresholds);
    let mut done = Done::default();
    let mut said = Vec::new();
    for event in events.iter().filter(|event| concerns_sprints(&event.payload)) {
        pipeline.fold(event);
        if let Some(deployment) = done.deployment(event) {
            pipeline.fold(&deployment);
        }
        said.append(&mut pipeline.take());
    }
    pipeline.finish(until);
    said.append(&mut pipeline.take());
    said
}

/// False for what says nothing of sprints, and for what is stood in for.
fn concerns_sprints(payload: &Payload) -> bool {
    !matches!(
        payload,
        Payload::PageNotified(_)
            | Payload::IncidentChanged(_)
            | Payload::ShiftScheduled(_)
            | Payload::ShiftRemoved(_)
            | Payload::DeploymentFinished(_)
            | Payload::ChangeMerged(_)
    )
}

/// Tickets that are done, with the deployment that stands for it.
#[derive(Debug, Default)]
struct Done(BTreeMap<String, String>);

impl Done {
    /// The deployment that a change of a ticket stands for.
    fn deployment(&mut self, event: &Event) -> Option<Event> {
        let Payload::TicketChanged(change) = &event.payload else { return None };
        let is_done = change.category() == pb::StatusCategory::Done;
        let deployment = format!("{}/{}", event.id.source, event.id.id);
        let rollback_of = match (is_done, self.0.contains_key(&change.ticket)) {
            (true, false) => {
                self.0.insert(change.ticket.clone(), deployment.clone());
                String::new()
            }
            (false, true) => self.0.remove(&change.ticket)?,
            (true, true) | (false, false) => return None,
        };
        let message = pb::DeploymentFinished {
            deployment: deployment.clone(),
            production: Some(true),
            outcome: pb::Outcome::Succeeded.into(),
            tickets: vec![change.ticket.clone()],
            rollback_of,
            ..Default::default()
        };
        Some(Event::new(SOURCE, deployment, event.time, message))
    }
}
