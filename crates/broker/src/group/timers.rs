//! The deadlines of a group: sessions, joins, syncs, promised ids.

use super::member::Waiting;
use super::state::{Group, Phase, Replies};

impl Group {
    /// Applies every deadline that has passed.
    pub(crate) fn tick(&mut self, now: u64, out: &mut Replies) {
        let promised = self.promised.len();
        self.promised.retain(|_, until| *until > now);
        if self.promised.len() < promised {
            self.complete_when_all_joined(now, out);
        }
        self.expire_sessions(now, out);
        match self.phase {
            Phase::Joining { deadline, .. } if deadline <= now => self.complete_join(now, out),
            Phase::Joining { deadline, gather_until: Some(until) } if until <= now => {
                self.phase = Phase::Joining { deadline, gather_until: None };
                self.complete_when_all_joined(now, out);
            }
            Phase::Syncing { deadline } if deadline <= now => self.drop_the_silent(now, out),
            Phase::Joining { .. } | Phase::Syncing { .. } | Phase::Empty | Phase::Stable => {}
        }
    }

    /// Members that wait for us are not silent: only those that do not can expire.
    fn expire_sessions(&mut self, now: u64, out: &mut Replies) {
        let expired: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting == Waiting::Nothing && member.expires_at <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in expired {
            tracing::debug!(member_id = %id, "a group member's session expired");
            self.remove(&id, now, out);
        }
    }

    /// A sync that never completes: those who did not come, such as a leader without an assignment, lose their
    /// seats.
    fn drop_the_silent(&mut self, now: u64, out: &mut Replies) {
        let silent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting == Waiting::Nothing)
            .map(|(id, _)| id.clone())
            .collect();
        silent.iter().for_each(|id| self.remove(id, now, out));
        if matches!(self.phase, Phase::Syncing { .. }) {
            self.rebalance(now, out);
        }
    }

    /// When `tick` has to be called next.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Joining { deadline, gather_until } => {
                Some(gather_until.map_or(deadline, |at| at.min(deadline)))
            }
            Phase::Syncing { deadline } => Some(deadline),
            Phase::Empty | Phase::Stable => None,
        };
        let sessions = self
            .members
            .values()
            .filter(|member| member.waiting == Waiting::Nothing)
            .map(|member| member.expires_at);
        phase.into_iter().chain(sessions).chain(self.promised.values().copied()).min()
    }
}
