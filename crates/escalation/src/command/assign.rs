//! Assign an owner: whoever owns a key result, for good or for a time, is who its steps go to from now on.

use bellwether_model::KeyResultId;
use bellwether_wire::{instant, pb};

use crate::escalator::Escalator;
use crate::people::Assigned;

impl Escalator {
    pub(super) fn assign_owner(&mut self, message: &pb::OwnerAssigned) {
        if message.key_result.is_empty() || message.owner.is_empty() {
            return;
        }
        let key_result = KeyResultId::from(message.key_result.as_str());
        let assigned = Assigned {
            owner: message.owner.clone(),
            at: self.now,
            interim: message.interim,
            until: instant::optional(message.until.as_ref()).filter(|_| message.interim),
        };
        self.ledger.owner(&key_result);
        self.owners.insert(key_result, assigned);
    }
}
