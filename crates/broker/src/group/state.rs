//! The state machine of one group. Pure: requests and times in, answers to tickets out. Here are its parts, syncing,
//! heartbeats and leaving; `join`, `rebalance` and `timers` are in files of their own.
//!
//! Invariants: the generation rises with every completed join; a member is never removed while it waits inside
//! join or sync; every ticket is answered exactly once.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::member::{JoinFault, Joined, Member, Reply, SyncRequest, Synced, Ticket, Waiting};

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No members.
    Empty,
    /// Members are called to join again.
    Joining {
        /// When those who have not come are left behind.
        deadline: u64,
        /// A new group waits for more members until then.
        gather_until: Option<u64>,
    },
    /// The members know the generation and wait for the leader's assignment.
    Syncing { deadline: u64 },
    /// Everybody has an assignment.
    Stable,
}

/// Answers to send.
pub(crate) type Replies = Vec<(Ticket, Reply)>;

/// One group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) phase: Phase,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<String>,
    pub(crate) members: BTreeMap<String, Member>,
    /// Static members: instance to member id.
    pub(super) instances: BTreeMap<String, String>,
    /// Ids given out to members that have not joined with them yet, and until when they may.
    pub(super) promised: BTreeMap<String, u64>,
    /// How long a new group gathers members.
    pub(super) gather_ms: u64,
}

impl Group {
    pub(crate) fn new(gather_ms: u64) -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            promised: BTreeMap::new(),
            gather_ms,
        }
    }

    /// Nothing would be lost by forgetting the group.
    pub(crate) fn is_idle(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }

    /// A member asks for its assignment, or the leader brings it.
    pub(crate) fn sync(&mut self, request: &SyncRequest, ticket: Ticket, now: u64, out: &mut Replies) {
        if let Err(error) = self.try_sync(request, ticket, now, out) {
            out.push((ticket, Reply::Sync(Err(error))));
        }
    }

    fn try_sync(
        &mut self,
        request: &SyncRequest,
        ticket: Ticket,
        now: u64,
        out: &mut Replies,
    ) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.instance.as_deref())?;
        self.check_generation(request.generation)?;
        let differs = |said: &Option<String>, own: &Option<String>| said.is_some() && said != own;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol, &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        self.touch(&request.member_id, now);
        match self.phase {
            Phase::Empty => Err(ResponseError::UnknownMemberId),
            Phase::Joining { .. } => Err(ResponseError::RebalanceInProgress),
            Phase::Stable => {
                out.push((ticket, Reply::Sync(Ok(self.synced(&request.member_id)))));
                Ok(())
            }
            Phase::Syncing { .. } => {
                self.set_waiting(&request.member_id, Waiting::Sync(ticket), out);
                if self.leader.as_ref() == Some(&request.member_id) {
                    self.assign(&request.assignments, now, out);
                }
                Ok(())
            }
        }
    }

    fn assign(&mut self, assignments: &[(String, Bytes)], now: u64, out: &mut Replies) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(id) {
                member.assignment = assignment.clone();
            }
        }
        self.phase = Phase::Stable;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let synced = self.synced(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            if let Waiting::Sync(ticket) = std::mem::replace(&mut member.waiting, Waiting::Nothing) {
                member.touch(now);
                out.push((ticket, Reply::Sync(Ok(synced))));
            }
        }
    }

    /// A member is alive; the answer tells it to join again when it should.
    pub(crate) fn heartbeat(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
        now: u64,
    ) -> Result<(), ResponseError> {
        self.check_member(member_id, instance)?;
        self.check_generation(generation)?;
        self.touch(member_id, now);
        match self.phase {
            Phase::Joining { .. } => Err(ResponseError::RebalanceInProgress),
            Phase::Empty | Phase::Syncing { .. } | Phase::Stable => Ok(()),
        }
    }

    /// A member leaves on its own accord, named by id or by instance.
    pub(crate) fn leave(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
        now: u64,
        out: &mut Replies,
    ) -> Result<(), ResponseError> {
        if self.promised.remove(member_id).is_some() {
            self.complete_when_all_joined(now, out);
            return Ok(());
        }
        let by_instance = instance.filter(|_| member_id.is_empty());
        let id = match by_instance.map(|instance| self.instances.get(instance)) {
            Some(Some(id)) => id.clone(),
            Some(None) => return Err(ResponseError::UnknownMemberId),
            None => {
                self.check_member(member_id, instance)?;
                member_id.to_owned()
            }
        };
        self.remove(&id, now, out);
        Ok(())
    }

    /// Removes a member and lets the others share its partitions.
    pub(super) fn remove(&mut self, id: &str, now: u64, out: &mut Replies) {
        self.drop_member(id, out);
        match self.phase {
            Phase::Joining { .. } => self.complete_when_all_joined(now, out),
            Phase::Empty => {}
            Phase::Syncing { .. } | Phase::Stable => self.rebalance(now, out),
        }
    }

    pub(super) fn drop_member(&mut self, id: &str, out: &mut Replies) {
        let Some(mut member) = self.members.remove(id) else { return };
        answer_fenced(&mut member, out);
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = None;
        }
    }

    pub(super) fn joined(&self, id: &str) -> Joined {
        let protocol = self.protocol.clone().unwrap_or_default();
        let leader = self.leader.clone().unwrap_or_default();
        let members = if leader == id {
            let row = |(id, member): (&String, &Member)| {
                (id.clone(), member.instance.clone(), member.metadata(&protocol))
            };
            self.members.iter().map(row).collect()
        } else {
            Vec::new()
        };
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol,
            leader,
            member_id: id.to_owned(),
            members,
        }
    }

    pub(super) fn synced(&self, id: &str) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            assignment: self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default(),
        }
    }

    /// Lets a member wait; a request it waited with before is answered first.
    pub(super) fn set_waiting(&mut self, id: &str, waiting: Waiting, out: &mut Replies) {
        let Some(member) = self.members.get_mut(id) else { return };
        let in_progress = ResponseError::RebalanceInProgress;
        match std::mem::replace(&mut member.waiting, waiting) {
            Waiting::Nothing => {}
            Waiting::Join(old) => out.push((old, Reply::Join(Err(JoinFault::Refused(in_progress))))),
            Waiting::Sync(old) => out.push((old, Reply::Sync(Err(in_progress)))),
        }
    }
}

/// Answers the request of a member that loses its seat.
pub(super) fn answer_fenced(member: &mut Member, out: &mut Replies) {
    let error = match member.instance {
        Some(_) => ResponseError::FencedInstanceId,
        None => ResponseError::UnknownMemberId,
    };
    match std::mem::replace(&mut member.waiting, Waiting::Nothing) {
        Waiting::Nothing => {}
        Waiting::Join(ticket) => out.push((ticket, Reply::Join(Err(JoinFault::Refused(error))))),
        Waiting::Sync(ticket) => out.push((ticket, Reply::Sync(Err(error)))),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
