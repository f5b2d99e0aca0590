//! All groups of the broker: finds the group, runs its machine, delivers the answers to waiting requests and wakes up
//! for deadlines.
//!
//! One lock holds all groups; every section under it is arithmetic, apart from the journal append of an
//! offset commit, which must not be overtaken by a rebalance.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::{Notify, oneshot};

use super::member::{JoinFault, JoinRequest, Joined, Member, Reply, SyncRequest, Synced, Ticket};
use super::state::{Group, Phase, Replies};
use crate::clock::Monotonic;
use crate::sync::lock;

/// How long to sleep when no group has a deadline.
const IDLE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Default)]
struct Inner {
    groups: BTreeMap<String, Group>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Reply>>,
    tickets: Ticket,
}

/// The group coordinator.
#[derive(Debug)]
pub(crate) struct Groups {
    inner: Mutex<Inner>,
    changed: Notify,
    clock: Monotonic,
    gather_ms: u64,
}

/// A member as described to administrators.
#[derive(Debug, Clone)]
pub(crate) struct MemberView {
    pub(crate) id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

/// A group as described to administrators.
#[derive(Debug, Clone)]
pub(crate) struct GroupView {
    pub(crate) state: &'static str,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) members: Vec<MemberView>,
}

impl Groups {
    pub(crate) fn new(gather: Duration, clock: Monotonic) -> Self {
        let gather_ms = u64::try_from(gather.as_millis()).unwrap_or(u64::MAX);
        Self { inner: Mutex::default(), changed: Notify::new(), clock, gather_ms }
    }

    /// Joins a group; waits until the group is complete.
    pub(crate) async fn join(&self, name: &str, request: JoinRequest) -> Result<Joined, JoinFault> {
        let receiver = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            let known = inner.groups.contains_key(name);
            if !known && !request.member_id.is_empty() {
                return Err(JoinFault::Refused(ResponseError::UnknownMemberId));
            }
            let group = inner.groups.entry(name.to_owned()).or_insert_with(|| Group::new(self.gather_ms));
            let (ticket, receiver) = take_ticket(&mut inner.tickets, &mut inner.waiting);
            let mut replies = Replies::new();
            group.join(&request, ticket, self.clock.now_ms(), &mut replies);
            deliver(&mut inner.waiting, replies);
            receiver
        };
        self.changed.notify_one();
        match receiver.await {
            Ok(Reply::Join(result)) => result,
            Ok(Reply::Sync(_)) | Err(_) => Err(JoinFault::Refused(ResponseError::CoordinatorNotAvailable)),
        }
    }

