//! Who may act for a group: checks of member, instance and generation.

use kafka_protocol::ResponseError;

use super::state::{Group, Phase};

impl Group {
    pub(super) fn check_member(&self, member_id: &str, instance: Option<&str>) -> Result<(), ResponseError> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                Some(holder) if holder == member_id => {}
                Some(_) => return Err(ResponseError::FencedInstanceId),
                None => return Err(ResponseError::UnknownMemberId),
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ResponseError::UnknownMemberId) }
    }

    pub(super) fn check_generation(&self, generation: i32) -> Result<(), ResponseError> {
        if generation == self.generation { Ok(()) } else { Err(ResponseError::IllegalGeneration) }
    }

    pub(super) fn touch(&mut self, member_id: &str, now: u64) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.touch(now);
        }
    }

    /// Checks an offset commit. Inside a transaction a blank member with generation -1 is let through, as Kafka does;
    /// outside one only while the group has no members.
    pub(crate) fn check_commit(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
        transactional: bool,
        now: u64,
    ) -> Result<(), ResponseError> {
        if generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        let blank = generation < 0 && member_id.is_empty() && instance.is_none();
        if blank {
            return if transactional { Ok(()) } else { Err(ResponseError::UnknownMemberId) };
        }
        self.check_member(member_id, instance)?;
        self.check_generation(generation)?;
        self.touch(member_id, now);
        match self.phase {
            Phase::Syncing { .. } if !transactional => Err(ResponseError::RebalanceInProgress),
            Phase::Empty | Phase::Joining { .. } | Phase::Syncing { .. } | Phase::Stable => Ok(()),
        }
    }
}
