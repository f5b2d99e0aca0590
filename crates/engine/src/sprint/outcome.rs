//! What one revision of a sprint came to, and how it is published.

use bellwether_model::{EventTime, Points, Ratio, SprintId, SquadId};
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

use super::life::Life;

/// The numbers of one revision.
///
/// A committed point is shipped, or slipped, or - in production without a size where one was due - refused credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Close; `None` while open.
    pub(crate) closed_at: Option<EventTime>,
    /// True while a grace period runs: no data for rules.
    pub(crate) provisional: bool,
    /// Points committed at the activation.
    pub(crate) committed: Points,
    /// Committed tickets.
    pub(crate) committed_tickets: u32,
    /// Those without an estimate.
    pub(crate) unestimated: u32,
    /// Points added after.
    pub(crate) added: Points,
    /// Points removed after.
    pub(crate) removed: Points,
    /// Signed sum of re-estimates after.
    pub(crate) re_estimated: Points,
    /// Sum of re-estimates without their signs, change by change.
    pub(crate) re_estimated_absolute: Points,
    /// Points still counted at the end.
    pub(crate) final_points: Points,
    /// Points done among them.
    pub(crate) done: Points,
    /// Committed points done by the close, wherever the ticket is then: the commitment is frozen (R23).
    #[serde(default)]
    pub(crate) done_committed: Points,
    /// Committed points in production that earn credit.
    pub(crate) shipped: Points,
    /// Committed points not in production.
    pub(crate) slipped: Points,
    /// Committed points that earn no credit for want of a size, in production or not.
    pub(crate) credit_refused: Points,
    /// Interrupt points.
    pub(crate) interrupt: Points,
    /// Those of tickets that a signed exception names.
    pub(crate) interrupt_approved: Points,
    /// What the interrupt share is measured against.
    pub(crate) capacity: Ratio,
    /// True when that was declared; else it is the commitment.
    pub(crate) capacity_declared: bool,
    /// Points of scope changes that signed exceptions cover.
    pub(crate) approved: Points,
}

impl Outcome {
    /// O1.1: shipped over committed; `None` for no data (R25).
    pub(crate) fn commit_reliability(&self) -> Option<Ratio> {
        self.of_commitment(self.shipped)
    }

    /// O1.2: points added, removed and re-estimated over committed.
    pub(crate) fn scope_change(&self) -> Option<Ratio> {
        self.of_commitment(self.added + self.removed + self.re_estimated_absolute)
    }

    /// O1.3: interrupt points over capacity.
    pub(crate) fn interrupt_share(&self) -> Option<Ratio> {
        Ratio::from(self.interrupt).checked_div(self.capacity)
    }

    /// Done of the committed, over committed.
    pub(crate) fn done_ratio(&self) -> Option<Ratio> {
        self.of_commitment(self.done_committed)
    }

    /// The message of one revision.
    pub(crate) fn message(
        &self,
        sprint: &SprintId,
        squad: &SquadId,
        life: &Life,
        revision: u32,
    ) -> pb::SprintAssessed {
        pb::SprintAssessed {
            sprint: sprint.to_string(),
            revision,
            squad: squad.to_string(),
            name: life.name.clone(),
            activated_at: life.activated.map(instant::timestamp),
            closed_at: self.closed_at.map(instant::timestamp),
            committed: self.committed.to_f64(),
            added: self.added.to_f64(),
            removed: self.removed.to_f64(),
            re_estimated: self.re_estimated.to_f64(),
            re_estimated_absolute: self.re_estimated_absolute.to_f64(),
            r#final: self.final_points.to_f64(),
            done: self.done.to_f64(),
            done_committed: self.done_committed.to_f64(),
            shipped: self.shipped.to_f64(),
            slipped: self.slipped.to_f64(),
            credit_refused: self.credit_refused.to_f64(),
            interrupt: self.interrupt.to_f64(),
            interrupt_basis: if self.capacity_declared { "capacity" } else { "commitment" }.to_owned(),
            capacity: self.capacity.to_f64(),
            approved: self.approved.to_f64(),
            commit_reliability: self.commit_reliability().map(percent),
            scope_change: self.scope_change().map(percent),
            interrupt_share: self.interrupt_share().map(percent),
            done_ratio: self.done_ratio().map(percent),
            unestimated: self.unestimated,
            provisional: self.provisional,
            committed_tickets: self.committed_tickets,
            interrupt_approved: self.interrupt_approved.to_f64(),
        }
    }

    fn of_commitment(&self, points: Points) -> Option<Ratio> {
        Ratio::from(points).checked_div(self.committed.into())
    }
}

/// A share as people read it: whole percent, without the sign.
fn percent(share: Ratio) -> pb::Measure {
    pb::Measure { exact: share.exact(), display: share.percent(0), value: share.to_f64() }
}