    /// Asks for or brings the assignment; waits until the leader has brought it.
    pub(crate) async fn sync(&self, name: &str, request: SyncRequest) -> Result<Synced, ResponseError> {
        let receiver = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            let group = inner.groups.get_mut(name).ok_or(ResponseError::UnknownMemberId)?;
            let (ticket, receiver) = take_ticket(&mut inner.tickets, &mut inner.waiting);
            let mut replies = Replies::new();
            group.sync(&request, ticket, self.clock.now_ms(), &mut replies);
            deliver(&mut inner.waiting, replies);
            receiver
        };
        self.changed.notify_one();
        match receiver.await {
            Ok(Reply::Sync(result)) => result,
            Ok(Reply::Join(_)) | Err(_) => Err(ResponseError::CoordinatorNotAvailable),
        }
    }

    pub(crate) fn heartbeat(
        &self,
        name: &str,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        let mut inner = lock(&self.inner);
        let group = inner.groups.get_mut(name).ok_or(ResponseError::UnknownMemberId)?;
        group.heartbeat(member_id, instance, generation, self.clock.now_ms())
    }

    pub(crate) fn leave(
        &self,
        name: &str,
        member_id: &str,
        instance: Option<&str>,
    ) -> Result<(), ResponseError> {
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let group = inner.groups.get_mut(name).ok_or(ResponseError::UnknownMemberId)?;
        let mut replies = Replies::new();
        let left = group.leave(member_id, instance, self.clock.now_ms(), &mut replies);
        deliver(&mut inner.waiting, replies);
        self.changed.notify_one();
        left
    }

    /// Checks an offset commit and, if it may happen, runs `commit` before the group can change.
    pub(crate) fn commit<T>(
        &self,
        name: &str,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
        transactional: bool,
        commit: impl FnOnce() -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        let mut inner = lock(&self.inner);
        match inner.groups.get_mut(name) {
            Some(group) => {
                let now = self.clock.now_ms();
                group.check_commit(member_id, instance, generation, transactional, now)?;
            }
            None if generation < 0 => {}
            None => return Err(ResponseError::IllegalGeneration),
        }
        commit()
    }

    /// Runs `delete` if the group has no members, before anybody can join.
    pub(crate) fn while_empty<T>(
        &self,
        name: &str,
        delete: impl FnOnce() -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        let mut inner = lock(&self.inner);
        if inner.groups.get(name).is_some_and(|group| !group.is_idle()) {
            return Err(ResponseError::NonEmptyGroup);
        }
        inner.groups.remove(name);
        delete()
    }

    pub(crate) fn describe(&self, name: &str) -> Option<GroupView> {
        lock(&self.inner).groups.get(name).map(view)
    }

    /// Names, states and protocol types of all groups that have or expect members.
    pub(crate) fn list(&self) -> Vec<(String, &'static str, String)> {
        let inner = lock(&self.inner);
        let row = |(name, group): (&String, &Group)| {
            (name.clone(), state_name(group.phase), group.protocol_type.clone().unwrap_or_default())
        };
        inner.groups.iter().map(row).collect()
    }

    /// Runs the deadlines of all groups for ever.
    pub(crate) async fn run_deadlines(&self) {
        loop {
            let next = self.tick();
            let until = match next {
                Some(at) => self.clock.instant(at),
                None => self.clock.instant(self.clock.now_ms()) + IDLE,
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn tick(&self) -> Option<u64> {
        let now = self.clock.now_ms();
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        let mut replies = Replies::new();
        for group in inner.groups.values_mut() {
            if group.next_deadline().is_some_and(|at| at <= now) {
                group.tick(now, &mut replies);
            }
        }
        deliver(&mut inner.waiting, replies);
        inner.waiting.retain(|_, sender| !sender.is_closed());
        inner.groups.retain(|_, group| !group.is_idle());
        inner.groups.values().filter_map(Group::next_deadline).min()
    }
}

fn take_ticket(
    tickets: &mut Ticket,
    waiting: &mut BTreeMap<Ticket, oneshot::Sender<Reply>>,
) -> (Ticket, oneshot::Receiver<Reply>) {
    *tickets += 1;
    let (sender, receiver) = oneshot::channel();
    waiting.insert(*tickets, sender);
    (*tickets, receiver)
}

fn deliver(waiting: &mut BTreeMap<Ticket, oneshot::Sender<Reply>>, replies: Replies) {
    for (ticket, reply) in replies {
        // The asking connection may be gone; then nobody wants the answer.
        waiting.remove(&ticket).map(|sender| sender.send(reply).ok());
    }
}

/// Kafka's name of a group state.
fn state_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Empty => "Empty",
        Phase::Joining { .. } => "PreparingRebalance",
        Phase::Syncing { .. } => "CompletingRebalance",
        Phase::Stable => "Stable",
    }
}

fn view(group: &Group) -> GroupView {
    let protocol = group.protocol.clone().unwrap_or_default();
    let stable = group.phase == Phase::Stable;
    let member = |(id, member): (&String, &Member)| MemberView {
        id: id.clone(),
        instance: member.instance.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata: if stable { member.metadata(&protocol) } else { Bytes::new() },
        assignment: if stable { member.assignment.clone() } else { Bytes::new() },
    };
    GroupView {
        state: state_name(group.phase),
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        members: group.members.iter().map(member).collect(),
        protocol: if stable { protocol } else { String::new() },
    }
}
