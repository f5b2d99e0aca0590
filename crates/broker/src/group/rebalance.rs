//! Rebalancing: calling everybody, completing a join, choosing leader and assignor.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::member::{Member, Reply, Waiting};
use super::state::{Group, Phase, Replies};

impl Group {
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
}
