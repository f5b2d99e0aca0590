//! Joining a group: first joins, joins again, static members that take their seats back.

use kafka_protocol::ResponseError;

use super::member::{JoinFault, JoinRequest, Joined, Member, Reply, Ticket, Waiting};
use super::state::{Group, Phase, Replies, answer_fenced};

/// More members than any sane deployment of one node; bounds memory.
const MAX_MEMBERS: usize = 1_000;

impl Group {
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
}
