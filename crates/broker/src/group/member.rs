//! The messages a group exchanges with its members, and what it keeps about each of them.

use bytes::Bytes;
use kafka_protocol::ResponseError;

/// Names a request that waits for its answer.
pub(crate) type Ticket = u64;

/// A member wants to join.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// Empty on the first attempt.
    pub(crate) member_id: String,
    /// The id to give when `member_id` is empty.
    pub(crate) offered_id: String,
    /// Static membership.
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_ms: u64,
    pub(crate) rebalance_ms: u64,
    pub(crate) protocol_type: String,
    /// Assignors with their metadata, most wanted first.
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// The client can be told its id first and join with it then.
    pub(crate) id_required: bool,
}

/// A join has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    /// Member, instance and metadata of everybody; only for the leader.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
}

/// A member wants its assignment; the leader brings everybody's.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// A member's assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) assignment: Bytes,
}

/// The answer to a waiting request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Join(Result<Joined, JoinFault>),
    Sync(Result<Synced, ResponseError>),
}

/// Why a join failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JoinFault {
    /// Join again with this id.
    IdRequired(String),
    Refused(ResponseError),
}

/// What a member is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    Nothing,
    Join(Ticket),
    Sync(Ticket),
}

/// One member.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_ms: u64,
    pub(crate) rebalance_ms: u64,
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    pub(crate) waiting: Waiting,
    /// When its session ends unless it is heard of; does not count while it waits for us.
    pub(crate) expires_at: u64,
}

impl Member {
    pub(crate) fn new(request: &JoinRequest, now: u64) -> Self {
        Self {
            instance: request.instance.clone(),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            session_ms: request.session_ms,
            rebalance_ms: request.rebalance_ms,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            waiting: Waiting::Nothing,
            expires_at: now + request.session_ms,
        }
    }

    /// Takes over what a repeated join says.
    pub(crate) fn renew(&mut self, request: &JoinRequest, now: u64) {
        self.client_id.clone_from(&request.client_id);
        self.client_host.clone_from(&request.client_host);
        self.session_ms = request.session_ms;
        self.rebalance_ms = request.rebalance_ms;
        self.protocols.clone_from(&request.protocols);
        self.touch(now);
    }

    /// Notes a sign of life.
    pub(crate) fn touch(&mut self, now: u64) {
        self.expires_at = now + self.session_ms;
    }

    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }
}
