//! Group membership requests: translation between messages and the group coordinator.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Caller, code, storage_error, text};
use crate::core::Core;
use crate::group::{GroupView, JoinFault, JoinRequest, Joined, MemberView, SyncRequest};
use crate::journal::Entry;
use crate::sync::lock;

/// Session time-outs accepted, in milliseconds: short enough for tests, at most Kafka's half hour.
const SESSION_MS: std::ops::RangeInclusive<i32> = 10..=1_800_000;
/// Longest wait for members to join again.
const MAX_REBALANCE_MS: i32 = 24 * 3_600 * 1_000;

/// First versions of features.
const JOIN_NEEDS_ID: i16 = 4;
const JOIN_NAMES_PROTOCOL_TYPE: i16 = 7;
const JOIN_NULL_PROTOCOL: i16 = 7;
const SYNC_NAMES_PROTOCOL: i16 = 5;
const LEAVE_BATCHED: i16 = 3;
const LIST_STATES: i16 = 4;
const LIST_TYPES: i16 = 5;

fn name(group: &GroupId) -> Result<&str, ResponseError> {
    if group.is_empty() { Err(ResponseError::InvalidGroupId) } else { Ok(group) }
}

fn instance(id: &Option<StrBytes>) -> Option<&str> {
    id.as_ref().map(StrBytes::as_str)
}

fn owned(id: &Option<StrBytes>) -> Option<String> {
    id.as_ref().map(ToString::to_string)
}

/// Joins a group; waits for the others.
pub(super) async fn join(
    core: &Core,
    caller: &Caller,
    version: i16,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let refused = |error: ResponseError, member_id: StrBytes| {
        let protocol = (version < JOIN_NULL_PROTOCOL).then(StrBytes::default);
        JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_name(protocol)
            .with_member_id(member_id)
    };
    if let Err(error) = name(&request.group_id) {
        return refused(error, request.member_id);
    }
    if !SESSION_MS.contains(&request.session_timeout_ms) {
        return refused(ResponseError::InvalidSessionTimeout, request.member_id);
    }
    let session_ms = request.session_timeout_ms;
    // Version 0 has no rebalance time-out; the session's serves for both.
    let rebalance_ms = if version >= 1 { request.rebalance_timeout_ms } else { session_ms };
    let stem = instance(&request.group_instance_id).unwrap_or(&caller.client_id);
    let join = JoinRequest {
        member_id: request.member_id.to_string(),
        offered_id: format!("{stem}-{}", Uuid::new_v4()),
        instance: owned(&request.group_instance_id),
        client_id: caller.client_id.clone(),
        client_host: caller.client_host.clone(),
        session_ms: millis(session_ms),
        rebalance_ms: millis(rebalance_ms.clamp(1, MAX_REBALANCE_MS)),
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|row| (row.name.to_string(), own(&row.metadata)))
            .collect(),
        id_required: version >= JOIN_NEEDS_ID,
    };
    match core.groups.join(&request.group_id, join).await {
        Ok(joined) => accepted(version, joined),
        Err(JoinFault::IdRequired(id)) => refused(ResponseError::MemberIdRequired, text(id)),
        Err(JoinFault::Refused(error)) => refused(error, request.member_id),
    }
}

fn accepted(version: i16, joined: Joined) -> JoinGroupResponse {
    let member = |(id, instance, metadata): (String, Option<String>, Bytes)| {
        JoinGroupResponseMember::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.map(text))
            .with_metadata(metadata)
    };
    let protocol_type = (version >= JOIN_NAMES_PROTOCOL_TYPE).then(|| text(joined.protocol_type));
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(protocol_type)
        .with_protocol_name(Some(text(joined.protocol)))
        .with_leader(text(joined.leader))
        .with_member_id(text(joined.member_id))
        .with_members(joined.members.into_iter().map(member).collect())
}

