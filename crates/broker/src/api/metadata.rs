//! Metadata and FindCoordinator: this node is everything.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};
use uuid::Uuid;

use super::{text, topic_name};
use crate::core::{Core, NODE_ID};
use crate::topics::Topic;

/// First versions of features of the two requests.
const TOPIC_IDS: i16 = 10;
const BATCHED_COORDINATORS: i16 = 4;
/// Up to this version an empty list means all topics.
const EMPTY_MEANS_ALL: i16 = 0;

/// Describes the cluster and its topics.
pub(super) fn metadata(core: &Core, version: i16, request: &MetadataRequest) -> MetadataResponse {
    let all = |core: &Core| core.topics.all().iter().map(|topic| describe(topic, version)).collect();
    let topics = match &request.topics {
        None => all(core),
        Some(asked) if asked.is_empty() && version <= EMPTY_MEANS_ALL => all(core),
        Some(asked) => asked
            .iter()
            .map(|asked| match &asked.name {
                Some(name) => match core.topics.get(name) {
                    Some(topic) => describe(&topic, version),
                    None => unknown(Some(name.clone()), Uuid::nil(), ResponseError::UnknownTopicOrPartition),
                },
                None => match core.topics.by_id(asked.topic_id) {
                    Some(topic) => describe(&topic, version),
                    // Before version 12 the name cannot be absent.
                    None => unknown(
                        (version < 12).then(TopicName::default),
                        asked.topic_id,
                        ResponseError::UnknownTopicId,
                    ),
                },
            })
            .collect(),
    };
    let (host, port) = &core.advertised;
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(host.as_str()))
        .with_port(i32::from(*port));
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(core.cluster_id.as_str())))
        .with_controller_id(BrokerId(NODE_ID))
        .with_topics(topics)
}

fn unknown(name: Option<TopicName>, id: Uuid, error: ResponseError) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_name(name).with_topic_id(id).with_error_code(error.code())
}

fn describe(topic: &Topic, version: i16) -> MetadataResponseTopic {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(NODE_ID))
            .with_leader_epoch(if version >= 7 { 0 } else { -1 })
            .with_replica_nodes(vec![BrokerId(NODE_ID)])
            .with_isr_nodes(vec![BrokerId(NODE_ID)])
    };
    let id = if version >= TOPIC_IDS { topic.id } else { Uuid::nil() };
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(id)
        .with_partitions((0..topic.partition_count() as i32).map(partition).collect())
}

/// Names the coordinator of groups and transactional ids.
pub(super) fn find_coordinator(
    core: &Core,
    version: i16,
    request: &FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let (host, port) = &core.advertised;
    // Groups and transactional ids are served; anything else, such as share groups, is not.
    let error = match request.key_type {
        0 | 1 => 0,
        _ => ResponseError::InvalidRequest.code(),
    };
    let (host, port, node) =
        if error == 0 { (host.as_str(), i32::from(*port), NODE_ID) } else { ("", -1, -1) };
    if version < BATCHED_COORDINATORS {
        return FindCoordinatorResponse::default()
            .with_error_code(error)
            .with_node_id(BrokerId(node))
            .with_host(text(host))
            .with_port(port);
    }
    let coordinators = request.coordinator_keys.iter().map(|key| {
        Coordinator::default()
            .with_key(key.clone())
            .with_error_code(error)
            .with_node_id(BrokerId(node))
            .with_host(text(host))
            .with_port(port)
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}
