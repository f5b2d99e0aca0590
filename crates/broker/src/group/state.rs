//! The state machine of one group. Pure: requests and times in, answers to tickets out.
//!
//! Invariants: the generation rises with every completed join; a member is never removed while it waits inside
//! join or sync; every ticket is answered exactly once.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::member::{JoinFault, JoinRequest, Joined, Member, Reply, SyncRequest, Synced, Ticket, Waiting};

/// More members than any sane deployment of one node; bounds memory.
const MAX_MEMBERS: usize = 1_000;

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

    /// A member joins, or joins again.
    pub(crate) fn join(&mut self, request: &JoinRequest, ticket: Ticket, now: u64, out: &mut Replies) {
        if let Err(fault) = self.try_join(request, ticket, now, out) {
            out.push((ticket, Reply::Join(Err(fault))));
        }
    }

    fn try_join(
        &mut self,
        request: &JoinRequest,
        ticket: Ticket,
        now: u64,
        out: &mut Replies,
    ) -> Result<(), JoinFault> {
        let refuse = |error| Err(JoinFault::Refused(error));
        if !self.speaks(request) {
            return refuse(ResponseError::InconsistentGroupProtocol);
        }
        if request.member_id.is_empty() {
            return self.join_new(request, ticket, now, out);
        }
        if let Some(instance) = &request.instance {
            match self.instances.get(instance) {
                Some(holder) if *holder != request.member_id => {
                    return refuse(ResponseError::FencedInstanceId);
                }
                Some(_) => {}
                None => return refuse(ResponseError::UnknownMemberId),
            }
        }
        if self.promised.remove(&request.member_id).is_some() {
            self.add(request.member_id.clone(), request, ticket, now, out);
            return Ok(());
        }
        if !self.members.contains_key(&request.member_id) {
            return refuse(ResponseError::UnknownMemberId);
        }
        self.rejoin(request, ticket, now, out);
        Ok(())
    }

    /// True when the group could work with this member's assignors.
    fn speaks(&self, request: &JoinRequest) -> bool {
        if request.protocol_type.is_empty() || request.protocols.is_empty() {
            return false;
        }
        let others: Vec<&Member> = self
            .members
            .iter()
            .filter(|(id, _)| **id != request.member_id)
            .map(|(_, member)| member)
            .collect();
        let same_type =
            others.is_empty() || self.protocol_type.as_ref().is_none_or(|own| *own == request.protocol_type);
        let shared = request.protocols.iter().any(|(name, _)| {
            others.iter().all(|member| member.protocols.iter().any(|(other, _)| other == name))
        });
        same_type && shared
    }

    fn join_new(
        &mut self,
        request: &JoinRequest,
        ticket: Ticket,
        now: u64,
        out: &mut Replies,
    ) -> Result<(), JoinFault> {
        let holder = request.instance.as_ref().and_then(|instance| self.instances.get(instance)).cloned();
        if let Some(holder) = holder {
            self.take_seat(&holder, request, ticket, now, out);
            return Ok(());
        }
        if self.members.len() + self.promised.len() >= MAX_MEMBERS {
            return Err(JoinFault::Refused(ResponseError::GroupMaxSizeReached));
        }
        if request.id_required && request.instance.is_none() {
            self.promised.insert(request.offered_id.clone(), now + request.session_ms);
            return Err(JoinFault::IdRequired(request.offered_id.clone()));
        }
        self.add(request.offered_id.clone(), request, ticket, now, out);
        Ok(())
    }

    fn add(&mut self, id: String, request: &JoinRequest, ticket: Ticket, now: u64, out: &mut Replies) {
        let mut member = Member::new(request, now);
        member.waiting = Waiting::Join(ticket);
        if let Some(instance) = &request.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        self.members.insert(id, member);
        match &mut self.phase {
            Phase::Joining { deadline, gather_until: Some(until) } => {
                *until = (now + self.gather_ms).min(*deadline);
            }
            Phase::Joining { .. } => self.complete_when_all_joined(now, out),
            Phase::Empty | Phase::Syncing { .. } | Phase::Stable => self.rebalance(now, out),
        }
    }

    /// A restarted static member takes its seat back under a new id; the old id is fenced.
    fn take_seat(&mut self, old: &str, request: &JoinRequest, ticket: Ticket, now: u64, out: &mut Replies) {
        let Some(mut member) = self.members.remove(old) else { return };
        answer_fenced(&mut member, out);
        let id = request.offered_id.clone();
        let unchanged = member.protocols == request.protocols;
        member.renew(request, now);
        if let Some(instance) = &request.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        let led = self.leader.as_deref() == Some(old);
        if led {
            self.leader = Some(id.clone());
        }
        self.members.insert(id.clone(), member);
        if self.phase == Phase::Stable && unchanged {
            // The old id is named as leader so that a returning leader does not assign anew.
            let leader = if led { old.to_owned() } else { self.leader.clone().unwrap_or_default() };
            let joined = Joined { leader, members: Vec::new(), ..self.joined(&id) };
            out.push((ticket, Reply::Join(Ok(joined))));
            return;
        }
        self.set_waiting(&id, Waiting::Join(ticket), out);
        match self.phase {
            Phase::Joining { .. } => self.complete_when_all_joined(now, out),
            Phase::Empty | Phase::Syncing { .. } | Phase::Stable => self.rebalance(now, out),
        }
    }

    fn rejoin(&mut self, request: &JoinRequest, ticket: Ticket, now: u64, out: &mut Replies) {
        let id = &request.member_id;
        let Some(member) = self.members.get_mut(id) else { return };
        let unchanged = member.protocols == request.protocols;
        member.renew(request, now);
        let leads = self.leader.as_ref() == Some(id);
        let settled = match self.phase {
            Phase::Syncing { .. } => unchanged,
            Phase::Stable => unchanged && !leads,
            Phase::Empty | Phase::Joining { .. } => false,
        };
        if settled {
            out.push((ticket, Reply::Join(Ok(self.joined(id)))));
            return;
        }
        self.set_waiting(id, Waiting::Join(ticket), out);
        match self.phase {
            Phase::Joining { .. } => self.complete_when_all_joined(now, out),
            Phase::Empty | Phase::Syncing { .. } | Phase::Stable => self.rebalance(now, out),
        }
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

    fn drop_member(&mut self, id: &str, out: &mut Replies) {
        let Some(mut member) = self.members.remove(id) else { return };
        answer_fenced(&mut member, out);
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = None;
        }
    }

    /// Calls everybody to join again.
    pub(super) fn rebalance(&mut self, now: u64, out: &mut Replies) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
            if let Waiting::Sync(ticket) = member.waiting {
                member.waiting = Waiting::Nothing;
                member.touch(now);
                out.push((ticket, Reply::Sync(Err(ResponseError::RebalanceInProgress))));
            }
        }
        let patience = self.members.values().map(|member| member.rebalance_ms).max().unwrap_or(0);
        let deadline = now + patience;
        let gathers = self.phase == Phase::Empty && self.gather_ms > 0;
        let gather_until = gathers.then(|| (now + self.gather_ms).min(deadline));
        self.phase = Phase::Joining { deadline, gather_until };
        self.complete_when_all_joined(now, out);
    }

    pub(super) fn complete_when_all_joined(&mut self, now: u64, out: &mut Replies) {
        let Phase::Joining { gather_until: None, .. } = self.phase else { return };
        let all = self.members.values().all(|member| matches!(member.waiting, Waiting::Join(_)));
        if all && self.promised.is_empty() {
            self.complete_join(now, out);
        }
    }

    /// Starts the next generation with those who have come.
    pub(super) fn complete_join(&mut self, now: u64, out: &mut Replies) {
        let absent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.instance.is_none() && !matches!(member.waiting, Waiting::Join(_)))
            .map(|(id, _)| id.clone())
            .collect();
        absent.iter().for_each(|id| self.drop_member(id, out));
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            (self.protocol, self.protocol_type, self.leader) = (None, None, None);
            return;
        }
        self.protocol = Some(self.elect_protocol());
        let present = |member: &Member| matches!(member.waiting, Waiting::Join(_));
        let leader_present = self.leader.as_ref().and_then(|id| self.members.get(id)).is_some_and(present);
        if !leader_present {
            let first =
                self.members.iter().find(|(_, member)| present(member)).or(self.members.iter().next());
            self.leader = first.map(|(id, _)| id.clone());
        }
        let patience = self.members.values().map(|member| member.rebalance_ms).max().unwrap_or(0);
        self.phase = Phase::Syncing { deadline: now + patience };
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            if let Waiting::Join(ticket) = member.waiting {
                member.waiting = Waiting::Nothing;
                member.touch(now);
                out.push((ticket, Reply::Join(Ok(joined))));
            }
        }
    }

    /// The assignor that all members know and most prefer; the first by name among equals.
    fn elect_protocol(&self) -> String {
        let known_to_all = |name: &str| {
            self.members.values().all(|member| member.protocols.iter().any(|(other, _)| other == name))
        };
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| known_to_all(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().max().copied();
        let elected = votes.iter().find(|(_, count)| Some(**count) == most);
        elected.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
    }

    fn joined(&self, id: &str) -> Joined {
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

    fn synced(&self, id: &str) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            assignment: self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default(),
        }
    }

    /// Lets a member wait; a request it waited with before is answered first.
    fn set_waiting(&mut self, id: &str, waiting: Waiting, out: &mut Replies) {
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
fn answer_fenced(member: &mut Member, out: &mut Replies) {
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