/// Copies bytes that will outlive the request's frame, which they would otherwise keep in memory.
fn own(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn millis(value: i32) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Fetches an assignment, or brings everybody's.
pub(super) async fn sync(core: &Core, version: i16, request: SyncGroupRequest) -> SyncGroupResponse {
    let sync = SyncRequest {
        member_id: request.member_id.to_string(),
        instance: owned(&request.group_instance_id),
        generation: request.generation_id,
        protocol_type: owned(&request.protocol_type),
        protocol: owned(&request.protocol_name),
        assignments: request
            .assignments
            .iter()
            .map(|row| (row.member_id.to_string(), own(&row.assignment)))
            .collect(),
    };
    let synced = match name(&request.group_id) {
        Ok(group) => core.groups.sync(group, sync).await,
        Err(error) => Err(error),
    };
    match synced {
        Ok(synced) => {
            let names = version >= SYNC_NAMES_PROTOCOL;
            SyncGroupResponse::default()
                .with_protocol_type(names.then(|| text(synced.protocol_type)))
                .with_protocol_name(names.then(|| text(synced.protocol)))
                .with_assignment(synced.assignment)
        }
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

/// Notes that a member is alive.
pub(super) fn heartbeat(core: &Core, request: &HeartbeatRequest) -> HeartbeatResponse {
    let outcome = name(&request.group_id).and_then(|group| {
        let instance = instance(&request.group_instance_id);
        core.groups.heartbeat(group, &request.member_id, instance, request.generation_id)
    });
    HeartbeatResponse::default().with_error_code(code(&outcome))
}

/// Lets members go.
pub(super) fn leave(core: &Core, version: i16, request: &LeaveGroupRequest) -> LeaveGroupResponse {
    let group = match name(&request.group_id) {
        Ok(group) => group,
        Err(error) => return LeaveGroupResponse::default().with_error_code(error.code()),
    };
    if version < LEAVE_BATCHED {
        let outcome = core.groups.leave(group, &request.member_id, None);
        return LeaveGroupResponse::default().with_error_code(code(&outcome));
    }
    let rows = request.members.iter().map(|member| {
        let outcome = core.groups.leave(group, &member.member_id, instance(&member.group_instance_id));
        MemberResponse::default()
            .with_member_id(member.member_id.clone())
            .with_group_instance_id(member.group_instance_id.clone())
            .with_error_code(code(&outcome))
    });
    LeaveGroupResponse::default().with_members(rows.collect())
}

fn has_offsets(core: &Core, group: &str) -> bool {
    lock(&core.journal).image().offsets.contains_key(group)
}

/// Describes groups and their members.
pub(super) fn describe(core: &Core, request: &DescribeGroupsRequest) -> DescribeGroupsResponse {
    let groups = request.groups.iter().map(|group| {
        let described = DescribedGroup::default().with_group_id(group.clone());
        match core.groups.describe(group) {
            Some(view) => describe_one(described, view),
            None if has_offsets(core, group) => described.with_group_state(text("Empty")),
            None => described.with_group_state(text("Dead")),
        }
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn describe_one(described: DescribedGroup, view: GroupView) -> DescribedGroup {
    let member = |member: MemberView| {
        DescribedGroupMember::default()
            .with_member_id(text(member.id))
            .with_group_instance_id(member.instance.map(text))
            .with_client_id(text(member.client_id))
            .with_client_host(text(member.client_host))
            .with_member_metadata(member.metadata)
            .with_member_assignment(member.assignment)
    };
    described
        .with_group_state(text(view.state))
        .with_protocol_type(text(view.protocol_type))
        .with_protocol_data(text(view.protocol))
        .with_members(view.members.into_iter().map(member).collect())
}

/// Lists groups that have members or committed offsets.
pub(super) fn list(core: &Core, version: i16, request: &ListGroupsRequest) -> ListGroupsResponse {
    let mut rows = core.groups.list();
    let stored: Vec<String> = lock(&core.journal).image().offsets.keys().cloned().collect();
    for group in stored {
        if !rows.iter().any(|(name, ..)| *name == group) {
            rows.push((group, "Empty", String::new()));
        }
    }
    let any = |filter: &[StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let listed = rows
        .into_iter()
        .filter(|(_, state, _)| any(&request.states_filter, state) && any(&request.types_filter, "classic"))
        .map(|(name, state, protocol_type)| {
            let row = ListedGroup::default()
                .with_group_id(GroupId(text(name)))
                .with_protocol_type(text(protocol_type));
            let row = if version >= LIST_STATES { row.with_group_state(text(state)) } else { row };
            if version >= LIST_TYPES { row.with_group_type(text("classic")) } else { row }
        });
    ListGroupsResponse::default().with_groups(listed.collect())
}

/// Deletes groups without members, with their offsets.
pub(super) fn delete(core: &Core, request: &DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.iter().map(|group| {
        let outcome = name(group).and_then(|name| {
            core.groups.while_empty(name, || {
                if !has_offsets(core, name) {
                    return Err(ResponseError::GroupIdNotFound);
                }
                core.record(Entry::GroupDeleted { group: name.to_owned() }).map_err(storage_error)
            })
        });
        DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(code(&outcome))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
